/* Running a stage without the engine. */
#include "tests/stages/import/stagekit.h"

#include "base/alloc.h"
#include "base/fs.h"
#include "core/problems.h"
#include "provider/providers.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KIT_FILE_MAX ((size_t)64 << 20)

/* Test programs may lie anywhere: the data files are those of the working directory. */
static void find_data(void)
{
	char cwd[4096];
	if (getcwd(cwd, sizeof(cwd)))
		setenv("TAF_DATA", cwd, 0);
}

static int open_stage(struct kit *k, const struct stage_ops *ops, const char *with, const char *base, struct err *e)
{
	struct problems problems = PROBLEMS_INIT;
	struct yaml_node *node = NULL;
	find_data();
	k->stage.ops = ops;
	k->stage.name = "tested";
	k->stage.base = base;
	k->stage.params = arena_alloc(&k->arena, ops->params_size ? ops->params_size : 1);
	int r = yaml_parse(&k->arena, "with.yaml", str_of(with), &node, e);
	if (r)
		return r;
	if (!options_parse(&k->arena, ops->options, ops->noptions, node, base, ops->name, k->stage.params, &problems)) {
		struct buf b = BUF_INIT;
		problems_print(&problems, &b);
		r = err_set(e, ERR_CONFIG, "%s", b.data);
		buf_release(&b);
	}
	problems_release(&problems);
	if (!r && ops->check)
		r = ops->check(k->stage.params, e);
	if (!r && ops->suits)
		r = ops->suits(k->stage.params, k->stage.provider ? k->stage.provider->ops : &provider_script, e);
	if (!r && ops->init)
		r = ops->init(&k->stage, e);
	k->files = stage_item_files(&k->stage);
	return r;
}

int kit_open(struct kit *k, const struct stage_ops *ops, const char *with, const char *base, struct err *e)
{
	memset(k, 0, sizeof(*k));
	return open_stage(k, ops, with, base, e);
}

int kit_open_with(
	struct kit *k, const struct stage_ops *ops, const char *with, const struct provider *provider, struct err *e)
{
	memset(k, 0, sizeof(*k));
	k->stage.provider = provider;
	return open_stage(k, ops, with, ".", e);
}

void kit_close(struct kit *k)
{
	if (k->stage.ops->destroy)
		k->stage.ops->destroy(&k->stage);
	for (size_t i = 0; i < k->ntexts; i++)
		buf_release(&k->texts[i]);
	free(k->texts);
	free(k->items);
	arena_release(&k->stage.arena);
	arena_release(&k->arena);
}

static int kit_add(void *arg, struct str id, const struct json *content, struct locator at, const int *uses,
	size_t nuses, const char *broken)
{
	struct kit *k = arg;
	(void)uses;
	(void)nuses;
	GROW(k->items, k->n, k->cap);
	k->items[k->n++] = (struct kit_item){
		.id = arena_str(&k->arena, id),
		.content = content ? json_copy(&k->arena, content) : NULL,
		.broken = broken ? arena_strdup(&k->arena, broken) : NULL,
		.at = at,
	};
	return 0;
}

static int kit_file(void *arg, int file, struct str *ret, struct err *e)
{
	struct kit *k = arg;
	if (!k->texts) {
		k->texts = xcalloc(k->files->n, sizeof(*k->texts));
		k->ntexts = k->files->n;
		for (size_t i = 0; i < k->ntexts; i++)
			buf_init(&k->texts[i], KIT_FILE_MAX);
	}
	if (k->texts[file].len == 0) {
		int r = fs_read(k->files->v[file].p, KIT_FILE_MAX, &k->texts[file], e);
		if (r)
			return r;
	}
	*ret = buf_view(&k->texts[file]);
	return 0;
}

int kit_list(struct kit *k, struct err *e)
{
	struct lister_sink sink = {.add = kit_add, .file = kit_file, .arg = k};
	return lister_run(&k->stage, &sink, k->files, e);
}

const struct kit_item *kit_item(const struct kit *k, const char *id)
{
	for (size_t i = 0; i < k->n; i++)
		if (str_is(k->items[i].id, id))
			return &k->items[i];
	return NULL;
}

int kit_work(struct kit *k, const char *id, const struct json *call, struct work *ret, struct err *e)
{
	struct work_io *io = ARENA_NEW(&k->arena, struct work_io);
	*io = k->io ? *k->io : (struct work_io){.file = kit_file, .arg = k};
	*ret = (struct work){.stage = &k->stage, .id = str_of(id), .arena = &k->arena, .call = call, .io = io};
	return k->stage.ops->process(ret, e);
}

const char *kit_json(struct kit *k, const struct json *v)
{
	struct buf b = BUF_INIT;
	json_write(&b, v);
	const char *text = arena_strdup(&k->arena, b.data);
	buf_release(&b);
	return text;
}

struct json *kit_parse(struct kit *k, const char *text)
{
	struct json *v = NULL;
	struct err e = ERR_INIT;
	ASSERT(json_parse(&k->arena, str_of(text), &v, &e) == 0);
	return v;
}

const char *kit_folder(struct arena *a)
{
	const char *tmp = getenv("TMPDIR");
	char *path = arena_printf(a, "%s/taf-test-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	ASSERT(mkdtemp(path));
	return path;
}

void kit_remove_folder(const char *folder)
{
	ASSERT(fs_remove_tree(folder, NULL) == 0);
}

void kit_write(const char *folder, const char *name, const void *p, size_t n)
{
	struct buf path = BUF_INIT;
	fs_join(&path, folder, name);
	ASSERT(fs_write_atomic(path.data, p, n, 0644, NULL) == 0);
	buf_release(&path);
}

/* taf retry: failures that wait (bad records, refusals) are forgotten, so that the next run takes those calls up again. */
#include "base/alloc.h"
#include "base/fs.h"
#include "cli/commands.h"
#include "cli/folder.h"
#include "cli/say.h"
#include "core/engine.h"
#include "core/query.h"

#include <string.h>

struct retry_options {
	struct where where;
	const char *class, *stage;
	bool json;
};

#define AT(field) offsetof(struct retry_options, field)
static const struct cli_option options[] = {
	WORK_OPTIONS(struct retry_options),
	{0, "class", CLI_TEXT, AT(class), "C", 0, 0,
		"failures of this class: data (default), invalid, transient, account, or all"},
	{0, "stage", CLI_TEXT, AT(stage), "S", 0, 0, "only those at this stage"},
	{0, "json", CLI_FLAG, AT(json), NULL, 0, 0, "print JSON"},
};

struct key_row {
	struct digest key;
	int32_t stage, item;
	bool used_up; /* its draws, by answers that would not do */
};
struct retry {
	int class;     /* -1: all */
	int32_t stage; /* 0: all */
	struct key_row *rows;
	size_t n, cap;
};

static int take(void *arg, const struct failure *f)
{
	struct retry *r = arg;
	enum err_class class = err_class_of(f->code);
	/* An answer that stayed invalid to the last draw is quarantined as data is. */
	bool chosen = r->class < 0 || (int)class == r->class || (r->class == CLASS_DATA && class == CLASS_INVALID);
	if (!chosen || (r->stage && f->stage != r->stage))
		return 0;
	GROW(r->rows, r->n, r->cap);
	r->rows[r->n++] = (struct key_row){f->key, f->stage, f->item, class == CLASS_DATA || class == CLASS_INVALID};
	return 0;
}

/* A stage counts as settled no more: the next run looks at its calls. */
static int reopen_stage(struct store *store, int32_t stage, struct err *e)
{
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct json *state, *open = json_object(&a);
	int rc = store_stage_state(store, stage, &text, e);
	if (rc < 0 || text.len == 0)
		return rc;
	rc = json_parse(&a, buf_view(&text), &state, e);
	if (rc < 0)
		return rc;
	JSON_EACH(member, state) {
		if (!str_is(member->key, "closed"))
			json_set_key(&a, open, member->key, json_copy(&a, member));
	}
	buf_clear(&text);
	json_write(&text, open);
	store_put_stage_state(store, stage, buf_view(&text));
	return 0;
}

static int forget(struct store *store, const struct retry *r, int64_t *ret_calls, struct err *e)
{
	int32_t reopened = 0;
	for (size_t i = 0; i < r->n; i++) {
		const struct key_row *row = &r->rows[i];
		struct memo m;
		int rc = query_memo(store, row->stage, row->item, &m, e);
		if (rc < 0)
			return rc;
		store_drop_failure(store, &row->key, row->item);
		if (row->used_up)
			store_put_retried(store, &row->key, row->stage);
		if (rc == 0 || (m.outcome != OUTCOME_QUARANTINED && m.outcome != OUTCOME_FAILED))
			continue; /* of an input that has changed since */
		m.outcome = OUTCOME_NONE;
		store_put_memo(store, row->stage, &m);
		(*ret_calls)++;
		if (row->stage != reopened) /* rows come by stage */
			rc = reopen_stage(store, row->stage, e);
		reopened = row->stage;
		if (rc < 0)
			return rc;
	}
	return store_flush(store, e);
}

static bool read_class(const char *name, int *ret)
{
	static const enum err_class known[] = {CLASS_DATA, CLASS_INVALID, CLASS_TRANSIENT, CLASS_ACCOUNT};
	struct str names[COUNT_OF(known) + 1];
	for (size_t i = 0; i < COUNT_OF(known); i++) {
		names[i] = str_of(err_class_name(known[i]));
		if (str_is(names[i], name)) {
			*ret = known[i];
			return true;
		}
	}
	names[COUNT_OF(known)] = STR("all");
	*ret = -1;
	if (strcmp(name, "all") == 0)
		return true;
	say_unknown("--class: unknown class", str_of(name), names, COUNT_OF(names));
	return false;
}

static bool read_stage(struct store *store, const char *name, int32_t *ret)
{
	*ret = name ? store_find_stage(store, name) : 0;
	if (!name || *ret)
		return true;
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	struct query_stage *stages;
	size_t n = 0;
	if (query_stages(store, &a, &stages, &n, NULL) < 0)
		n = 0;
	struct str *names = arena_array(&a, n + 1, sizeof(*names));
	for (size_t i = 0; i < n; i++)
		names[i] = str_of(stages[i].name);
	say_unknown("--stage: no run had a stage", str_of(name), names, n);
	return false;
}

static void report(int64_t calls, bool json)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	if (json)
		buf_printf(&b, "{\"calls\":%lld}\n", (long long)calls);
	else if (calls == 0)
		buf_puts(&b, "nothing waits to be tried again\n");
	else
		buf_printf(&b, "%lld call%s will be tried again by the next taf run\n", (long long)calls, calls == 1 ? "" : "s");
	say_out(&b);
}

static int retry(const struct cli_given *given)
{
	const struct retry_options *o = given->opts;
	CLEANUP(buf_release) struct buf work = BUF_INIT;
	CLEANUP(fs_close) int lock = -1;
	CLEANUP(store_cleanup) struct store *store = NULL;
	struct err e = ERR_INIT;
	struct retry r = {.n = 0};
	int64_t calls = 0;
	if (!read_class(o->class ? o->class : "data", &r.class))
		return EXIT_BAD_CONFIG;
	where_work(&o->where, &work);
	int rc = folder_open_locked(work.data, &lock, &store, &e);
	if (rc == 0 && !read_stage(store, o->stage, &r.stage))
		return EXIT_BAD_CONFIG;
	if (rc == 0)
		rc = store_failures(store, take, &r, &e);
	if (rc == 0)
		rc = forget(store, &r, &calls, &e);
	free_ptr(&r.rows);
	if (rc < 0) {
		say_error("%s", e.text);
		return EXIT_ERROR;
	}
	report(calls, o->json);
	return EXIT_DONE;
}

const struct cli_command command_retry = {
	.name = "retry",
	.usage = "[options]",
	.help = "let the next run take up again what was quarantined",
	.about = "Transient and account failures are taken up by every run anyway; bad records wait for this, or for a "
			 "changed input.",
	.example = "taf retry --class data --stage say",
	.options = options,
	.noptions = COUNT_OF(options),
	.size = sizeof(struct retry_options),
	.run = retry,
};

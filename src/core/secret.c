#include "core/secret.h"

#include "base/alloc.h"
#include "base/fs.h"

#include <stdlib.h>
#include <string.h>

static const struct option *with_flag(const struct stage_ops *ops, unsigned flag)
{
	for (size_t i = 0; i < ops->noptions; i++)
		if (ops->options[i].flags & flag)
			return &ops->options[i];
	return NULL;
}

static struct str *value_at(const struct stage *s, const struct option *o)
{
	return o ? (struct str *)(void *)((char *)s->params + o->offset) : NULL;
}

/* Whether `path` lies in `folder`, links followed. A folder that is not there yet holds nothing. */
static bool lies_in(const char *path, const char *folder)
{
	CLEANUP(free_ptr) char *file = realpath(path, NULL);
	CLEANUP(free_ptr) char *dir = realpath(folder, NULL);
	size_t n = dir ? strlen(dir) : 0;
	return file && dir && strncmp(file, dir, n) == 0 && file[n] == '/';
}

static int from_env(struct str name, struct buf *ret, struct err *e)
{
	CLEANUP(buf_release) struct buf zero = BUF_INIT; /* a slice is not terminated */
	buf_str(&zero, name);
	const char *value = getenv(zero.data);
	if (!value || !*value)
		return err_set(e, ERR_CONFIG, "the environment variable %s, which holds the privacy key, is %s; export it first",
			zero.data, value ? "empty" : "not set");
	if (strlen(value) > SECRET_MAX)
		return err_set(e, ERR_CONFIG, "the privacy key in %s is longer than %d bytes", zero.data, SECRET_MAX);
	buf_puts(ret, value);
	return 0;
}

static int from_file(struct str path, const char *work, struct buf *ret, struct err *e)
{
	CLEANUP(buf_release) struct buf zero = BUF_INIT;
	struct err own = ERR_INIT;
	buf_str(&zero, path);
	if (work && lies_in(zero.data, work))
		return err_set(e, ERR_CONFIG,
			"the key file %s lies in the work folder, whose texts it unlocks; move it out, where only you can read it",
			zero.data);
	if (fs_read(zero.data, SECRET_MAX, ret, &own) < 0)
		return err_set(
			e, ERR_CONFIG, "the privacy key cannot be read: %s (make one with: openssl rand -hex 32 >FILE)", own.text);
	if (ret->len == 0)
		return err_set(
			e, ERR_CONFIG, "the key file %s is empty; make a key with: openssl rand -hex 32 >%s", zero.data, zero.data);
	if (memchr(ret->data, '\0', ret->len))
		return err_set(e, ERR_CONFIG, "the key file %s is no text (it has a zero byte)", zero.data);
	return 0;
}

/* Not left in freed memory: a core dump is easily handed on. */
static void wipe(struct buf *b)
{
	explicit_bzero(b->data, b->len);
	buf_release(b);
}

static int read_key(const struct stage *s, const char *work, struct buf *ret, struct err *e)
{
	const struct str *env = value_at(s, with_flag(s->ops, OPTION_SECRET_ENV));
	const struct str *file = value_at(s, with_flag(s->ops, OPTION_SECRET_FILE));
	if (env && env->n)
		return from_env(*env, ret, e);
	if (file && file->n)
		return from_file(*file, work, ret, e);
	return 0;
}

int secret_read(struct config_stage *cs, const char *work, struct err *e)
{
	struct stage *s = &cs->stage;
	struct str *key = value_at(s, with_flag(s->ops, OPTION_SECRET_KEY));
	if (!key)
		return 0;
	CLEANUP(wipe) struct buf b = BUF_INIT_MAX(2 * SECRET_MAX);
	int rc = read_key(s, work, &b, e);
	if (rc < 0 || !b.len)
		return rc;
	struct str found = str_trim(buf_view(&b));
	if (found.n < SECRET_MIN)
		return err_set(
			e, ERR_CONFIG, "the privacy key is shorter than %d bytes; make one with: openssl rand -hex 32", SECRET_MIN);
	*key = arena_str(&s->arena, found);
	return 0;
}

void secret_fingerprint(struct str key, struct digest *ret)
{
	static const char purpose[] = "taf-privacy-key-1";
	digest_hmac(key, purpose, strlen(purpose), ret);
}

void secret_hide(struct arena *a, const struct config_stage *cs, struct yaml_node *stage)
{
	const struct option *o = cs->stage.ops ? with_flag(cs->stage.ops, OPTION_SECRET_KEY) : NULL;
	const struct yaml_node *with = yaml_get(stage, "with");
	struct yaml_node *node = o && with && with->kind == YAML_MAP ? yaml_get(with, o->name) : NULL;
	if (node && node->kind == YAML_SCALAR)
		node->text = arena_str(a, STR("(privacy key)"));
}

#include "core/key.h"

#include "base/alloc.h"
#include "core/secret.h"

#include <string.h>

static struct json *hex_json(struct arena *a, const struct digest *d)
{
	char hex[DIGEST_HEX + 1];
	digest_hex(d, hex);
	return json_text(a, hex);
}

static int file_digest(
	struct arena *a, struct files *files, const struct option *o, struct str path, struct json **ret, struct err *e)
{
	struct digest d;
	int rc = files_digest(files, path, o->flags & OPTION_YAML ? FILE_YAML : FILE_TEXT, &d, e);
	if (rc == 0)
		*ret = hex_json(a, &d);
	return rc;
}

/* The content of the files that an option names: paths are not part of it, their order is. */
static int option_files(
	struct arena *a, struct files *files, const struct option *o, const void *params, struct json **ret, struct err *e)
{
	const void *at = (const char *)params + o->offset;
	if (o->type == OPT_FILE) {
		const struct str *path = at;
		*ret = json_null(a);
		return path->n ? file_digest(a, files, o, *path, ret, e) : 0;
	}
	const struct option_list *list = at;
	*ret = json_array(a);
	for (size_t i = 0; i < list->n; i++) {
		struct json *item = NULL;
		int rc = file_digest(a, files, o, list->v[i], &item, e);
		if (rc < 0)
			return rc;
		json_append(*ret, item);
	}
	return 0;
}

static int fingerprint_options(
	struct arena *a, const struct stage *s, struct files *files, struct json *out, struct err *e)
{
	struct json *params = json_object(a), *contents = json_object(a);
	struct json *all = options_json(a, s->ops->options, s->ops->noptions, s->params, 0);
	for (size_t i = 0; i < s->ops->noptions; i++) {
		const struct option *o = &s->ops->options[i];
		const void *at = (const char *)s->params + o->offset;
		if (o->flags & OPTION_SECRET_KEY) {
			const struct str *secret = at;
			struct digest d;
			secret_fingerprint(*secret, &d);
			json_set(a, out, "privacy_key", hex_json(a, &d));
			continue;
		}
		if (!(o->flags & OPTION_SHAPES) || (o->flags & OPTION_PER_ITEM) || o->type == OPT_PROVIDER)
			continue;
		if (o->type != OPT_FILE && o->type != OPT_FILES) {
			const struct json *value = json_get(all, o->name);
			json_set(a, params, o->name, value ? json_copy(a, value) : json_null(a));
			continue;
		}
		struct json *content = NULL;
		int rc = option_files(a, files, o, s->params, &content, e);
		if (rc < 0)
			return err_context(e, "stage %s, option %s", s->name, o->name);
		json_set(a, contents, o->name, content);
	}
	json_set(a, out, "parameters", params);
	json_set(a, out, "files", contents);
	return 0;
}

int key_fingerprint(const struct config_stage *cs, int64_t seed, struct files *files, struct buf *ret_parts,
	struct digest *ret, struct err *e)
{
	const struct stage *s = &cs->stage;
	struct arena a = ARENA_INIT;
	struct json *out = json_object(&a);
	json_set_text(&a, out, "format", KEY_FORMAT);
	json_set_text(&a, out, "stage", s->ops->name);
	json_set_int(&a, out, "version", s->ops->version);
	if (s->ops->libraries)
		json_set_text(&a, out, "libraries", s->ops->libraries());
	if (cs->generation)
		json_set_int(&a, out, "generation", cs->generation);
	if (s->ops->flags & STAGE_DRAWS)
		json_set_int(&a, out, "seed", seed);
	if (s->provider)
		json_set(&a, out, "provider", json_copy(&a, s->provider->identity));
	int rc = fingerprint_options(&a, s, files, out, e);
	if (rc == 0) {
		size_t from = ret_parts->len;
		json_write(ret_parts, out);
		digest_of(ret_parts->data + from, ret_parts->len - from, ret);
	}
	arena_release(&a);
	return rc;
}

int key_files_hold(const struct stage *s, struct str parts, struct err *e)
{
	struct arena a = ARENA_INIT;
	struct files *files = files_new(NULL, false);
	struct json *was, *is = json_object(&a);
	int rc = json_parse(&a, parts, &was, e);
	if (rc == 0)
		rc = fingerprint_options(&a, s, files, is, e);
	if (rc == 0 && !json_equal(json_get(was, "files"), json_get(is, "files")))
		rc = err_set(e, ERR_REFUSED, "a data file of the stage was changed after the run began; run again");
	files_free(files);
	arena_release(&a);
	return rc;
}

/* Length-prefixed parts in one buffer on the stack: a key costs one pass of SHA-256 and no allocation. */
struct parts {
	unsigned char b[512];
	size_t n;
};

static void part(struct parts *p, const void *v, size_t n)
{
	uint64_t len = n;
	ASSERT(p->n + sizeof(len) + n <= sizeof(p->b));
	memcpy(p->b + p->n, &len, sizeof(len));
	memcpy(p->b + p->n + sizeof(len), v, n);
	p->n += sizeof(len) + n;
}

void key_input(struct str reads, const struct digest *uses, size_t nuses, struct digest *ret)
{
	digest_of(reads.p, reads.n, ret);
	for (size_t i = 0; i < nuses; i++) {
		struct parts p = {.n = 0};
		part(&p, ret->b, DIGEST_SIZE);
		part(&p, uses[i].b, DIGEST_SIZE);
		digest_of(p.b, p.n, ret);
	}
}

void key_item(const struct digest *fingerprint, const struct digest *input, struct str id, int slot, struct digest *ret)
{
	struct parts p = {.n = 0};
	part(&p, KEY_FORMAT, strlen(KEY_FORMAT));
	part(&p, fingerprint->b, DIGEST_SIZE);
	part(&p, input->b, DIGEST_SIZE);
	part(&p, id.p ? id.p : "", id.n);
	if (slot >= 0) {
		int64_t v = slot;
		part(&p, &v, sizeof(v));
	}
	digest_of(p.b, p.n, ret);
}

void key_request(struct str request, const struct provider *provider, int64_t generation, struct digest *ret)
{
	CLEANUP(buf_release) struct buf identity = BUF_INIT;
	json_write(&identity, provider->answers);
	struct digester *d = digester_new();
	digester_part(d, "taf-answer-1", 12);
	digester_part(d, request.p, request.n);
	digester_part(d, identity.data, identity.len);
	digester_part(d, &generation, sizeof(generation));
	digester_end(d, ret);
	digester_free(d);
}

/* Parts may be absent: a stage without libraries, without a provider. */
static bool same_part(const struct json *a, const struct json *b)
{
	return a && b ? json_equal(a, b) : a == b;
}

enum reason key_reason(struct str was, struct str is)
{
	struct arena a = ARENA_INIT;
	struct json *old, *now;
	enum reason why = REASON_PARAMETER;
	if (json_parse(&a, was, &old, NULL) == 0 && json_parse(&a, is, &now, NULL) == 0) {
		static const struct {
			const char *part;
			enum reason why;
		} order[] = {{"stage", REASON_VERSION}, {"version", REASON_VERSION}, {"libraries", REASON_VERSION},
			{"format", REASON_VERSION}, {"parameters", REASON_PARAMETER}, {"files", REASON_FILE},
			{"provider", REASON_PROVIDER}, {"generation", REASON_PROVIDER}, {"seed", REASON_PARAMETER},
			{"privacy_key", REASON_PARAMETER}};
		for (size_t i = 0; i < COUNT_OF(order); i++) {
			if (!same_part(json_get(old, order[i].part), json_get(now, order[i].part))) {
				why = order[i].why;
				break;
			}
		}
	}
	arena_release(&a);
	return why;
}

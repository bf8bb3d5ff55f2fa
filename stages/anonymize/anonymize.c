/* anonymize: finds personal data in the texts of a call and puts keyed surrogates in its place, the same one wherever a value stands, so that the
 * call stays coherent. What was replaced is in `privacy`, without the originals. */
#include "stages/anonymize/anonymize.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "core/call.h"
#include "core/secret.h"
#include "core/stage.h"

#include <stddef.h>
#include <string.h>

#define FIELD_DEPTH 16 /* of a profile: deeper is no record of ours */

struct anonymize_params {
	struct str key, key_env, key_file, rules_file;
};

#define AT(field) offsetof(struct anonymize_params, field)
static const struct option options[] = {
	{.name = "key",
		.type = OPT_STRING,
		.offset = AT(key),
		.flags = OPTION_SECRET_KEY,
		.help = "The privacy key as it is, for demonstrations (`public-demo`): who reads the file can find the "
				"originals by "
				"trying. Exactly one of `key`, `key_env` and `key_file` is needed; a key has 8 bytes or more."},
	{.name = "key_env",
		.type = OPT_STRING,
		.offset = AT(key_env),
		.flags = OPTION_SECRET_ENV,
		.help = "Name of the environment variable that holds the privacy key."},
	{.name = "key_file",
		.type = OPT_FILE,
		.offset = AT(key_file),
		.flags = OPTION_SECRET_FILE,
		.help = "File that holds the privacy key, outside the work folder. Make one with `openssl rand -hex 32`. The "
				"file may "
				"be moved; another key runs the stage again and gives other surrogates."},
	{.name = "rules",
		.type = OPT_FILE,
		.offset = AT(rules_file),
		.flags = OPTION_SHAPES | OPTION_YAML,
		.dflt = "'@/stages/anonymize/rules.yaml'",
		.help = "Words around numbers, units, public numbers, and ranges that nobody has."},
};

static void fields(const void *params, struct stage_fields *ret)
{
	(void)params;
	fields_read(ret, "turns.role", 0);
	fields_read(ret, "turns.text", 0);
	fields_read(ret, "turns.start_ms", FIELD_OPTIONAL);
	fields_read(ret, "turns.end_ms", FIELD_OPTIONAL);
	fields_read(ret, "turns.emotion", FIELD_OPTIONAL);
	fields_read(ret, "profile", FIELD_OPTIONAL);
	fields_read(ret, "termination", FIELD_OPTIONAL);
	fields_write(ret, "turns", 0);
	fields_write(ret, "profile", FIELD_OPTIONAL);
	fields_write(ret, "termination", FIELD_OPTIONAL);
	fields_write(ret, "privacy", 0);
}

static bool variable_name(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
		if (!letter && (i == 0 || c < '0' || c > '9'))
			return false;
	}
	return s.n > 0;
}

static int check(const void *params, struct err *e)
{
	const struct anonymize_params *p = params;
	int given = (p->key.n > 0) + (p->key_env.n > 0) + (p->key_file.n > 0);
	if (given != 1)
		return err_set(e, ERR_CONFIG,
			"give %s of `key`, `key_env` and `key_file`: the privacy key (`key: public-demo` for a demonstration)",
			given ? "only one" : "one");
	if (p->key.n && p->key.n < SECRET_MIN)
		return err_set(e, ERR_CONFIG, "key: a privacy key has at least %d bytes", SECRET_MIN);
	if (p->key_env.n && !variable_name(p->key_env))
		return err_set(e, ERR_CONFIG, "key_env: expected the name of an environment variable, as in TAF_PRIVACY_KEY");
	return 0;
}

static int init(struct stage *s, struct err *e)
{
	const struct anonymize_params *p = s->params;
	struct anon_rules *rules = ARENA_NEW(&s->arena, struct anon_rules);
	int rc = anon_rules_load(&s->arena, p->rules_file.p, rules, e);
	if (rc == 0)
		s->state = rules;
	return rc;
}

/* --- Taking the call apart --- */

static bool too_deep(const struct json *v, int depth)
{
	if (depth > FIELD_DEPTH)
		return true;
	JSON_EACH(kid, v) {
		if (too_deep(kid, depth + 1))
			return true;
	}
	return false;
}

static size_t count_texts(const struct json *v)
{
	size_t n = json_is(v, JSON_STRING);
	JSON_EACH(kid, v)
		n += count_texts(kid);
	return n;
}

/* Every text of profile and termination, with its path. */
static void add_fields(struct anon_call *c, const struct json *v, const char *path)
{
	if (json_is(v, JSON_STRING)) {
		c->texts[c->ntexts++] = (struct anon_text){.s = v->u.s, .field = path};
		return;
	}
	size_t i = 0;
	JSON_EACH(kid, v) {
		const char *name = json_is(v, JSON_ARRAY) ? arena_printf(c->a, "%s[%zu]", path, i++)
												  : arena_printf(c->a, "%s.%.*s", path, STR_FMT(kid->key));
		add_fields(c, kid, name);
	}
}

static void add_turns(struct anon_call *c, const struct json *turns)
{
	int n = 0;
	JSON_EACH(turn, turns) {
		struct str role = turn_role(turn);
		c->texts[c->ntexts++] =
			(struct anon_text){.s = turn_text(turn), .turn = n++, .side = str_is(role, "left") ? 'l' : 'r'};
	}
}

/* --- Putting it together --- */

struct writing {
	const struct anon_call *c;
	struct json *audit;
	size_t next; /* text */
};

static struct str next_text(struct writing *w)
{
	const struct anon_text *t = &w->c->texts[w->next++];
	if (!t->nspans)
		return t->s;
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	struct arena *a = w->c->a;
	size_t *at = arena_array(a, t->nspans, sizeof(*at)), *chars = arena_array(a, t->nspans, sizeof(*chars));
	anon_render(w->c, t, &b, at, chars);
	for (size_t i = 0; i < t->nspans; i++) {
		struct json *row = json_object(a);
		json_set_text(a, row, "kind", anon_kind_name(t->spans[i].kind));
		json_set_text(a, row, "form", anon_form(&t->spans[i]));
		if (t->field)
			json_set_text(a, row, "field", t->field);
		else
			json_set_int(a, row, "turn", t->turn);
		json_set_int(a, row, "at", (int64_t)at[i]);
		json_set_int(a, row, "chars", (int64_t)chars[i]);
		json_append(w->audit, row);
	}
	return arena_str(a, buf_view(&b));
}

/* The same tree with its texts replaced, in the order add_fields took them. */
static struct json *rewrite(struct writing *w, const struct json *v)
{
	struct arena *a = w->c->a;
	if (json_is(v, JSON_STRING))
		return json_str(a, next_text(w));
	if (!json_is(v, JSON_ARRAY) && !json_is(v, JSON_OBJECT))
		return json_copy(a, v);
	struct json *out = json_is(v, JSON_ARRAY) ? json_array(a) : json_object(a);
	JSON_EACH(kid, v) {
		struct json *copy = rewrite(w, kid);
		if (json_is(v, JSON_ARRAY))
			json_append(out, copy);
		else
			json_set_key(a, out, kid->key, copy);
	}
	return out;
}

static struct json *rewrite_turns(struct writing *w, const struct json *turns)
{
	struct json *out = json_array(w->c->a);
	JSON_EACH(turn, turns) {
		struct json *copy = json_copy(w->c->a, turn);
		json_set_str(w->c->a, copy, "text", next_text(w));
		json_append(out, copy);
	}
	return out;
}

static void known_release(struct anon_call *c)
{
	map_release(&c->known);
}

static int process(struct work *w, struct err *e)
{
	const struct anonymize_params *p = w->stage->params;
	const struct json *turns = json_get(w->call, "turns");
	static const char *const names[] = {"profile", "termination"};
	CLEANUP(known_release)
	struct anon_call c = {.a = w->arena, .rules = w->stage->state, .key = p->key, .known = MAP_INIT};
	size_t n = json_count(turns);
	if (p->key.n < SECRET_MIN)
		return err_set(e, ERR_CONFIG, "the privacy key was not read");
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		if (too_deep(json_get(w->call, names[i]), 0))
			return err_set(e, ERR_DATA, "%s is nested deeper than %d levels", names[i], FIELD_DEPTH);
		n += count_texts(json_get(w->call, names[i]));
	}
	if (json_count(turns) > CALL_TURNS_MAX)
		return err_set(e, ERR_DATA, "%zu turns are over %d", json_count(turns), CALL_TURNS_MAX);
	c.texts = arena_array(w->arena, n + 1, sizeof(*c.texts));
	add_turns(&c, turns);
	for (size_t i = 0; i < COUNT_OF(names); i++)
		add_fields(&c, json_get(w->call, names[i]), names[i]);
	for (size_t i = 0; i < c.ntexts; i++) {
		if (utf8_invalid(c.texts[i].s) >= 0)
			return err_set(e, ERR_DATA, "text %zu is no valid UTF-8", i + 1);
		anon_read(&c, &c.texts[i]);
	}
	anon_find(&c);
	anon_fake(&c);
	struct writing out = {.c = &c, .audit = json_array(w->arena)};
	w->fields = json_object(w->arena);
	json_set(w->arena, w->fields, "turns", rewrite_turns(&out, turns));
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		const struct json *v = json_get(w->call, names[i]);
		if (v)
			json_set(w->arena, w->fields, names[i], rewrite(&out, v));
	}
	struct json *privacy = json_object(w->arena);
	json_set(w->arena, privacy, "replaced", out.audit);
	json_set(w->arena, w->fields, "privacy", privacy);
	return 0;
}

const struct stage_ops stage_anonymize = {
	.name = "anonymize",
	.help =
		"Personal data in texts replaced by keyed, consistent surrogates: phone, id, card and account numbers, mail, "
		"plates, ids of chats, codes; written or spoken. Not yet names, addresses, dates of birth.",
	.version = 2,
	.kind = STAGE_MAP,
	.exec = EXEC_CPU,
	.flags = STAGE_CLEARS_PRIVACY,
	.params_size = sizeof(struct anonymize_params),
	.options = options,
	.noptions = COUNT_OF(options),
	.fields = fields,
	.check = check,
	.init = init,
	.process = process,
};

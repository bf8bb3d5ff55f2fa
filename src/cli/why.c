/* taf why: for each stage, kept or rejected by what; and when it worked on the call again, what had changed, old → new. */
#include "base/alloc.h"
#include "cli/changes.h"
#include "cli/commands.h"
#include "cli/say.h"
#include "cli/trace.h"
#include "core/engine.h"
#include "core/work.h"

#include <string.h>

#define CHANGES_MAX 20

struct why_options {
	struct where where;
	bool json, originals;
};

#define AT(field) offsetof(struct why_options, field)
static const struct cli_option options[] = {
	WHERE_OPTIONS(struct why_options),
	{0, "originals", CLI_FLAG, AT(originals), NULL, 0, 0, "show also values that may hold personal data"},
	{0, "json", CLI_FLAG, AT(json), NULL, 0, 0, "print JSON"},
};

/* --- What the stage found --- */

/* Numbers tell nothing of a person; texts may. */
static struct json *finding_json(struct arena *a, const struct json *finding, bool withheld)
{
	struct json *out = json_copy(a, finding);
	if (withheld && json_is(json_get(out, "value"), JSON_STRING))
		json_set_text(a, out, "value", "(withheld)");
	return out;
}

/* Findings of the stage's own verdict, from its result even when that is withheld as a whole. */
static struct json *findings(struct trace *t, const struct trace_stage *s)
{
	struct json *out = json_array(&t->arena);
	if (s->memo.outcome != OUTCOME_PASSED && s->memo.outcome != OUTCOME_REJECTED)
		return out; /* what it found when the call last came to it is of no matter */
	const struct json *fields = s->fields ? s->fields : trace_result(t, s, s->memo.result);
	JSON_EACH(finding, json_get(json_get(json_get(fields, "qa"), s->name), "findings"))
		json_append(out, finding_json(&t->arena, finding, s->withheld));
	return out;
}

/* --- Why it was worked again --- */

static struct json *parts_of(struct trace *t, int32_t fingerprint)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct json *parts = NULL;
	if (fingerprint && store_fingerprint_parts(t->store, fingerprint, &text, NULL) == 0 && text.len)
		json_parse(&t->arena, buf_view(&text), &parts, NULL);
	return parts;
}

/* Digests say nothing to people: "files.rules: … → …" becomes {file: rules}. */
static void add_part(struct trace *t, struct json *out, const struct json *change)
{
	struct str path = json_get_str(change, "path");
	if (str_is(path, "privacy_key")) { /* its fingerprints would let others try keys */
		struct json *row = json_object(&t->arena);
		json_set_str(&t->arena, row, "path", path);
		json_append(out, row);
		return;
	}
	if (!str_starts(path, "files.")) {
		struct json *row = json_copy(&t->arena, change);
		/* 0, as it is when it is not given, is in no fingerprint */
		if (str_is(path, "generation") && !json_get(row, "old"))
			json_set_int(&t->arena, row, "old", 0);
		if (str_is(path, "generation") && !json_get(row, "new"))
			json_set_int(&t->arena, row, "new", 0);
		json_append(out, row);
		return;
	}
	struct str name = str_n(path.p + 6, path.n - 6);
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] == '[' || name.p[i] == '.')
			name.n = i;
	JSON_EACH(had, out) {
		if (str_eq(json_get_str(had, "file"), name))
			return;
	}
	struct json *row = json_object(&t->arena);
	json_set_str(&t->arena, row, "file", name);
	json_append(out, row);
}

static struct json *fingerprint_changes(struct trace *t, const struct memo *m)
{
	struct json *out = json_array(&t->arena);
	const struct json *was = parts_of(t, m->was_fingerprint), *is = parts_of(t, m->fingerprint);
	if (!was || !is)
		return out;
	const struct json *changes = changes_between(&t->arena, was, is, CHANGES_MAX);
	JSON_EACH(change, changes)
		add_part(t, out, change);
	return out;
}

static bool is_upstream(const struct trace *t, const struct trace_stage *up, const struct trace_stage *s)
{
	if (up == s)
		return false;
	if (up->at >= 0 && s->at >= 0)
		return graph_is_ancestor(t->config->graph, up->at, s->at);
	return up->row < s->row;
}

/* Only what the stage reads, when that is known. */
static const struct json *read_part(struct trace *t, const struct trace_stage *s, const struct json *fields)
{
	if (!fields || s->at < 0)
		return fields;
	const struct stage_fields *f = &t->config->stages[s->at].fields;
	return fields_project(&t->arena, fields, f->reads, f->nreads);
}

static struct json *withhold(struct trace *t, const struct json *change)
{
	struct json *out = json_object(&t->arena);
	json_set_str(&t->arena, out, "path", json_get_str(change, "path"));
	json_set(&t->arena, out, "withheld", json_bool(&t->arena, true));
	return out;
}

static void result_changes(struct trace *t, const struct trace_stage *up, const struct trace_stage *s, struct json *out)
{
	const struct memo *m = &up->memo;
	if (!m->was_result || m->was_result == m->result)
		return;
	const struct json *was = trace_result(t, up, m->was_result), *is = trace_result(t, up, m->result);
	if (!was || !is) {
		struct json *row = json_object(&t->arena);
		json_set_text(&t->arena, row, "path",
			arena_printf(&t->arena, "what %s wrote (the earlier result is no longer kept)", up->name));
		json_append(out, row);
		return;
	}
	if (up != s) {
		was = read_part(t, s, was);
		is = read_part(t, s, is);
	}
	const struct json *changes = changes_between(&t->arena, was, is, CHANGES_MAX);
	JSON_EACH(change, changes) {
		struct json *row = up->withheld ? withhold(t, change) : json_copy(&t->arena, change);
		json_set_text(&t->arena, row, "stage", up->name);
		json_append(out, row);
	}
}

/* What its input was and is: the results of the stages before it that changed no earlier than its own did. */
static struct json *input_changes(struct trace *t, const struct trace_stage *s)
{
	struct json *out = json_array(&t->arena);
	for (size_t i = 0; i < t->n; i++) {
		const struct trace_stage *up = &t->v[i];
		if (is_upstream(t, up, s) && up->memo.changed >= s->memo.changed)
			result_changes(t, up, s, out);
	}
	return out;
}

static struct json *again(struct trace *t, const struct trace_stage *s)
{
	const struct memo *m = &s->memo;
	if (m->reason == REASON_NONE || m->reason == REASON_NEW || m->outcome >= OUTCOME_ENDED)
		return NULL;
	struct json *out = json_object(&t->arena), *changes;
	bool failed =
		m->outcome == OUTCOME_QUARANTINED || m->outcome == OUTCOME_FAILED; /* nothing came out that could be compared */
	if (failed)
		changes = json_array(&t->arena);
	else if (m->was_fingerprint && m->was_fingerprint != m->fingerprint)
		changes = fingerprint_changes(t, m);
	else if (m->reason == REASON_INPUT)
		changes = input_changes(t, s);
	else
		changes = json_array(&t->arena);
	if (m->reason == REASON_FILE && json_count(changes) == 0) /* a source: its own item in the file */
		result_changes(t, s, s, changes);
	json_set_text(&t->arena, out, "reason", reason_name((enum reason)m->reason));
	json_set(&t->arena, out, "changes", changes);
	return out;
}

/* The stage before it that now stops the call, while this one, not looked at since (--until), still has what it made when the call came. */
static const char *stopped_before(const struct trace *t, const struct trace_stage *s)
{
	if (s->at < 0 || (s->memo.outcome != OUTCOME_PASSED && s->memo.outcome != OUTCOME_REJECTED))
		return NULL;
	for (size_t i = 0; i < t->n; i++) {
		const struct trace_stage *up = &t->v[i];
		bool stops = up->memo.outcome == OUTCOME_REJECTED || up->memo.outcome == OUTCOME_QUARANTINED ||
					 up->memo.outcome == OUTCOME_FAILED || up->memo.outcome == OUTCOME_NONE;
		if (stops && up->at >= 0 && is_upstream(t, up, s))
			return up->name;
	}
	return NULL;
}

static struct json *stage_json(struct trace *t, const struct trace_stage *s)
{
	const char *stopped = stopped_before(t, s);
	struct arena *a = &t->arena;
	struct json *row = json_object(a), *why = again(t, s);
	json_set_text(a, row, "name", s->name);
	json_set_text(a, row, "uses", s->uses);
	json_set_text(a, row, "outcome", outcome_name((enum outcome)s->memo.outcome));
	if (stopped)
		json_set_text(a, row, "stopped_before", stopped);
	json_set_text(a, row, "run", query_run_id(t->store, a, s->memo.changed));
	json_set(a, row, "findings", findings(t, s));
	if (s->has_failure) {
		struct json *failure = json_object(a);
		json_set_text(a, failure, "class", err_class_name(err_class_of(s->failure.code)));
		json_set_str(a, failure, "reason", s->failure.text);
		json_set(a, row, "failure", failure);
	}
	if (why)
		json_set(a, row, "again", why);
	return row;
}

/* --- For people --- */

/* Records hold integers; people are told values in the units of the options. */
static const struct scale {
	const char *unit, *plain;
	int divisor;
} scales[] = {
	{"mLUFS", "LUFS", 1000},
	{"mdBTP", "dBTP", 1000},
	{"mdBFS", "dBFS", 1000},
	{"mdB", "dB", 1000},
	{"msyl/s", "syllables/s", 1000},
	{"permille", "percent", 10},
};

static const struct scale *scale_of(struct str unit)
{
	for (size_t i = 0; i < COUNT_OF(scales); i++)
		if (str_is(unit, scales[i].unit))
			return &scales[i];
	return NULL;
}

static void put_value(struct buf *b, const struct json *v, const struct scale *scale)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	if (scale && json_is(v, JSON_INT))
		buf_printf(&text, "%.10g", (double)v->u.i / scale->divisor);
	else
		json_write(&text, v);
	put_clean(b, buf_view(&text));
}

static void put_finding(struct buf *b, const struct json *f)
{
	const struct json *value = json_get(f, "value"), *limit = json_get(f, "limit"), *turn = json_get(f, "turn");
	struct str unit = json_get_str(f, "unit");
	const struct scale *scale = scale_of(unit);
	buf_puts(b, "    ");
	put_clean(b, json_get_str(f, "rule"));
	if (value) {
		buf_puts(b, ": value ");
		put_value(b, value, scale);
	}
	if (limit) {
		buf_puts(b, ", limit ");
		put_value(b, limit, scale);
	}
	if (unit.n && !json_is(value, JSON_STRING))
		buf_printf(b, " %.*s", STR_FMT(scale ? str_of(scale->plain) : unit));
	if (json_is(turn, JSON_INT))
		buf_printf(b, ", turn %lld", (long long)turn->u.i + 1);
	static const char *const places[] = {"side", "round", "of"};
	for (size_t i = 0; i < COUNT_OF(places); i++) {
		struct str place = json_get_str(f, places[i]);
		if (place.n)
			buf_printf(b, ", %s %.*s", places[i], STR_FMT(place));
	}
	buf_putc(b, '\n');
}

static const char *outcome_words(int outcome)
{
	switch (outcome) {
	case OUTCOME_NONE:
		return "to be done by the next run";
	case OUTCOME_PASSED:
		return "kept";
	case OUTCOME_REJECTED:
		return "rejected";
	case OUTCOME_QUARANTINED:
		return "quarantined; it waits for taf retry or a changed input";
	case OUTCOME_FAILED:
		return "failed; the next run takes it up";
	case OUTCOME_ENDED:
		return "not reached: rejected by an earlier stage";
	case OUTCOME_MISSED:
		return "not reached: quarantined at an earlier stage";
	default:
		return "no longer listed: its results are kept, but it is in no release";
	}
}

static void put_change(struct buf *b, const struct json *change)
{
	struct str file = json_get_str(change, "file"), stage = json_get_str(change, "stage");
	buf_puts(b, "    ");
	if (file.n) {
		buf_printf(b, "file %.*s changed\n", STR_FMT(file));
		return;
	}
	if (str_is(json_get_str(change, "path"), "privacy_key")) {
		buf_puts(b, "the privacy key changed\n");
		return;
	}
	if (!stage.n && str_is(json_get_str(change, "path"), "generation")) {
		buf_printf(b, "generation %lld → %lld\n", (long long)json_get_int(change, "old", 0),
			(long long)json_get_int(change, "new", 0));
		return;
	}
	if (stage.n)
		buf_printf(b, "%.*s wrote ", STR_FMT(stage));
	change_text(b, change);
	if (json_get_bool(change, "withheld", false))
		buf_puts(b, " changed (--originals shows how)");
	buf_putc(b, '\n');
}

static void put_stage(struct buf *b, const struct json *row, int outcome)
{
	struct str run = json_get_str(row, "run"), name = json_get_str(row, "name"), uses = json_get_str(row, "uses");
	const struct json *failure = json_get(row, "failure"), *why = json_get(row, "again");
	buf_printf(b, "%.*s (%.*s): %s", STR_FMT(name), STR_FMT(uses), outcome_words(outcome));
	if (run.n)
		buf_printf(b, " (since run %.*s)", STR_FMT(run));
	if (json_get_str(row, "stopped_before").n)
		buf_printf(b, "; of an earlier run: %.*s now stops the call", STR_FMT(json_get_str(row, "stopped_before")));
	buf_putc(b, '\n');
	JSON_EACH(finding, json_get(row, "findings"))
		put_finding(b, finding);
	if (json_count(json_get(row, "findings")))
		buf_printf(b, "    (the rules and their limits: taf help %.*s)\n", STR_FMT(uses));
	if (failure) {
		buf_printf(b, "    %.*s: ", STR_FMT(json_get_str(failure, "class")));
		put_clean(b, json_get_str(failure, "reason"));
		buf_putc(b, '\n');
	}
	if (!why)
		return;
	buf_printf(b, "  done again: %.*s\n", STR_FMT(json_get_str(why, "reason")));
	JSON_EACH(change, json_get(why, "changes"))
		put_change(b, change);
}

/* --- The command --- */

static int why(const struct cli_given *given)
{
	const struct why_options *o = given->opts;
	const char *only = given->nargs > 1 ? given->args[1] : NULL;
	CLEANUP(trace_release) struct trace t;
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	int status = trace_open(&t, &o->where, given->args[0], o->originals);
	if (status)
		return status;
	struct json *out = json_object(&t.arena), *stages = json_array(&t.arena);
	for (size_t i = 0; i < t.n; i++) {
		if (only && strcmp(only, t.v[i].name) != 0)
			continue;
		struct json *row = stage_json(&t, &t.v[i]);
		put_stage(&b, row, t.v[i].memo.outcome);
		json_append(stages, row);
	}
	if (only && !json_count(stages))
		return trace_stage_unknown(&t, only);
	trace_nothing(&t, &b);
	if (o->json) {
		buf_clear(&b);
		json_set_str(&t.arena, out, "id", t.id);
		json_set(&t.arena, out, "stages", stages);
		json_write(&b, out);
		buf_putc(&b, '\n');
	}
	say_out(&b);
	return EXIT_DONE;
}

const struct cli_command command_why = {
	.name = "why",
	.usage = "ID [STAGE] [options]",
	.help = "tell why a call was kept, rejected or quarantined, and why a stage worked on it again",
	.about = "For a rejection: rule, value, limit, turn. For work done again: the part that changed, old → new.",
	.example = "taf why bank-card-freeze/retired-teacher/0001 clean",
	.options = options,
	.noptions = COUNT_OF(options),
	.size = sizeof(struct why_options),
	.min_args = 1,
	.max_args = 2,
	.run = why,
};

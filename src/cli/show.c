/* taf show: a call at each stage: what it wrote, or why it went no further. */
#include "base/alloc.h"
#include "cli/commands.h"
#include "cli/fields.h"
#include "cli/say.h"
#include "cli/show_requests.h"
#include "cli/trace.h"
#include "core/engine.h"

#include <string.h>

struct show_options {
	struct where where;
	bool json, originals, requests, full;
};

#define AT(field) offsetof(struct show_options, field)
static const struct cli_option options[] = {
	WHERE_OPTIONS(struct show_options),
	{0, "originals", CLI_FLAG, AT(originals), NULL, 0, 0,
		"show also what may hold personal data: results before anonymize"},
	{0, "requests", CLI_FLAG, AT(requests), NULL, 0, 0,
		"show what the stages asked of providers, and what was answered, in place of what they wrote"},
	{0, "full", CLI_FLAG, AT(full), NULL, 0, 0, "with --requests: whole texts"},
	{0, "json", CLI_FLAG, AT(json), NULL, 0, 0, "print JSON"},
};

/* --- For people --- */

static void put_stage(struct buf *b, const struct trace_stage *s)
{
	buf_printf(b, "\n%s (%s): %s\n", s->name, s->uses, outcome_name((enum outcome)s->memo.outcome));
	if (s->has_failure) {
		buf_printf(b, "  %s: ", err_class_name(err_class_of(s->failure.code)));
		put_clean(b, s->failure.text);
		buf_putc(b, '\n');
	}
	if (s->memo.result && s->memo.outcome != OUTCOME_PASSED && s->memo.outcome != OUTCOME_REJECTED)
		buf_puts(b, "  (its earlier result, kept in case the call comes back)\n");
	if (s->withheld && s->memo.result)
		buf_puts(b, "  (withheld: from before anonymize; --originals shows it)\n");
	else if (json_count(s->fields))
		put_fields(b, s->fields);
	else if (!s->fields && s->memo.result)
		buf_puts(b, "  (its result is no longer kept)\n");
}

/* --- For programs --- */

static struct json *stage_json(struct arena *a, const struct trace_stage *s)
{
	struct json *row = json_object(a);
	json_set_text(a, row, "name", s->name);
	json_set_text(a, row, "uses", s->uses);
	json_set_text(a, row, "outcome", outcome_name((enum outcome)s->memo.outcome));
	json_set(a, row, "withheld", json_bool(a, s->withheld));
	if (s->fields)
		json_set(a, row, "fields", json_copy(a, s->fields));
	if (s->has_failure) {
		struct json *failure = json_object(a);
		json_set_text(a, failure, "class", err_class_name(err_class_of(s->failure.code)));
		json_set_str(a, failure, "reason", s->failure.text);
		json_set(a, row, "failure", failure);
	}
	return row;
}

static struct json *requests_json(struct arena *a, const struct trace_stage *s, struct json *requests)
{
	struct json *row = json_object(a);
	json_set_text(a, row, "name", s->name);
	json_set_text(a, row, "uses", s->uses);
	json_set(a, row, "withheld", json_bool(a, s->withheld));
	json_set(a, row, "requests", requests ? requests : json_array(a));
	return row;
}

static bool asked(const struct trace_stage *s, const char *only)
{
	return !only || strcmp(only, s->name) == 0;
}

static void show_json(struct buf *b, struct trace *t, const char *only)
{
	struct json *out = json_object(&t->arena), *stages = json_array(&t->arena);
	for (size_t i = 0; i < t->n; i++)
		if (asked(&t->v[i], only))
			json_append(stages, stage_json(&t->arena, &t->v[i]));
	json_set_str(&t->arena, out, "id", t->id);
	json_set(&t->arena, out, "stages", stages);
	json_write(b, out);
	buf_putc(b, '\n');
}

/* Stages that asked something, or the one that was named. */
static int show_requests(struct buf *b, struct trace *t, const struct show_options *o, const char *only)
{
	struct json *out = json_object(&t->arena), *stages = json_array(&t->arena);
	struct err e = ERR_INIT;
	size_t told = 0;
	if (!o->json)
		buf_printf(b, "%.*s\n", STR_FMT(t->id));
	for (size_t i = 0; i < t->n; i++) {
		struct json *requests;
		if (!asked(&t->v[i], only))
			continue;
		if (requests_of(t, &t->v[i], &requests, &e) < 0) {
			say_error("%s", e.text);
			return EXIT_ERROR;
		}
		if (!requests && !only)
			continue;
		told++;
		if (o->json)
			json_append(stages, requests_json(&t->arena, &t->v[i], requests));
		else
			put_requests(b, &t->v[i], requests, o->full);
	}
	json_set_str(&t->arena, out, "id", t->id);
	json_set(&t->arena, out, "stages", stages);
	if (o->json)
		json_write(b, out);
	else if (!told)
		buf_puts(b, "no stage asked anything of a provider for this call, as far as is kept\n");
	if (o->json)
		buf_putc(b, '\n');
	say_out(b);
	return EXIT_DONE;
}

static int show(const struct cli_given *given)
{
	const struct show_options *o = given->opts;
	CLEANUP(trace_release) struct trace t;
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	const char *only = given->nargs > 1 ? given->args[1] : NULL;
	int status = trace_open(&t, &o->where, given->args[0], o->originals);
	if (status)
		return status;
	bool came = !only;
	for (size_t i = 0; i < t.n; i++)
		came |= asked(&t.v[i], only);
	if (!came)
		return trace_stage_unknown(&t, only);
	if (o->requests)
		return show_requests(&b, &t, o, only);
	if (o->json) {
		show_json(&b, &t, only);
	} else {
		buf_printf(&b, "%.*s\n", STR_FMT(t.id));
		for (size_t i = 0; i < t.n; i++)
			if (asked(&t.v[i], only))
				put_stage(&b, &t.v[i]);
		trace_nothing(&t, &b);
	}
	say_out(&b);
	return EXIT_DONE;
}

const struct cli_command command_show = {
	.name = "show",
	.usage = "ID [STAGE] [options]",
	.help = "show a call at each stage: what the stage wrote, or why it went no further",
	.about = "What a private call said before anonymize is shown with --originals only.\n"
			 "--requests tells of the stage's questions to providers: step, model, tokens, cost, messages, thinking "
			 "and answer.",
	.example = "taf show bank-card-freeze/retired-teacher/0001",
	.options = options,
	.noptions = COUNT_OF(options),
	.size = sizeof(struct show_options),
	.min_args = 1,
	.max_args = 2,
	.run = show,
};

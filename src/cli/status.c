/* taf status: the latest run, as it stands; --watch until it ends. Reads only; a run may write meanwhile. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/fs.h"
#include "cli/commands.h"
#include "cli/display.h"
#include "cli/folder.h"
#include "cli/say.h"
#include "core/query.h"

#include <stdlib.h>
#include <string.h>

#define WATCH_MS 1000
#define EXAMPLES 5
#define LIST_MAX ((size_t)1 << 20)

struct status_options {
	struct where where;
	bool watch, quarantined, rejected, json;
};

#define AT(field) offsetof(struct status_options, field)
static const struct cli_option options[] = {
	WORK_OPTIONS(struct status_options),
	{0, "watch", CLI_FLAG, AT(watch), NULL, 0, 0, "look again each second until the run ends"},
	{0, "quarantined", CLI_FLAG, AT(quarantined), NULL, 0, 0, "list all calls that are quarantined, with their reasons"},
	{0, "rejected", CLI_FLAG, AT(rejected), NULL, 0, 0, "list all calls that a rule rejected, with the rules"},
	{0, "json", CLI_FLAG, AT(json), NULL, 0, 0, "print JSON"},
};

/** The latest run: its row's JSON as a tree, and what the display draws. */
struct latest {
	struct arena arena;
	struct json *json;
	struct run_status status;
	int64_t quarantined;
	struct spent total; /* over all runs */
};

static void latest_release(struct latest *l)
{
	arena_release(&l->arena);
}

static double real_of(const struct json *object, const char *key)
{
	const struct json *v = json_get(object, key);
	return json_is(v, JSON_REAL) ? v->u.d : json_is(v, JSON_INT) ? (double)v->u.i : 0;
}

/* A run of an older taf does not say. */
static const char *unit_of(const struct json *row)
{
	struct str unit = json_get_str(row, "unit");
	return unit.n == 0 ? NULL : str_is(unit, UNIT_CHARACTERS) ? UNIT_CHARACTERS : UNIT_TOKENS;
}

static void read_stage(struct latest *l, const struct json *row, struct stage_status *ret)
{
	struct stage_counts *c = &ret->c;
	ret->name = arena_str(&l->arena, json_get_str(row, "name")).p;
	ret->uses = arena_str(&l->arena, json_get_str(row, "uses")).p;
	c->in = json_get_int(row, "calls_in", 0);
	c->out = json_get_int(row, "calls_out", 0);
	c->cached = json_get_int(row, "cached", 0);
	c->computed = json_get_int(row, "computed", 0);
	c->rejected = json_get_int(row, "rejected", 0);
	c->quarantined = json_get_int(row, "quarantined", 0);
	c->total = json_get_int(row, "total", 0);
	c->in_flight = json_get_int(row, "in_flight", 0);
	c->seconds = real_of(row, "seconds");
	c->requests = json_get_int(row, "requests", 0);
	c->tokens_in = json_get_int(row, "tokens_in", 0);
	c->tokens_out = json_get_int(row, "tokens_out", 0);
	c->cost = real_of(row, "cost");
	ret->unit = unit_of(row);
	l->quarantined += c->quarantined;
}

static void read_provider(struct latest *l, const struct json *row, struct provider_status *p)
{
	p->name = arena_str(&l->arena, json_get_str(row, "name")).p;
	p->unit = unit_of(row);
	p->c = (struct account_counts){.requests = json_get_int(row, "requests", 0),
		.ok = json_get_int(row, "ok", 0),
		.limited = json_get_int(row, "limited", 0),
		.troubled = json_get_int(row, "troubled", 0),
		.lost = json_get_int(row, "lost", 0),
		.refused = json_get_int(row, "refused", 0),
		.filtered = json_get_int(row, "filtered", 0),
		.invalid = json_get_int(row, "invalid", 0),
		.tokens_in = json_get_int(row, "tokens_in", 0),
		.tokens_out = json_get_int(row, "tokens_out", 0),
		.cost = (int64_t)(real_of(row, "cost") * 1e6 + 0.5),
		.waiting = json_get_int(row, "waiting", 0),
		.in_flight = json_get_int(row, "in_flight", 0),
		.window = json_get_int(row, "window", 0),
		.paused = json_get_bool(row, "paused", false),
		.paused_s = json_get_int(row, "paused_s", 0)};
}

/* A row that says "running" of a process that is gone is of a run that was killed. */
static void settle_state(struct latest *l, const struct run_row *row, const char *work)
{
	bool killed = strcmp(row->state, "running") == 0 && !folder_is_run_by(work, row->pid);
	struct json *run = json_get(l->json, "run");
	l->status.state = killed ? "killed" : arena_strdup(&l->arena, row->state);
	if (run)
		json_set_text(&l->arena, run, "state", l->status.state);
}

/* What the folder has cost in all: {answers, tokens_in, tokens_out, cost}. */
static int read_total(struct latest *l, struct store *store, struct err *e)
{
	struct arena *a = &l->arena;
	struct json *total = json_object(a);
	int rc = store_spent(store, &l->total, e);
	if (rc < 0)
		return rc;
	json_set_int(a, total, "answers", l->total.answers);
	json_set_int(a, total, "tokens_in", l->total.tokens_in);
	json_set_int(a, total, "tokens_out", l->total.tokens_out);
	json_set(a, total, "cost", json_real(a, (double)l->total.cost / 1e6));
	json_set(a, l->json, "total", total);
	return 0;
}

static int read_latest(struct latest *l, struct store *store, const char *work, struct err *e)
{
	struct run_row row = {.stats = BUF_INIT};
	int rc = store_run(store, 0, &row, e);
	if (rc == 0)
		rc = err_set(e, ERR_NOTFOUND, "no run was made in %s yet: start one with taf run", work);
	if (rc > 0)
		rc = json_parse(&l->arena, buf_view(&row.stats), &l->json, e);
	if (rc == 0) {
		const struct json *stages = json_get(l->json, "stages"), *providers = json_get(l->json, "providers");
		memcpy(l->status.id, row.id, sizeof(l->status.id));
		l->status.exit_status = row.exit_status;
		l->status.seconds = real_of(json_get(l->json, "run"), "seconds");
		l->status.stages = arena_array(&l->arena, json_count(stages) + 1, sizeof(*l->status.stages));
		JSON_EACH(stage, stages)
			read_stage(l, stage, &l->status.stages[l->status.nstages++]);
		l->status.providers = arena_array(&l->arena, json_count(providers) + 1, sizeof(*l->status.providers));
		JSON_EACH(provider, providers)
			read_provider(l, provider, &l->status.providers[l->status.nproviders++]);
		settle_state(l, &row, work);
		rc = read_total(l, store, e);
	}
	buf_release(&row.stats);
	return rc;
}

/* One sum is kept of all that was counted; what its unit is, the stages of the latest run tell. */
static void put_total(struct buf *b, const struct spent *t, const struct run_status *s)
{
	bool speech = false, others = t->tokens_out > 0;
	for (size_t i = 0; i < s->nstages; i++) {
		speech |= is_characters(s->stages[i].unit);
		others |= s->stages[i].unit && !is_characters(s->stages[i].unit);
	}
	if (!t->answers && !t->cost)
		return;
	buf_puts(b, "\nof providers, over all runs in this folder: ");
	put_many(b, t->answers, "answer");
	buf_puts(b, ", ");
	if (speech && others) {
		put_count(b, t->tokens_in);
		buf_puts(b, " tokens and characters of speech in, ");
		put_many(b, t->tokens_out, "token");
		buf_puts(b, " out");
	} else {
		put_taken(b, speech, t->tokens_in, t->tokens_out);
	}
	if (t->cost)
		buf_printf(b, ", cost %.2f", (double)t->cost / 1e6);
	buf_putc(b, '\n');
}

static void print(const struct latest *l, struct store *store, bool json)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	if (json) {
		json_write(&b, l->json);
		buf_putc(&b, '\n');
		say_out(&b);
		return;
	}
	const struct run_status *s = &l->status;
	buf_printf(&b, "run %s: %s", s->id, s->state);
	if (strcmp(s->state, "running") != 0 && strcmp(s->state, "killed") != 0)
		buf_printf(&b, ", exit status %d", s->exit_status);
	buf_puts(&b, ", ");
	put_seconds(&b, s->seconds);
	buf_puts(&b, "\n\n");
	status_table(&b, s);
	put_total(&b, &l->total, s);
	if (strcmp(s->state, "killed") == 0)
		buf_puts(&b, "\nIt ended without a word; taf run goes on from where it was.\n");
	if (l->quarantined) {
		struct query_failure *found;
		CLEANUP(arena_release) struct arena a = ARENA_INIT;
		size_t n = query_failures(store, &a, EXAMPLES, &found);
		buf_puts(&b, n ? "\nquarantined, for example:\n" : "");
		for (size_t i = 0; i < n; i++) {
			buf_printf(&b, "  %.*s at %.*s: ", STR_FMT(found[i].id), STR_FMT(found[i].stage));
			put_clean(&b, found[i].text);
			buf_putc(&b, '\n');
		}
	}
	say_out(&b);
}

static struct json *failure_json(struct arena *a, const struct query_failure *f)
{
	struct json *row = json_object(a);
	json_set_str(a, row, "id", f->id);
	json_set_str(a, row, "stage", f->stage);
	json_set_text(a, row, "class", err_class_name(err_class_of(f->code)));
	json_set_str(a, row, "reason", f->text);
	return row;
}

/* Calls, as one line of JSON by `rows`, or without these as the `lines` that were written of each. */
static void say_list(struct arena *a, struct buf *lines, struct json *rows, const char *what)
{
	if (rows) {
		struct json *out = json_object(a);
		json_set(a, out, what, rows);
		json_write(lines, out);
		buf_putc(lines, '\n');
	} else if (lines->len == 0) {
		buf_printf(lines, "no call is %s\n", what);
	}
	say_out(lines);
}

static void list_quarantined(struct store *store, bool json)
{
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	CLEANUP(buf_release) struct buf b = BUF_INIT_MAX((size_t)1 << 30);
	struct query_failure *found = NULL;
	size_t n = query_failures(store, &a, LIST_MAX, &found);
	struct json *rows = json ? json_array(&a) : NULL;
	for (size_t i = 0; i < n; i++) {
		if (rows) {
			json_append(rows, failure_json(&a, &found[i]));
			continue;
		}
		buf_printf(&b, "%.*s at %.*s (%s): ", STR_FMT(found[i].id), STR_FMT(found[i].stage),
			err_class_name(err_class_of(found[i].code)));
		put_clean(&b, found[i].text);
		buf_putc(&b, '\n');
	}
	say_list(&a, &b, rows, "quarantined");
}

/* How often each rule found something, in the order of the first: {"too_fast": 5, "loudness": 1}. */
static struct json *rules_of(struct arena *a, const struct json *findings)
{
	struct json *out = json_object(a);
	JSON_EACH(finding, findings) {
		struct str rule = json_get_str(finding, "rule");
		const struct json *had = json_get_key(out, rule);
		json_set_key(a, out, rule, json_int(a, had ? had->u.i + 1 : 1));
	}
	return out;
}

static void put_rejection(struct buf *b, const struct query_rejection *r, const struct json *rules)
{
	const char *between = ": ";
	buf_printf(b, "%.*s at %.*s", STR_FMT(r->id), STR_FMT(r->stage));
	JSON_EACH(rule, rules) {
		buf_puts(b, between);
		put_clean(b, rule->key);
		if (rule->u.i > 1)
			buf_printf(b, " %lld times", (long long)rule->u.i);
		between = ", ";
	}
	buf_putc(b, '\n');
}

/* Rules alone: values may hold words of the calls, and `why` knows which may be shown. */
static void list_rejected(struct store *store, bool json)
{
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	CLEANUP(buf_release) struct buf b = BUF_INIT_MAX((size_t)1 << 30);
	struct query_rejection *found = NULL;
	size_t n = query_rejections(store, &a, LIST_MAX, &found);
	struct json *rows = json ? json_array(&a) : NULL;
	for (size_t i = 0; i < n; i++) {
		struct json *rules = rules_of(&a, found[i].findings), *row = json_object(&a);
		if (!rows) {
			put_rejection(&b, &found[i], rules);
			continue;
		}
		json_set_str(&a, row, "id", found[i].id);
		json_set_str(&a, row, "stage", found[i].stage);
		json_set(&a, row, "rules", rules);
		json_append(rows, row);
	}
	say_list(&a, &b, rows, "rejected");
}

static int watch(struct store *store, const char *work, bool json, struct err *e)
{
	struct display display;
	int rc = 0;
	bool running = true;
	display_init(&display, stderr);
	while (rc == 0 && running) {
		CLEANUP(latest_release) struct latest l = {.arena = ARENA_INIT};
		rc = read_latest(&l, store, work, e);
		if (rc < 0)
			break;
		running = strcmp(l.status.state, "running") == 0;
		if (running && json)
			print(&l, store, true);
		else if (running)
			display_tick(&display, &l.status);
		if (running)
			clock_sleep_ms(WATCH_MS);
	}
	display_release(&display);
	return rc;
}

static int status(const struct cli_given *given)
{
	const struct status_options *o = given->opts;
	CLEANUP(buf_release) struct buf work = BUF_INIT;
	CLEANUP(store_cleanup) struct store *store = NULL;
	CLEANUP(latest_release) struct latest l = {.arena = ARENA_INIT};
	struct err e = ERR_INIT;
	where_work(&o->where, &work);
	int rc = folder_open(work.data, &store, &e);
	if (rc == 0 && o->quarantined) {
		list_quarantined(store, o->json);
		return EXIT_DONE;
	}
	if (rc == 0 && o->rejected) {
		list_rejected(store, o->json);
		return EXIT_DONE;
	}
	if (rc == 0 && o->watch)
		rc = watch(store, work.data, o->json, &e);
	if (rc == 0)
		rc = read_latest(&l, store, work.data, &e);
	if (rc < 0) {
		say_error("%s", e.text);
		return EXIT_ERROR;
	}
	print(&l, store, o->json);
	return EXIT_DONE;
}

const struct cli_command command_status = {
	.name = "status",
	.usage = "[options]",
	.help = "tell how the latest run goes, or went",
	.about = "States: running, done, stopped, interrupted, killed. With --watch --json, a line of JSON each second.",
	.example = "taf status --watch",
	.options = options,
	.noptions = COUNT_OF(options),
	.size = sizeof(struct status_options),
	.run = status,
};

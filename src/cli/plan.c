/* taf plan: what a run would do, and why. Changes nothing. */
#include "base/alloc.h"
#include "cli/commands.h"
#include "cli/display.h"
#include "cli/folder.h"
#include "cli/machine.h"
#include "cli/say.h"
#include "cli/table.h"
#include "core/engine.h"

#include <string.h>

struct plan_options {
	struct where where;
	const char *until, *only;
	int64_t limit;
	bool json;
};

#define AT(field) offsetof(struct plan_options, field)
static const struct cli_option options[] = {
	WHERE_OPTIONS(struct plan_options),
	{0, "until", CLI_TEXT, AT(until), "STAGE", 0, 0, "plan no further than this stage"},
	{0, "limit", CLI_INT, AT(limit), "N", 1, 1e12, "at most N calls of all sources together"},
	{0, "only", CLI_TEXT, AT(only), "X", 0, 0, "one call by its id, or all whose id begins with X/"},
	{0, "json", CLI_FLAG, AT(json), NULL, 0, 0, "print JSON"},
};

static void put_reasons(struct buf *b, const struct stage_counts *c)
{
	for (int r = 1; r < REASONS; r++) {
		if (!c->reasons[r])
			continue;
		if (b->len)
			buf_puts(b, ", ");
		put_count(b, c->reasons[r]);
		buf_printf(b, " %s", reason_name((enum reason)r));
	}
}

struct bill {
	int64_t requests, tokens, characters;
	double cost;
};

static void bill_add(struct bill *sum, const struct stage_status *s, bool later)
{
	const struct stage_counts *c = &s->c;
	int64_t n = later ? c->more_tokens : c->tokens_in + c->tokens_out;
	sum->requests += later ? c->more_requests : c->requests;
	*(is_characters(s->unit) ? &sum->characters : &sum->tokens) += n;
	sum->cost += later ? c->more_cost : c->cost;
}

static void put_bill(struct buf *b, const struct bill *p)
{
	put_many(b, p->requests, "request");
	if (p->tokens) {
		buf_puts(b, ", ");
		put_many(b, p->tokens, "token");
	}
	if (p->characters) {
		buf_puts(b, ", ");
		put_many(b, p->characters, "character");
		buf_puts(b, " of speech");
	}
	if (p->cost > 0)
		buf_printf(b, ", cost %.2f", p->cost);
}

/* By what each stage's share is estimated. */
static void put_basis(struct buf *b, const struct run_status *st)
{
	const char *glue = "\nEstimated";
	for (size_t i = 0; i < st->nstages; i++) {
		const struct stage_counts *c = &st->stages[i].c;
		const char *unit = st->stages[i].unit;
		bool by_texts = c->basis && strcmp(c->basis, PLAN_TEXTS) == 0;
		if (!c->basis || c->requests + c->more_requests == 0)
			continue;
		buf_printf(b, "%s for %s by ", glue, st->stages[i].name);
		glue = ",";
		if (strcmp(c->basis, PLAN_MEASURED) == 0) {
			buf_puts(b, "what ");
			put_many(b, c->measured, "item");
			buf_puts(b, " took in earlier runs");
			continue;
		}
		buf_puts(b, by_texts              ? "the texts of its calls"
					: is_characters(unit) ? "the length of a usual call"
										  : "the lengths of the prompts");
		if (c->measured)
			buf_printf(b, " (%lld of its items measured is too few)", (long long)c->measured);
	}
	buf_puts(b, "; answers that are stored already cost nothing.\n");
}

/* What the stages that ask a provider will take of it. */
static void put_spending(struct buf *b, const struct run_status *st)
{
	struct bill sum = {0, 0, 0, 0}, more = sum;
	for (size_t i = 0; i < st->nstages; i++) {
		bill_add(&sum, &st->stages[i], false);
		bill_add(&more, &st->stages[i], true);
	}
	if (!sum.requests && !more.requests)
		return;
	buf_puts(b, "\nof providers: about ");
	put_bill(b, &sum);
	if (more.requests) {
		buf_puts(b, "; at most ");
		put_bill(b, &more);
		buf_puts(b, " more for what is decided later");
	}
	if (sum.cost + more.cost <= 0)
		buf_puts(b, "; no prices are given (price_in, price_out of the provider)");
	buf_putc(b, '.');
	put_basis(b, st);
}

static void plan_row(struct table *t, const struct stage_status *s, bool asks, struct counted counted)
{
	const struct stage_counts *c = &s->c;
	CLEANUP(buf_release) struct buf why = BUF_INIT;
	CLEANUP(buf_release) struct buf price = BUF_INIT;
	put_reasons(&why, c);
	table_cell(t, str_of(s->name));
	table_cell(t, str_of(s->uses));
	table_cell_count(t, c->cached);
	table_cell_count(t, c->to_run);
	table_cell_count(t, c->unknown);
	if (asks) {
		table_cell_count(t, c->requests);
		put_taken_cells(t, counted, s);
		if (c->cost > 0)
			buf_printf(&price, "%.2f", c->cost);
		table_cell(t, buf_view(&price));
	}
	if (c->seconds > 0)
		table_cell_seconds(t, c->seconds);
	else
		table_cell(t, c->to_run ? STR("?") : STR(""));
	table_cell(t, buf_view(&why));
}

/* True: with the columns of what providers take. */
static bool plan_heads(struct table *t, const struct run_status *st, struct counted counted)
{
	const char *heads[TABLE_COLUMNS] = {"stage", "uses", ">cached", ">to run", ">unknown"};
	size_t n = 5;
	bool asks = false;
	for (size_t i = 0; i < st->nstages; i++)
		asks |= st->stages[i].c.requests + st->stages[i].c.more_requests > 0;
	if (asks) {
		heads[n++] = ">requests";
		if (counted.tokens)
			heads[n++] = ">" UNIT_TOKENS;
		if (counted.characters)
			heads[n++] = ">" UNIT_CHARACTERS;
		heads[n++] = ">cost";
	}
	heads[n++] = ">work time";
	heads[n++] = "why";
	table_init(t, heads, n);
	return asks;
}

static void plan_table(struct buf *b, const struct run_status *st)
{
	CLEANUP(table_release) struct table t;
	int64_t to_run = 0, unknown = 0, quarantined = 0;
	double seconds = 0;
	struct counted counted = status_counted(st);
	bool asks = plan_heads(&t, st, counted);
	for (size_t i = 0; i < st->nstages; i++) {
		const struct stage_counts *c = &st->stages[i].c;
		plan_row(&t, &st->stages[i], asks, counted);
		to_run += c->to_run;
		unknown += c->unknown;
		quarantined += c->quarantined;
		seconds += c->seconds;
	}
	table_print(&t, b);
	put_spending(b, st);
	if (quarantined) {
		buf_putc(b, '\n');
		put_count(b, quarantined);
		buf_puts(b, " quarantined: they wait for taf retry or a changed input");
	}
	if (to_run + unknown == 0) {
		buf_puts(b, "\nnothing to do\n");
		return;
	}
	buf_puts(b, "\n");
	put_count(b, to_run);
	buf_puts(b, " to run");
	if (seconds > 0) {
		buf_puts(b, " (about ");
		put_seconds(b, seconds);
		buf_puts(b, " of work)");
	}
	if (unknown) {
		buf_puts(b, ", ");
		put_count(b, unknown);
		buf_puts(b, " decided only once an earlier stage has run");
	}
	buf_putc(b, '\n');
}

static int plan(const struct cli_given *given)
{
	const struct plan_options *o = given->opts;
	CLEANUP(config_cleanup) struct config *config = NULL;
	CLEANUP(buf_release) struct buf work = BUF_INIT;
	CLEANUP(buf_release) struct buf out = BUF_INIT;
	struct run_status st = {.state = ""};
	struct err e = ERR_INIT;
	if (where_config(&o->where, &config) < 0 || !folder_stage_known(config, "--until", o->until))
		return EXIT_BAD_CONFIG;
	CLEANUP(buf_release) struct buf only = BUF_INIT;
	where_work(&o->where, &work);
	where_id(o->only ? o->only : "", &only);
	struct engine_args args = {.config = config,
		.work = work.data,
		.jobs = machine_jobs(),
		.until = o->until,
		.limit = o->limit,
		.only = o->only ? only.data : NULL,
		.command = "plan"};
	int rc = engine_plan(&args, &st, &e);
	if (rc < 0) {
		folder_why(work.data, rc, &e);
		say_error("%s", e.text);
		return err_class_of(rc) == CLASS_CONFIG ? EXIT_BAD_CONFIG : EXIT_ERROR;
	}
	if (o->json) {
		plan_json(&out, &st);
		buf_putc(&out, '\n');
	} else {
		plan_table(&out, &st);
	}
	say_out(&out);
	run_status_free(&st);
	return EXIT_DONE;
}

const struct cli_command command_plan = {
	.name = "plan",
	.usage = "[options]",
	.help = "tell what a run would do, how many calls, and why",
	.about = "Reasons: new-call, input-changed, parameter-changed, file-changed, version-changed, provider-changed, "
			 "failed-before.",
	.example = "taf plan --set stages.clean.with.min_turns=6",
	.options = options,
	.noptions = COUNT_OF(options),
	.size = sizeof(struct plan_options),
	.run = plan,
};

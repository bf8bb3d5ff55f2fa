/* taf eval metrics: predictions against a benchmark. */
#include "base/alloc.h"
#include "base/utf8.h"
#include "cli/commands.h"
#include "cli/eval.h"
#include "cli/say.h"
#include "cli/table.h"
#include "core/engine.h"

#include <string.h>

#define VALUES_MAX 64 /* of a stratum that are counted */

struct metrics_options {
	const char *bench;
	bool json;
};

#define AT(field) offsetof(struct metrics_options, field)
static const struct cli_option options[] = {
	{'b', "bench", CLI_TEXT, AT(bench), "BENCH", 0, 0,
		"a release folder, its bench.zip, one of its lists, or a folder of taf eval prepare"},
	{0, "json", CLI_FLAG, AT(json), NULL, 0, 0, "print JSON (schemas/eval.schema.json)"},
};

struct metrics {
	struct eval_bench bench;
	struct eval_joined joined;
	struct eval_score score; /* of the task at hand */
	struct eval_score part;  /* of a stratum */
};

static void metrics_free(struct metrics **m)
{
	eval_bench_release(&(*m)->bench);
	free_ptr(m);
}

/* The values of a stratum among a task's items, in their order of first appearance sorted by name. */
static size_t values_of(const struct eval_bench *b, enum eval_task task, enum eval_stratum by, struct str *ret)
{
	size_t n = 0;
	for (size_t i = 0; i < b->n; i++) {
		struct str v = b->items[i].strata[by];
		size_t at = 0;
		if (b->items[i].task != task || !v.n)
			continue;
		while (at < n && str_cmp(ret[at], v) < 0)
			at++;
		if (n == VALUES_MAX || (at < n && str_eq(ret[at], v)))
			continue;
		memmove(&ret[at + 1], &ret[at], (n - at) * sizeof(*ret));
		ret[at] = v;
		n++;
	}
	return n;
}

/* --- For programs --- */

static void set_share(struct arena *a, struct json *out, const char *name, const struct eval_share *s)
{
	json_set(a, out, name, json_real(a, s->value));
	json_set(a, out, arena_printf(a, "%s_low", name), json_real(a, s->low));
	json_set(a, out, arena_printf(a, "%s_high", name), json_real(a, s->high));
}

static void set_mean(struct arena *a, struct json *out, const char *name, const struct eval_mean *m)
{
	struct json *row = json_object(a);
	json_set(a, row, "precision", json_real(a, m->precision));
	json_set(a, row, "recall", json_real(a, m->recall));
	json_set(a, row, "f1", json_real(a, m->f1));
	json_set(a, out, name, row);
}

static struct json *classes_json(struct arena *a, const struct eval_labels *labels, const struct eval_score *s)
{
	struct json *list = json_array(a);
	for (size_t i = 0; i < s->nclasses; i++) {
		const struct eval_class *c = &s->classes[i];
		struct json *row = json_object(a);
		json_set_str(a, row, "label", labels->v[c->label]);
		json_set_int(a, row, "support", c->recall.n);
		json_set_int(a, row, "predicted", c->precision.n);
		json_set_int(a, row, "correct", c->recall.k);
		set_share(a, row, "precision", &c->precision);
		set_share(a, row, "recall", &c->recall);
		json_set(a, row, "f1", json_real(a, c->f1));
		json_append(list, row);
	}
	return list;
}

/* Rows: truth, columns: predicted, the last one for items without an answer of the set. */
static struct json *confusion_json(struct arena *a, const struct eval_labels *labels, const struct eval_score *s)
{
	struct json *out = json_object(a), *names = json_array(a), *rows = json_array(a);
	for (size_t i = 0; i < s->nclasses; i++) {
		struct json *row = json_array(a);
		json_append(names, json_str(a, labels->v[s->classes[i].label]));
		for (size_t k = 0; k < s->nclasses; k++)
			json_append(row, json_int(a, s->confusion[s->classes[i].label][s->classes[k].label]));
		json_append(row, json_int(a, s->confusion[s->classes[i].label][labels->n]));
		json_append(rows, row);
	}
	json_set(a, out, "labels", names);
	json_set(a, out, "rows", rows);
	return out;
}

static struct json *strata_json(struct arena *a, struct metrics *m, enum eval_task task)
{
	struct json *list = json_array(a);
	struct str values[VALUES_MAX + 1];
	for (int by = 0; by < EVAL_STRATA; by++) {
		size_t n = values_of(&m->bench, task, (enum eval_stratum)by, values);
		for (size_t i = 0; i < n; i++) {
			struct json *row = json_object(a);
			eval_score(&m->bench, task, (enum eval_stratum)by, &values[i], &m->part);
			json_set_text(a, row, "by", eval_strata[by]);
			json_set_str(a, row, "value", values[i]);
			json_set_int(a, row, "items", m->part.items);
			json_set_int(a, row, "correct", m->part.accuracy.k);
			set_share(a, row, "accuracy", &m->part.accuracy);
			json_append(list, row);
		}
	}
	return list;
}

static struct json *task_json(struct arena *a, struct metrics *m, enum eval_task task)
{
	const struct eval_score *s = &m->score;
	struct json *out = json_object(a);
	json_set_text(a, out, "task", eval_task_names[task]);
	json_set_int(a, out, "items", s->items);
	json_set_int(a, out, "answered", s->found[EVAL_FOUND]);
	json_set_int(a, out, "invalid", s->found[EVAL_INVALID]);
	json_set_int(a, out, "unparsable", s->found[EVAL_UNPARSABLE]);
	json_set_int(a, out, "missing", s->found[EVAL_MISSING]);
	json_set_int(a, out, "correct", s->accuracy.k);
	set_share(a, out, "accuracy", &s->accuracy);
	set_mean(a, out, "macro", &s->macro);
	set_mean(a, out, "weighted", &s->weighted);
	set_mean(a, out, "micro", &s->micro);
	json_set(a, out, "classes", classes_json(a, &m->bench.labels[task], s));
	json_set(a, out, "confusion", confusion_json(a, &m->bench.labels[task], s));
	json_set(a, out, "strata", strata_json(a, m, task));
	return out;
}

static void put_json(struct buf *b, struct metrics *m)
{
	struct arena *a = &m->bench.arena;
	struct json *out = json_object(a), *tasks = json_array(a);
	for (int task = 0; task < EVAL_TASKS; task++) {
		eval_score(&m->bench, (enum eval_task)task, STRATUM_SOURCE, NULL, &m->score);
		if (m->score.items)
			json_append(tasks, task_json(a, m, (enum eval_task)task));
	}
	json_set_int(a, out, "items", (int64_t)m->bench.n);
	json_set_int(a, out, "predictions", m->joined.rows);
	json_set_int(a, out, "unmatched", m->joined.unmatched);
	json_set(a, out, "tasks", tasks);
	json_write(b, out);
	buf_putc(b, '\n');
}

/* --- For people --- */

static void put_percent(struct buf *b, double v)
{
	buf_printf(b, "%.1f%%", 100 * v);
}

static void put_share(struct buf *b, const struct eval_share *s)
{
	put_percent(b, s->value);
	if (s->n)
		buf_printf(b, " (%.1f to %.1f)", 100 * s->low, 100 * s->high);
}

static void cell_share(struct table *t, const struct eval_share *s)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	put_share(&b, s);
	table_cell(t, s->n ? buf_view(&b) : STR("-"));
}

static void cell_percent(struct table *t, double v)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	put_percent(&b, v);
	table_cell(t, buf_view(&b));
}

static void put_classes(struct buf *b, const struct eval_labels *labels, const struct eval_score *s)
{
	static const char *const heads[] = {"  class", ">items", ">predicted", ">precision (95%)", ">recall (95%)", ">F1"};
	CLEANUP(table_release) struct table t;
	table_init(&t, heads, COUNT_OF(heads));
	for (size_t i = 0; i < s->nclasses; i++) {
		const struct eval_class *c = &s->classes[i];
		CLEANUP(buf_release) struct buf name = BUF_INIT;
		buf_printf(&name, "  %.*s", STR_FMT(labels->v[c->label]));
		table_cell(&t, buf_view(&name));
		table_cell_count(&t, c->recall.n);
		table_cell_count(&t, c->precision.n);
		cell_share(&t, &c->precision);
		cell_share(&t, &c->recall);
		cell_percent(&t, c->f1);
	}
	table_print(&t, b);
}

/* The matrix, when it has room; the errors tell the same otherwise. */
static void put_confusion(struct buf *b, const struct eval_labels *labels, const struct eval_score *s)
{
	const char *heads[TABLE_COLUMNS] = {"  truth ↓ predicted →"};
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	CLEANUP(table_release) struct table t;
	size_t n = s->nclasses;
	if (n + 2 > TABLE_COLUMNS) {
		for (size_t i = 0; i < n; i++)
			for (size_t k = 0; k < n; k++)
				if (i != k && s->confusion[s->classes[i].label][s->classes[k].label])
					buf_printf(b, "  %.*s taken for %.*s: %lld\n", STR_FMT(labels->v[s->classes[i].label]),
						STR_FMT(labels->v[s->classes[k].label]),
						(long long)s->confusion[s->classes[i].label][s->classes[k].label]);
		return;
	}
	for (size_t i = 0; i < n; i++)
		heads[i + 1] = arena_printf(&a, ">%.*s", STR_FMT(labels->v[s->classes[i].label]));
	heads[n + 1] = ">no answer";
	table_init(&t, heads, n + 2);
	for (size_t i = 0; i < n; i++) {
		const int64_t *row = s->confusion[s->classes[i].label];
		table_cell(&t, str_of(arena_printf(&a, "  %.*s", STR_FMT(labels->v[s->classes[i].label]))));
		for (size_t k = 0; k < n; k++)
			table_cell_count(&t, row[s->classes[k].label]);
		table_cell_count(&t, row[labels->n]);
	}
	table_print(&t, b);
}

static void put_strata(struct buf *b, struct metrics *m, enum eval_task task)
{
	static const char *const heads[] = {"  stratum", "", ">items", ">correct", ">accuracy (95%)"};
	CLEANUP(table_release) struct table t;
	CLEANUP(buf_release) struct buf name = BUF_INIT;
	struct str values[VALUES_MAX + 1];
	table_init(&t, heads, COUNT_OF(heads));
	for (int by = 0; by < EVAL_STRATA; by++) {
		size_t n = values_of(&m->bench, task, (enum eval_stratum)by, values);
		for (size_t i = 0; n > 1 && i < n; i++) { /* one value is the task itself */
			eval_score(&m->bench, task, (enum eval_stratum)by, &values[i], &m->part);
			buf_clear(&name);
			buf_printf(&name, "  %s", eval_strata[by]);
			table_cell(&t, buf_view(&name));
			table_cell(&t, values[i]);
			table_cell_count(&t, m->part.items);
			table_cell_count(&t, m->part.accuracy.k);
			cell_share(&t, &m->part.accuracy);
		}
	}
	if (t.n) {
		buf_putc(b, '\n');
		table_print(&t, b);
	}
}

static void put_task(struct buf *b, struct metrics *m, enum eval_task task)
{
	const struct eval_score *s = &m->score;
	const struct eval_labels *labels = &m->bench.labels[task];
	buf_printf(b, "\n%s: ", eval_task_names[task]);
	put_many(b, s->items, "item");
	buf_puts(b, ", accuracy ");
	put_share(b, &s->accuracy);
	buf_puts(b, "\n  F1: macro ");
	put_percent(b, s->macro.f1);
	buf_puts(b, ", weighted ");
	put_percent(b, s->weighted.f1);
	buf_puts(b, ", micro ");
	put_percent(b, s->micro.f1);
	buf_puts(b, "\n  answers: ");
	put_count(b, s->found[EVAL_FOUND]);
	buf_puts(b, " found");
	static const char *const rest[] = {"missing", "without a JSON answer", "outside of the closed set"};
	for (int i = EVAL_INVALID; i >= EVAL_MISSING; i--) {
		buf_puts(b, ", ");
		put_count(b, s->found[i]);
		buf_printf(b, " %s", rest[i]);
	}
	if (s->found[EVAL_FOUND] < s->items)
		buf_puts(b, " (these count as wrong)");
	buf_puts(b, "\n\n");
	put_classes(b, labels, s);
	buf_putc(b, '\n');
	put_confusion(b, labels, s);
	put_strata(b, m, task);
}

static void put_all(struct buf *b, struct metrics *m)
{
	put_many(b, (int64_t)m->bench.n, "item");
	buf_puts(b, ", ");
	put_many(b, m->joined.rows, "prediction");
	if (m->joined.unmatched) {
		buf_puts(b, "; ");
		put_count(b, m->joined.unmatched);
		buf_printf(b, " of them match no item, the first at %s", m->joined.first);
	}
	buf_putc(b, '\n');
	for (int task = 0; task < EVAL_TASKS; task++) {
		eval_score(&m->bench, (enum eval_task)task, STRATUM_SOURCE, NULL, &m->score);
		if (m->score.items)
			put_task(b, m, (enum eval_task)task);
	}
}

/* --- The command --- */

/* Predictions that say nothing at all are another bench's, or of a form that is not known: no result of 0%. */
static int check_joined(const struct eval_joined *j, struct err *e)
{
	if (j->rows == 0)
		return err_set(e, ERR_DATA, "there are no predictions in the files");
	if (j->unmatched == j->rows)
		return err_set(e, ERR_DATA,
			"no prediction matches an item of this bench (the first is at %s): a row needs the id of taf eval prepare, "
			"or the item's prompt just as it stands in the bench",
			j->first);
	if (j->silent + j->unmatched == j->rows)
		return err_set(e, ERR_DATA,
			"no prediction has a text: it is looked for under prediction, predict, model_answer, response, output, "
			"text, "
			"choices; in a row with answer and reasoning, as an item of the bench has them, response is the reference");
	return 0;
}

static int metrics(const struct cli_given *given)
{
	const struct metrics_options *o = given->opts;
	CLEANUP(metrics_free) struct metrics *m = xcalloc(1, sizeof(*m));
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	struct err e = ERR_INIT;
	if (!o->bench) {
		say_error("eval metrics: say of which bench: --bench work/release");
		return EXIT_BAD_CONFIG;
	}
	int rc = eval_bench_read(&m->bench, o->bench, NULL, NULL, &e);
	for (int i = 0; rc == 0 && i < given->nargs; i++)
		rc = eval_join(&m->bench, given->args[i], &m->joined, &e);
	if (rc == 0)
		rc = check_joined(&m->joined, &e);
	if (rc < 0) {
		say_error("%s", e.text);
		return EXIT_ERROR;
	}
	if (o->json)
		put_json(&b, m);
	else
		put_all(&b, m);
	say_out(&b);
	return EXIT_DONE;
}

const struct cli_command command_eval_metrics = {
	.name = "eval metrics",
	.usage = "--bench BENCH PREDICTIONS... [options]",
	.help = "score a model's answers: accuracy, precision, recall, F1, confusion, intervals, strata",
	.about = "PREDICTIONS are JSONL (or JSON lists): rows with the item's id or its prompt, and the model's text. The "
			 "answer is the\n"
			 "JSON in <answer>…</answer>, in a code fence or in the text; what has none counts as wrong.",
	.example = "taf eval metrics --bench work/release predictions.jsonl",
	.options = options,
	.noptions = COUNT_OF(options),
	.size = sizeof(struct metrics_options),
	.min_args = 1,
	.max_args = 256,
	.run = metrics,
};

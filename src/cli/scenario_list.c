/* taf scenario list: what there is. */
#include "base/alloc.h"
#include "cli/commands.h"
#include "cli/say.h"
#include "cli/scenes.h"
#include "cli/table.h"
#include "core/engine.h"

#define SAMPLE 20 /* calls that the variety is estimated from */

struct list_options {
	struct scenes_where at;
	bool json;
};
static const struct cli_option options[] = {
	SCENES_OPTIONS(struct list_options),
	{0, "json", CLI_FLAG, offsetof(struct list_options, json), NULL, 0, 0, "print JSON"},
};

static int64_t way_lines(const struct scenario_way *w)
{
	return (int64_t)(w->nlines[ROLE_LEFT] + w->nlines[ROLE_RIGHT]);
}

static int64_t count_lines(const struct scenario *sc)
{
	int64_t n = 0;
	for (size_t i = 0; i < sc->nphases; i++)
		for (size_t k = 0; k < sc->phases[i].nways; k++)
			n += way_lines(&sc->phases[i].ways[k]);
	for (size_t i = 0; i < sc->nendings; i++)
		n += way_lines(&sc->endings[i].way);
	return n;
}

/* How different two of its calls are: 100 minus the mean similarity of 4-grams, in percent. */
static int64_t variety(struct scenes *s, const struct scenario *sc)
{
	struct grams *grams;
	size_t n = scenes_sample(s, sc, SAMPLE, &grams), pairs = 0;
	double alike = 0;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < i; k++, pairs++)
			alike += grams_jaccard(&grams[i], &grams[k]);
	return pairs ? (int64_t)(100 * (1 - alike / (double)pairs) + 0.5) : 0;
}

static struct json *scenario_json(struct scenes *s, const struct scenario *sc, const char *file)
{
	struct arena *a = &s->arena;
	struct json *row = json_object(a);
	const struct persona **suited;
	json_set_str(a, row, "name", sc->name);
	json_set_text(a, row, "file", file);
	json_set_str(a, row, "title", sc->title);
	json_set_text(a, row, "kind", sc->is_fraud ? "fraud" : "normal");
	json_set_str(a, row, "label", sc->is_fraud ? sc->fraud_type : sc->scene);
	json_set_int(a, row, "personas", (int64_t)scenes_suited(s, sc, &suited));
	json_set_int(a, row, "phases", (int64_t)sc->nphases);
	json_set_int(a, row, "lines", count_lines(sc));
	json_set_int(a, row, "variety_percent", variety(s, sc));
	return row;
}

static void put_table(struct buf *b, const struct json *rows)
{
	static const char *const heads[] = {"name", "title", "kind", "label", ">personas", ">phases", ">lines", ">variety"};
	CLEANUP(table_release) struct table t;
	CLEANUP(buf_release) struct buf percent = BUF_INIT;
	table_init(&t, heads, COUNT_OF(heads));
	JSON_EACH(row, rows) {
		buf_clear(&percent);
		buf_printf(&percent, "%lld%%", (long long)json_get_int(row, "variety_percent", 0));
		table_cell(&t, json_get_str(row, "name"));
		table_cell(&t, json_get_str(row, "title"));
		table_cell(&t, json_get_str(row, "kind"));
		table_cell(&t, json_get_str(row, "label"));
		table_cell_count(&t, json_get_int(row, "personas", 0));
		table_cell_count(&t, json_get_int(row, "phases", 0));
		table_cell_count(&t, json_get_int(row, "lines", 0));
		table_cell(&t, buf_view(&percent));
	}
	table_print(&t, b);
	buf_puts(b, "\n");
	put_many(b, (int64_t)json_count(rows), "scenario");
	buf_puts(b, "; variety: how different two calls of it are\n");
}

static int list(const struct cli_given *given)
{
	const struct list_options *o = given->opts;
	CLEANUP(scenes_release) struct scenes s = {.arena = ARENA_INIT};
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	int status = scenes_open(&s, &o->at);
	if (status)
		return status;
	size_t broken = 0;
	struct json *rows = json_array(&s.arena), *out = json_object(&s.arena);
	for (size_t i = 0; i < s.files.n; i++) {
		const struct scenario *sc = scenes_read(&s, s.files.v[i].p);
		broken += sc == NULL;
		if (sc)
			json_append(rows, scenario_json(&s, sc, s.files.v[i].p));
	}
	if (o->json) {
		json_set_int(&s.arena, out, "broken", (int64_t)broken);
		json_set(&s.arena, out, "scenarios", rows);
		json_write(&b, out);
		buf_putc(&b, '\n');
	} else {
		put_table(&b, rows);
	}
	say_out(&b);
	if (!broken)
		return EXIT_DONE;
	say_error("%zu file%s left out: taf scenario check tells why", broken, broken == 1 ? " is" : "s are");
	return EXIT_ERROR;
}

const struct cli_command command_scenario_list = {
	.name = "scenario list",
	.usage = "[options]",
	.help = "the scenarios with labels, personas they suit, lines, variety",
	.example = "taf scenario list",
	.options = options,
	.noptions = COUNT_OF(options),
	.size = sizeof(struct list_options),
	.run = list,
};

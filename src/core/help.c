/* What option tables and stage descriptions say of themselves: `taf help STAGE` on a terminal, docs/stages.md in Markdown. */
#include "core/config.h"

#include "base/alloc.h"
#include "base/utf8.h"

#include <math.h>

static void put_number(struct buf *b, double x)
{
	if (fabs(x) < 1e15 && x == floor(x))
		buf_printf(b, "%.0f", x);
	else
		buf_printf(b, "%g", x);
}

static const char *type_text(enum option_type type)
{
	switch (type) {
	case OPT_BOOL:
		return "true or false";
	case OPT_INT:
		return "integer";
	case OPT_REAL:
		return "number";
	case OPT_STRING:
		return "text";
	case OPT_CHOICE:
		return "one of";
	case OPT_STRINGS:
		return "list of texts";
	case OPT_FILE:
		return "path";
	case OPT_FILES:
		return "list of paths or globs";
	case OPT_PROVIDER:
		return "name of a provider";
	case OPT_MAP:
		return "map";
	}
	return "";
}

/* "integer 1 to 10 ms", "one of a, b" */
static void put_type(struct buf *b, const struct option *o)
{
	buf_puts(b, type_text(o->type));
	for (size_t i = 0; o->type == OPT_CHOICE && o->choices[i]; i++)
		buf_printf(b, "%s%s", i ? ", " : " ", o->choices[i]);
	if (o->min != 0 || o->max != 0) {
		buf_putc(b, ' ');
		put_number(b, o->min);
		buf_puts(b, " to ");
		put_number(b, o->max);
	}
	if (o->unit)
		buf_printf(b, " %s", o->unit);
}

/* Where a preset gives another default: "; `loud`: `-12`", " (loud: -12)". */
static void put_presets(struct buf *b, const struct option *table, size_t n, const struct option *o, bool markdown)
{
	for (size_t i = 0; o->presets && i < n; i++)
		for (size_t k = 0; table[i].flags & OPTION_PRESET && table[i].choices[k]; k++)
			if (o->presets[k])
				buf_printf(b, markdown ? "; %s: `%s`" : " (%s: %s)", table[i].choices[k], o->presets[k]);
}

static void put_default(struct buf *b, const struct option *o, bool markdown)
{
	if (o->flags & OPTION_REQUIRED)
		buf_puts(b, "required");
	else if (o->dflt && o->dflt[0])
		buf_printf(b, markdown ? "`%s`" : "default %s", o->dflt);
	else
		buf_puts(b, markdown ? "none" : "no default");
}

/* In a cell of a table '|' would end it. */
static void put_cell(struct buf *b, const char *text)
{
	for (; *text; text++) {
		if (*text == '|')
			buf_putc(b, '\\');
		buf_putc(b, *text == '\n' ? ' ' : *text);
	}
}

static void help_markdown(struct buf *b, const struct option *table, size_t n)
{
	buf_puts(b, "| option | value | default | keyed | meaning |\n|---|---|---|---|---|\n");
	for (size_t i = 0; i < n; i++) {
		CLEANUP(buf_release) struct buf cell = BUF_INIT;
		put_type(&cell, &table[i]);
		buf_printf(b, "| `%s` | ", table[i].name);
		put_cell(b, cell.data);
		buf_puts(b, " | ");
		buf_clear(&cell);
		put_default(&cell, &table[i], true);
		put_presets(&cell, table, n, &table[i], true);
		put_cell(b, cell.data);
		buf_printf(b, " | %s | ", table[i].flags & OPTION_SHAPES ? "yes" : "no");
		put_cell(b, table[i].help ? table[i].help : "");
		buf_puts(b, " |\n");
	}
}

#define HELP_COLUMNS 100

/* Words of `text`, each line after `indent` spaces. */
static void put_wrapped(struct buf *b, const char *text, size_t indent)
{
	struct str rest = str_of(text), word;
	size_t at = 0;
	while (str_split(&rest, ' ', &word)) {
		size_t width = utf8_width(word);
		if (!word.n)
			continue;
		if (at && indent + at + 1 + width > HELP_COLUMNS) {
			buf_putc(b, '\n');
			at = 0;
		}
		if (at)
			buf_putc(b, ' ');
		else
			buf_printf(b, "%*s", (int)indent, "");
		buf_str(b, word);
		at += width + (at > 0);
	}
	buf_putc(b, '\n');
}

static void help_text(struct buf *b, const struct option *table, size_t n)
{
	size_t wide = 0;
	for (size_t i = 0; i < n; i++)
		if (utf8_width(str_of(table[i].name)) > wide)
			wide = utf8_width(str_of(table[i].name));
	for (size_t i = 0; i < n; i++) {
		buf_printf(b, "  %-*s  ", (int)wide, table[i].name);
		put_type(b, &table[i]);
		buf_puts(b, "; ");
		put_default(b, &table[i], false);
		put_presets(b, table, n, &table[i], false);
		buf_putc(b, '\n');
		if (table[i].help)
			put_wrapped(b, table[i].help, wide + 4);
	}
}

void options_help(struct buf *b, const struct option *table, size_t n, bool markdown)
{
	if (markdown)
		help_markdown(b, table, n);
	else
		help_text(b, table, n);
}

static const char *stage_kind_name(enum stage_kind kind)
{
	static const char *const names[] = {"source", "map", "expand", "reduce", "sink"};
	return names[kind];
}

static const char *kind_text(enum stage_kind kind)
{
	static const char *const texts[] = {"makes calls", "works on each call", "makes new calls of each call",
		"looks at all calls at once", "writes files of all calls"};
	return texts[kind];
}

static void put_fields(struct buf *b, const char *title, const struct field *fields, size_t n, bool markdown)
{
	buf_printf(b, markdown ? "- %s: " : "%s: ", title);
	for (size_t i = 0; i < n; i++)
		buf_printf(b, markdown ? "%s`%s`%s" : "%s%s%s", i ? ", " : "", fields[i].path,
			fields[i].flags & FIELD_OPTIONAL ? " (optional)" : "");
	buf_puts(b, n ? "\n" : "nothing\n");
}

/* Reads and writes at default parameters; required options are empty there. */
static void default_fields(const struct stage_ops *ops, struct arena *a, struct stage_fields *ret)
{
	struct problems ignored = PROBLEMS_INIT;
	void *params = arena_alloc(a, ops->params_size + 1);
	options_parse(a, ops->options, ops->noptions, NULL, ".", ops->name, params, &ignored);
	problems_release(&ignored);
	ops->fields(params, ret);
}

void config_help_stage(struct buf *b, const struct stage_ops *ops, bool markdown)
{
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	struct stage_fields fields = {.nreads = 0};
	default_fields(ops, &a, &fields);
	if (markdown)
		buf_printf(b, "## %s\n\n%s\n\n- kind: %s (%s)\n- version: %d\n", ops->name, ops->help,
			stage_kind_name(ops->kind), kind_text(ops->kind), ops->version);
	else
		buf_printf(b, "%s: %s\n\nkind: %s (%s)\nversion: %d\n", ops->name, ops->help, stage_kind_name(ops->kind),
			kind_text(ops->kind), ops->version);
	if (ops->libraries && !markdown) /* the page in docs/ is the same on every machine */
		buf_printf(b, "libraries: %s\n", ops->libraries());
	put_fields(b, "reads", fields.reads, fields.nreads, markdown);
	put_fields(b, "writes", fields.writes, fields.nwrites, markdown);
	if (!ops->noptions) {
		buf_puts(b, markdown ? "\nIt has no options.\n" : "\nno options\n");
		return;
	}
	buf_puts(b, markdown ? "\n" : "\noptions:\n");
	options_help(b, ops->options, ops->noptions, markdown);
}

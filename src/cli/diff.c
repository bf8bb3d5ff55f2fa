/* taf diff: what another release has otherwise. */
#include "cli/diff.h"
#include "base/alloc.h"
#include "cli/changes.h"
#include "cli/commands.h"
#include "cli/display.h"
#include "cli/say.h"
#include "cli/table.h"

#include <string.h>

#define LIST_DEFAULT 20
#define VALUE_WIDTH 30    /* columns */
#define CHANGES_MAX 10000 /* of stats.json */

/* As diff(1) has it: 2 is trouble, so that a script cannot take a missing folder for a difference. */
enum { DIFF_EQUAL = 0, DIFF_DIFFERENT = 1, DIFF_TROUBLE = 2 };

struct diff_options {
	int64_t limit;
	bool json;
};

#define AT(field) offsetof(struct diff_options, field)
static const struct cli_option options[] = {
	{0, "limit", CLI_INT, AT(limit), "N", 1, 1e9, "calls shown in each list (default 20; with --json all)"},
	{0, "json", CLI_FLAG, AT(json), NULL, 0, 0, "print JSON"},
};

struct diff {
	const struct diff_options *o;
	struct diff_release a, b;
	struct arena arena;
	int64_t added, removed, changed, by[DIFF_WHATS];
	struct json *added_list, *removed_list, *changed_list; /* ids; {id, what, label?: [old, new], split?} */
	struct json *stats, *build;                            /* changes_between */
	struct json *files_added, *files_removed, *files_changed;
	bool equal;
};

static void diff_release_both(struct diff *d)
{
	diff_release_free(&d->a);
	diff_release_free(&d->b);
	arena_release(&d->arena);
}

/* --- Calls --- */

static bool listed(const struct diff *d, const struct json *list)
{
	int64_t limit = d->o->limit ? d->o->limit : d->o->json ? INT64_MAX : LIST_DEFAULT;
	return (int64_t)json_count(list) < limit;
}

static void old_new(struct diff *d, struct json *row, const char *key, struct str was, struct str is)
{
	struct json *pair = json_array(&d->arena);
	json_append(pair, json_str(&d->arena, was));
	json_append(pair, json_str(&d->arena, is));
	json_set(&d->arena, row, key, pair);
}

static void compare_call(struct diff *d, const struct diff_call *x, const struct diff_call *y)
{
	struct json *row = json_object(&d->arena), *what = json_array(&d->arena);
	for (int i = 0; i < DIFF_WHATS; i++) {
		if (digest_equal(&x->parts[i], &y->parts[i]))
			continue;
		d->by[i]++;
		json_append(what, json_text(&d->arena, diff_names[i]));
	}
	if (json_count(what) == 0)
		return;
	d->changed++;
	if (!listed(d, d->changed_list))
		return;
	json_set_str(&d->arena, row, "id", x->id);
	json_set(&d->arena, row, "what", what);
	if (!str_eq(x->label, y->label))
		old_new(d, row, "label", x->label, y->label);
	if (!str_eq(x->split, y->split))
		old_new(d, row, "split", x->split, y->split);
	json_append(d->changed_list, row);
}

static void only_in(struct diff *d, const struct diff_call *c, int64_t *count, struct json *list)
{
	(*count)++;
	if (listed(d, list))
		json_append(list, json_str(&d->arena, c->id));
}

static void compare_calls(struct diff *d)
{
	size_t i = 0, k = 0;
	while (i < d->a.n || k < d->b.n) {
		int order = i == d->a.n ? 1 : k == d->b.n ? -1 : str_cmp(d->a.calls[i].id, d->b.calls[k].id);
		if (order < 0)
			only_in(d, &d->a.calls[i++], &d->removed, d->removed_list);
		else if (order > 0)
			only_in(d, &d->b.calls[k++], &d->added, d->added_list);
		else
			compare_call(d, &d->a.calls[i++], &d->b.calls[k++]);
	}
}

/* --- Files --- */

static void compare_files(struct diff *d)
{
	struct arena *a = &d->arena;
	for (size_t i = 0; i < d->a.sums.n; i++) {
		struct str file = d->a.sums.entries[i].key;
		if (!map_find(&d->b.sums, file))
			json_append(d->files_removed, json_str(a, file));
		else if (!diff_file_equal(&d->a, &d->b, file))
			json_append(d->files_changed, json_str(a, file));
	}
	for (size_t i = 0; i < d->b.sums.n; i++)
		if (!map_find(&d->a.sums, d->b.sums.entries[i].key))
			json_append(d->files_added, json_str(a, d->b.sums.entries[i].key));
	d->equal = !json_count(d->files_added) && !json_count(d->files_removed) && !json_count(d->files_changed);
}

/* --- Stats --- */

/* Without what the build tells, and stages by name, not by place. */
static struct json *counts_of(struct arena *a, const struct json *stats)
{
	struct json *out = json_object(a), *stages = json_object(a);
	JSON_EACH(member, stats) {
		if (!str_is(member->key, "build") && !str_is(member->key, "stages"))
			json_set_key(a, out, member->key, json_copy(a, member));
	}
	JSON_EACH(stage, json_get(stats, "stages")) {
		struct str name = json_get_str(stage, "name");
		if (name.n)
			json_set_key(a, stages, name, json_copy(a, stage));
	}
	json_set(a, out, "stages", stages);
	return out;
}

static void compare_stats(struct diff *d)
{
	struct arena *a = &d->arena;
	const struct json *was = json_get(d->a.stats, "build"), *is = json_get(d->b.stats, "build");
	d->stats = changes_between(a, counts_of(a, d->a.stats), counts_of(a, d->b.stats), CHANGES_MAX);
	d->build = changes_between(a, was ? was : json_object(a), is ? is : json_object(a), CHANGES_MAX);
}

/* --- Reading --- */

static int read_zips(struct diff *d, struct err *e)
{
	static const struct {
		const char *file;
		enum diff_what what;
	} zips[] = {{"binary_classification.zip", DIFF_TEXT}, {"sft.zip", DIFF_ANNOTATIONS}};
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < COUNT_OF(zips); i++) {
		if (diff_file_equal(&d->a, &d->b, str_of(zips[i].file)))
			continue; /* equal bytes have equal rows */
		rc = diff_read_zip(&d->a, zips[i].file, zips[i].what, e);
		if (rc == 0)
			rc = diff_read_zip(&d->b, zips[i].file, zips[i].what, e);
	}
	return rc;
}

static int compare(struct diff *d, char *const *folders, struct err *e)
{
	struct json **lists[] = {
		&d->added_list, &d->removed_list, &d->changed_list, &d->files_added, &d->files_removed, &d->files_changed};
	for (size_t i = 0; i < COUNT_OF(lists); i++)
		*lists[i] = json_array(&d->arena);
	int rc = diff_read(&d->a, folders[0], e);
	if (rc == 0)
		rc = diff_read(&d->b, folders[1], e);
	if (rc == 0)
		rc = read_zips(d, e);
	if (rc < 0)
		return rc;
	diff_sort(&d->a);
	diff_sort(&d->b);
	compare_calls(d);
	compare_files(d);
	compare_stats(d);
	return 0;
}

/* --- For people --- */

static void put_heading(struct buf *b, const struct diff_release *r, const char *letter)
{
	buf_printf(b, "%s  %s: ", letter, r->folder);
	put_clean(b, json_get_str(r->stats, "dataset"));
	buf_puts(b, ", ");
	put_many(b, (int64_t)r->n, "call");
	buf_printf(b, ", %lld quarantined, %lld rejected\n",
		(long long)json_get_int(json_get(r->stats, "left_out"), "quarantined", 0),
		(long long)json_get_int(json_get(r->stats, "left_out"), "rejected", 0));
}

static void put_files(struct buf *b, const char *lead, const struct json *files)
{
	bool first = true;
	JSON_EACH(file, files) {
		buf_puts(b, first ? lead : ", ");
		put_clean(b, file->u.s);
		first = false;
	}
	if (!first)
		buf_putc(b, '\n');
}

static void cell_value(struct table *t, const struct json *v)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	if (json_is(v, JSON_INT))
		put_count(&b, v->u.i);
	else if (v)
		json_write(&b, v);
	CLEANUP(buf_release) struct buf cut = BUF_INIT;
	put_cut(&cut, buf_view(&b), VALUE_WIDTH); /* a part that only one has is one value */
	table_cell(t, v ? buf_view(&cut) : STR("-"));
}

/* Numbers side by side; other leaves are told as changes below. */
static void put_stats(struct buf *b, const struct json *changes)
{
	static const char *const heads[] = {"  stats.json", ">A", ">B"};
	CLEANUP(table_release) struct table t;
	CLEANUP(buf_release) struct buf name = BUF_INIT;
	table_init(&t, heads, COUNT_OF(heads));
	JSON_EACH(change, changes) {
		buf_clear(&name);
		buf_printf(&name, "  %.*s", STR_FMT(json_get_str(change, "path")));
		table_cell(&t, buf_view(&name));
		cell_value(&t, json_get(change, "old"));
		cell_value(&t, json_get(change, "new"));
	}
	if (t.n) {
		buf_putc(b, '\n');
		table_print(&t, b);
	}
}

static void put_build(struct buf *b, const struct json *changes)
{
	if (json_count(changes))
		buf_puts(b, "\nmade differently:\n");
	JSON_EACH(change, changes) {
		buf_puts(b, "  ");
		change_text(b, change);
		buf_putc(b, '\n');
	}
}

static void put_more(struct buf *b, int64_t all, const struct json *list)
{
	int64_t more = all - (int64_t)json_count(list);
	if (more > 0)
		buf_printf(b, "  … and %lld more; --limit shows them\n", (long long)more);
}

static void put_ids(struct buf *b, const char *lead, int64_t all, const struct json *list)
{
	if (all)
		buf_printf(b, "\n%s:\n", lead);
	JSON_EACH(id, list) {
		buf_puts(b, "  ");
		put_clean(b, id->u.s);
		buf_putc(b, '\n');
	}
	put_more(b, all, list);
}

static void put_pair(struct buf *b, const struct json *pair)
{
	const struct json *was = json_at(pair, 0), *is = json_at(pair, 1);
	if (!pair)
		return;
	buf_puts(b, " (");
	put_clean(b, was->u.s.n ? was->u.s : STR("none"));
	buf_puts(b, " → ");
	put_clean(b, is->u.s.n ? is->u.s : STR("none"));
	buf_putc(b, ')');
}

static void put_changed(struct buf *b, const struct diff *d)
{
	if (d->changed)
		buf_puts(b, "\nchanged:\n");
	JSON_EACH(row, d->changed_list) {
		bool first = true;
		buf_puts(b, "  ");
		put_clean(b, json_get_str(row, "id"));
		buf_puts(b, ": ");
		JSON_EACH(what, json_get(row, "what")) {
			buf_printf(b, "%s%.*s", first ? "" : ", ", STR_FMT(what->u.s));
			if (str_is(what->u.s, "label") || str_is(what->u.s, "split"))
				put_pair(b, json_get_key(row, what->u.s));
			first = false;
		}
		buf_putc(b, '\n');
	}
	put_more(b, d->changed, d->changed_list);
}

static void put_summary(struct buf *b, const struct diff *d)
{
	put_heading(b, &d->a, "A");
	put_heading(b, &d->b, "B");
	if (d->equal) {
		buf_puts(b, "\nequal: the same files with the same bytes\n");
		return;
	}
	buf_puts(b, "\n");
	put_many(b, d->added, "call");
	buf_puts(b, " added, ");
	put_count(b, d->removed);
	buf_puts(b, " removed, ");
	put_count(b, d->changed);
	buf_puts(b, " changed");
	bool first = true;
	for (int i = 0; i < DIFF_WHATS; i++) {
		if (!d->by[i])
			continue;
		buf_printf(b, "%s%s ", first ? ": " : ", ", diff_names[i]);
		put_count(b, d->by[i]);
		first = false;
	}
	buf_putc(b, '\n');
	put_files(b, "files that differ: ", d->files_changed);
	put_files(b, "files only in A: ", d->files_removed);
	put_files(b, "files only in B: ", d->files_added);
	put_stats(b, d->stats);
	put_build(b, d->build);
	put_ids(b, "added", d->added, d->added_list);
	put_ids(b, "removed", d->removed, d->removed_list);
	put_changed(b, d);
}

/* --- For programs --- */

static struct json *side_json(struct arena *a, const struct diff_release *r)
{
	struct json *out = json_object(a);
	const struct json *left = json_get(r->stats, "left_out");
	json_set_text(a, out, "folder", r->folder);
	json_set_str(a, out, "dataset", json_get_str(r->stats, "dataset"));
	json_set_int(a, out, "calls", (int64_t)r->n);
	json_set_int(a, out, "quarantined", json_get_int(left, "quarantined", 0));
	json_set_int(a, out, "rejected", json_get_int(left, "rejected", 0));
	return out;
}

static struct json *counts_json(struct diff *d)
{
	struct arena *a = &d->arena;
	struct json *out = json_object(a), *by = json_object(a);
	for (int i = 0; i < DIFF_WHATS; i++)
		json_set_int(a, by, diff_names[i], d->by[i]);
	json_set_int(a, out, "added", d->added);
	json_set_int(a, out, "removed", d->removed);
	json_set_int(a, out, "changed", d->changed);
	json_set(a, out, "by", by);
	return out;
}

/* {equal, a, b, calls: {added, removed, changed, by}, files: {added, removed, changed}, stats, build, added, removed, changed} */
static void put_json(struct buf *b, struct diff *d)
{
	struct arena *a = &d->arena;
	struct json *out = json_object(a), *files = json_object(a);
	json_set(a, files, "added", d->files_added);
	json_set(a, files, "removed", d->files_removed);
	json_set(a, files, "changed", d->files_changed);
	json_set(a, out, "equal", json_bool(a, d->equal));
	json_set(a, out, "a", side_json(a, &d->a));
	json_set(a, out, "b", side_json(a, &d->b));
	json_set(a, out, "calls", counts_json(d));
	json_set(a, out, "files", files);
	json_set(a, out, "stats", d->stats);
	json_set(a, out, "build", d->build);
	json_set(a, out, "added", d->added_list);
	json_set(a, out, "removed", d->removed_list);
	json_set(a, out, "changed", d->changed_list);
	json_write(b, out);
	buf_putc(b, '\n');
}

static int diff(const struct cli_given *given)
{
	CLEANUP(diff_release_both) struct diff d = {.o = given->opts};
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	struct err e = ERR_INIT;
	if (compare(&d, given->args, &e) < 0) {
		say_error("%s", e.text);
		return DIFF_TROUBLE;
	}
	if (d.o->json)
		put_json(&b, &d);
	else
		put_summary(&b, &d);
	say_out(&b);
	return d.equal ? DIFF_EQUAL : DIFF_DIFFERENT;
}

const struct cli_command command_diff = {
	.name = "diff",
	.usage = "RELEASE_A RELEASE_B [options]",
	.help = "what differs between two releases: calls, counts, how they were made",
	.about = "Goes by manifest.jsonl, stats.json, SHA256SUMS and the rows of the zips; taf verify tells whether a "
			 "release holds to "
			 "them.\nExit status 0: equal; 1: different; 2: trouble.",
	.example = "taf diff old/release work/release",
	.options = options,
	.noptions = COUNT_OF(options),
	.size = sizeof(struct diff_options),
	.min_args = 2,
	.max_args = 2,
	.run = diff,
};

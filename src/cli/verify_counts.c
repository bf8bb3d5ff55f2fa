/* What follows from all of a release together: the counts of stats.json, families against splits, the cards, croissant.json, the preview. */
#include "base/alloc.h"
#include "base/fs.h"
#include "cli/verify_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* --- Counts --- */

static void compare(struct release *r, const char *what, const char *key, int64_t told, int64_t have)
{
	if (told != have)
		verify_bad(r->v, "stats.json: %s%s%s is %" PRId64 ", but the rows give %" PRId64, what, *key ? "." : "", key,
			told, have);
}

static void compare_counts(struct release *r, const char *what, const struct map *have)
{
	const struct json *told = json_path(r->stats, what);
	if (!json_is(told, JSON_OBJECT)) {
		/* Of an empty benchmark the tasks are not listed. */
		if (have->n)
			verify_bad(r->v, "stats.json: %s is missing", what);
		return;
	}
	JSON_EACH(item, told)
		compare(r, what, item->key.p, json_is(item, JSON_INT) ? item->u.i : -1, map_int(have, item->key, 0));
	for (size_t i = 0; i < have->n; i++)
		if (!json_get_key(told, have->entries[i].key))
			verify_bad(r->v, "stats.json: %s lacks %.*s", what, STR_FMT(have->entries[i].key));
}

/* Strings of the rows, by offset, and where stats.json counts them. `ms`: their durations are added up instead. */
static void compare_strings(struct release *r, const char *what, size_t offset, bool ms)
{
	CLEANUP(map_release) struct map have = MAP_INIT;
	for (size_t i = 0; i < r->n; i++) {
		const struct str *s = (const struct str *)(const void *)((const char *)&r->rows[i] + offset);
		if (s->n)
			map_put(&have, *s, NULL)->value.i += ms ? r->rows[i].duration_ms : 1;
	}
	compare_counts(r, what, &have);
}

static void compare_range(struct release *r, const char *what, size_t offset)
{
	const struct json *told = json_path(r->stats, what);
	struct release_range have = {0};
	for (size_t i = 0; i < r->n; i++) {
		int64_t v = *(const int64_t *)(const void *)((const char *)&r->rows[i] + offset);
		if (v == INT64_MIN)
			continue;
		have.min = have.n == 0 || v < have.min ? v : have.min;
		have.max = have.n == 0 || v > have.max ? v : have.max;
		have.total += v;
		have.n++;
	}
	if (!told && have.n == 0)
		return;
	compare(r, what, "min", json_get_int(told, "min", -1), have.min);
	compare(r, what, "max", json_get_int(told, "max", -1), have.max);
	compare(r, what, "mean", json_get_int(told, "mean", -1), release_mean(&have));
	if (json_get(told, "total"))
		compare(r, what, "total", json_get_int(told, "total", -1), have.total);
}

/* What was left out, in all and by stage. */
static void compare_left_out(struct release *r)
{
	static const char *const kinds[] = {"rejected", "quarantined"};
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		int64_t have = 0;
		JSON_EACH(stage, json_get(r->stats, "stages"))
			have += json_get_int(stage, kinds[i], 0);
		compare(r, "left_out", kinds[i], json_get_int(json_get(r->stats, "left_out"), kinds[i], -1), have);
	}
}

static void compare_members(struct release *r)
{
	CLEANUP(map_release) struct map names = MAP_INIT;
	char hex[DIGEST_HEX + 1];
	for (size_t i = 0; i < r->n; i++)
		map_put(&names, r->rows[i].name, NULL);
	release_members(&names, hex);
	if (!str_is(json_get_str(json_get(r->stats, "build"), "members"), hex))
		verify_bad(r->v, "stats.json: build.members is not the digest of the names in manifest.jsonl");
}

/* Format 1 counts less, and its member list is another one. */
static void compare_annotated(struct release *r)
{
	int64_t annotated = 0, linked = 0;
	for (size_t i = 0; i < r->n; i++) {
		const struct verify_row *row = &r->rows[i];
		annotated += row->rounds > 0;
		linked += row->group.n && !str_eq(row->group, row->id);
	}
	compare(r, "annotations", "calls", json_get_int(json_get(r->stats, "annotations"), "calls", -1), annotated);
	compare(r, "linked", "", json_get_int(r->stats, "linked", -1), linked);
	compare_strings(r, "label_ms", offsetof(struct verify_row, label), true);
	compare_strings(r, "split_ms", offsetof(struct verify_row, split), true);
	compare_counts(r, "sft", &r->sft);
	for (int i = 0; i < RELEASE_ROUNDS; i++) {
		char what[64];
		snprintf(what, sizeof(what), "bench.%s", release_round_name(i));
		compare_counts(r, what, &r->bench[i]);
	}
	compare_members(r);
}

void verify_counts(struct release *r)
{
	static const struct {
		const char *what;
		size_t offset;
	} strings[] = {{"labels", offsetof(struct verify_row, label)}, {"sources", offsetof(struct verify_row, source)},
		{"fraud_types", offsetof(struct verify_row, fraud_type)}, {"scenes", offsetof(struct verify_row, scene)},
		{"scene_origins", offsetof(struct verify_row, scene_origin)}, {"splits", offsetof(struct verify_row, split)}},
	  ranges[] = {{"duration_ms", offsetof(struct verify_row, duration_ms)},
		  {"turns", offsetof(struct verify_row, turns)}, {"characters", offsetof(struct verify_row, characters)},
		  {"audio.bytes", offsetof(struct verify_row, bytes)},
		  {"audio.loudness_mlufs", offsetof(struct verify_row, loudness)},
		  {"audio.true_peak_mdbtp", offsetof(struct verify_row, peak)}};
	compare(r, "calls", "", json_get_int(r->stats, "calls", -1), (int64_t)r->n);
	for (size_t i = 0; i < COUNT_OF(strings); i++)
		compare_strings(r, strings[i].what, strings[i].offset, false);
	for (size_t i = 0; i < COUNT_OF(ranges); i++)
		compare_range(r, ranges[i].what, ranges[i].offset);
	compare_left_out(r);
	if (json_get_int(r->stats, "format", 0) > 1)
		compare_annotated(r);
}

/* --- Families --- */

/* A family: a row, its group, its parents; others' parents need not be in the release. Its first row stands for it. All of a family are for one
 * thing: train, dev or test. */
static struct str split_of(const struct verify_row *row)
{
	return row->split.n ? row->split : STR("train");
}

static void join(struct release *r, struct map *families, struct str key, const struct verify_row *row)
{
	bool fresh;
	struct map_entry *entry = map_put(families, key, &fresh);
	if (fresh)
		entry->value.p = (void *)(uintptr_t)row;
	const struct verify_row *first = entry->value.p;
	if (!str_eq(split_of(first), split_of(row)))
		verify_bad(r->v, "manifest.jsonl:%zu: %.*s is for %.*s, but %.*s of the same family (line %zu, by %.*s) for %.*s",
			row->line, STR_FMT(row->id), STR_FMT(split_of(row)), STR_FMT(first->id), first->line, STR_FMT(key),
			STR_FMT(split_of(first)));
}

void verify_families(struct release *r)
{
	CLEANUP(map_release) struct map families = MAP_INIT;
	for (size_t i = 0; i < r->n; i++) {
		const struct verify_row *row = &r->rows[i];
		join(r, &families, row->id, row);
		if (row->group.n && !str_eq(row->group, row->id))
			join(r, &families, row->group, row);
		JSON_EACH(parent, row->parents)
			if (json_is(parent, JSON_STRING) && !str_eq(parent->u.s, row->id) && !str_eq(parent->u.s, row->group))
				join(r, &families, parent->u.s, row);
	}
}

/* --- Cards --- */

static bool has_number(struct str line)
{
	for (size_t i = 0; i < line.n; i++)
		if (line.p[i] >= '0' && line.p[i] <= '9')
			return true;
	return false;
}

/* Text may be added to a card; each of its lines with a number must be as stats.json gives it. */
static void check_card(struct release *r, const char *name, bool chinese)
{
	CLEANUP(buf_release) struct buf card = BUF_INIT;
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	CLEANUP(map_release) struct map lines = MAP_INIT;
	struct str rest, line;
	if (!verify_read(r, name, &text))
		return;
	rest = buf_view(&text);
	while (str_line(&rest, &line))
		map_put(&lines, line, NULL);
	release_card(&card, r->stats, chinese);
	rest = buf_view(&card);
	for (size_t n = 1; str_line(&rest, &line); n++)
		if (has_number(line) && !map_find(&lines, line))
			verify_bad(r->v, "%s: lacks the line that stats.json gives (line %zu of a new card): %.*s", name, n,
				(int)(line.n < 200 ? line.n : 200), line.p);
}

/* --- croissant.json and the preview --- */

static const char *sum_of(const struct release *r, struct str name)
{
	return map_ptr(&r->sums, name);
}

static void check_croissant(struct release *r)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct json *c;
	struct err e = ERR_INIT;
	if (!verify_read(r, "croissant.json", &text))
		return;
	if (json_parse(&r->arena, buf_view(&text), &c, &e) < 0) {
		verify_bad(r->v, "croissant.json: %s", e.text);
		return;
	}
	CLEANUP(map_release) struct map described = MAP_INIT;
	JSON_EACH(file, json_get(c, "distribution")) {
		struct str url = json_get_str(file, "contentUrl"), sha256 = json_get_str(file, "sha256");
		const char *is = sum_of(r, url);
		if (!sha256.n)
			continue;
		map_put(&described, url, NULL);
		if (!is || !str_is(sha256, is))
			verify_bad(r->v, "croissant.json: the sha256 of %.*s is not that of the file", STR_FMT(url));
	}
	for (size_t i = 0; i < r->sums.n; i++)
		if (str_ends(r->sums.entries[i].key, ".zip") && !map_find(&described, r->sums.entries[i].key))
			verify_bad(r->v, "croissant.json: does not describe %.*s", STR_FMT(r->sums.entries[i].key));
}

/* A sound of the preview is one of the release. */
static void check_preview_sound(struct release *r, struct str file, const char *sha256)
{
	CLEANUP(buf_release) struct buf audio = BUF_INIT;
	buf_printf(&audio, "audio/%.*s", (int)(file.n - strlen("preview/")), file.p + strlen("preview/"));
	const struct verify_row *row = verify_row_of(r, buf_view(&audio));
	if (!row)
		verify_bad(r->v, "%.*s is not in the manifest", STR_FMT(file));
	else if (sha256 && !str_is(row->sha256, sha256))
		verify_bad(r->v, "%.*s is not the sound that manifest.jsonl:%zu names", STR_FMT(file), row->line);
}

static void check_preview_page(struct release *r)
{
	static const char mark[] = " src=\"";
	CLEANUP(buf_release) struct buf page = BUF_INIT;
	CLEANUP(buf_release) struct buf file = BUF_INIT;
	if (!verify_read(r, "preview/index.html", &page))
		return;
	for (const char *at = page.data; (at = strstr(at, mark)) != NULL;) {
		at += strlen(mark);
		const char *end = strchr(at, '"');
		buf_clear(&file);
		buf_printf(&file, "preview/%.*s", end ? (int)(end - at) : 0, at);
		if (!sum_of(r, buf_view(&file)))
			verify_bad(r->v, "preview/index.html: plays %s, which is not there", file.data);
	}
}

static void check_preview(struct release *r)
{
	bool page = false;
	for (size_t i = 0; i < r->sums.n; i++) {
		struct str name = r->sums.entries[i].key;
		if (str_starts(name, "preview/") && str_ends(name, ".mp3"))
			check_preview_sound(r, name, r->sums.entries[i].value.p);
		page |= str_starts(name, "preview/");
	}
	if (page)
		check_preview_page(r);
}

void verify_texts(struct release *r)
{
	int64_t version = json_get_int(json_get(r->stats, "build"), "release_version", 0);
	check_preview(r);
	if (!r->stats)
		return;
	if (version >= 3)
		check_croissant(r);
	if (version == RELEASE_VERSION) {
		check_card(r, "README.md", false);
		check_card(r, "README.zh-CN.md", true);
		return;
	}
	json_append(r->v->notes, json_text(&r->v->arena, arena_printf(&r->v->arena,
														 "the cards were written by release version %" PRId64
														 ", this taf has %d: not looked at",
														 version, RELEASE_VERSION)));
}

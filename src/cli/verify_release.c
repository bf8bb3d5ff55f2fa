/* A release against itself, from its bytes alone: SHA256SUMS, the manifest, every entry of every zip; then counts, families, cards, preview. */
#include "base/alloc.h"
#include "base/fs.h"
#include "base/utf8.h"
#include "cli/verify_parts.h"
#include "io/zip.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX ((size_t)1 << 30)
#define ENTRY_MAX ((size_t)1 << 30)
/* What frames may sound longer or shorter than the call: the encoder's delay, the padding of the last frame, a frame of information. */
#define DURATION_MS 250

static void state_release(struct release *r)
{
	free(r->rows);
	map_release(&r->by_audio);
	map_release(&r->by_id);
	map_release(&r->sums);
	map_release(&r->prompts);
	map_release(&r->sft);
	for (int i = 0; i < RELEASE_ROUNDS; i++)
		map_release(&r->bench[i]);
	arena_release(&r->arena);
}

bool verify_read(struct release *r, const char *name, struct buf *ret)
{
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	struct err e = ERR_INIT;
	fs_join(&path, r->folder, name);
	if (fs_read(path.data, TEXT_MAX, ret, &e) == 0)
		return true;
	verify_bad(r->v, "%s", e.text);
	return false;
}

struct verify_row *verify_row_of(const struct release *r, struct str audio)
{
	int64_t at = map_int(&r->by_audio, audio, 0);
	return r->rows && at > 0 ? &r->rows[at - 1] : NULL;
}

/* --- SHA256SUMS --- */

/* A path that leads out of the folder would make others' files part of the release. */
static bool leads_out(struct str name)
{
	struct str piece;
	bool out = name.n == 0 || name.p[0] == '/';
	while (!out && str_split(&name, '/', &piece))
		out = str_is(piece, "..") || piece.n == 0;
	return out;
}

static void check_sum(struct release *r, size_t n, struct str line)
{
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	struct digest want, got;
	int64_t size;
	struct err e = ERR_INIT;
	char hex[DIGEST_HEX + 1];
	if (line.n < DIGEST_HEX + 3 || !digest_parse(str_n(line.p, DIGEST_HEX), &want)) {
		verify_bad(r->v, "SHA256SUMS:%zu: not a line of sha256sum: '%.*s'", n, STR_FMT(utf8_clip(line, 100)));
		return;
	}
	struct str name = str_n(line.p + DIGEST_HEX + 2, line.n - DIGEST_HEX - 2);
	if (leads_out(name)) {
		verify_bad(r->v, "SHA256SUMS:%zu: %.*s is not a file of this folder", n, STR_FMT(name));
		return;
	}
	struct map_entry *entry = map_put(&r->sums, name, NULL);
	buf_printf(&path, "%s/%.*s", r->folder, STR_FMT(name));
	if (digest_file(path.data, &got, &size, &e) < 0) {
		verify_bad(r->v, "SHA256SUMS:%zu: names %.*s: %s", n, STR_FMT(name), e.text);
		return;
	}
	digest_hex(&got, hex);
	entry->value.p = arena_strdup(&r->arena, hex);
	r->v->files++;
	r->v->bytes += size;
	if (!digest_equal(&want, &got))
		verify_bad(r->v, "%.*s is not what SHA256SUMS says", STR_FMT(name));
}

static void check_sums(struct release *r)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT_MAX(TEXT_MAX);
	CLEANUP(fs_names_free) struct fs_names names = {NULL, 0};
	struct err e = ERR_INIT;
	if (!verify_read(r, "SHA256SUMS", &text))
		return;
	struct str rest = buf_view(&text), line;
	for (size_t n = 1; str_line(&rest, &line); n++)
		if (line.n)
			check_sum(r, n, line);
	if (fs_files(r->folder, &names, &e) < 0)
		verify_bad(r->v, "%s", e.text);
	for (size_t i = 0; i < names.n; i++)
		if (strcmp(names.v[i], "SHA256SUMS") != 0 && !map_find(&r->sums, str_of(names.v[i])))
			verify_bad(r->v, "%s is not in SHA256SUMS", names.v[i]);
}

/* --- stats.json and the manifest --- */

static void read_stats(struct release *r)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT_MAX(TEXT_MAX);
	struct json *stats;
	struct err e = ERR_INIT;
	if (!verify_read(r, "stats.json", &text))
		return;
	if (json_parse(&r->arena, buf_view(&text), &stats, &e) < 0) {
		verify_bad(r->v, "stats.json: %s", e.text);
		return;
	}
	r->stats = stats;
	struct str dataset = json_get_str(stats, "dataset");
	if (dataset.n)
		r->dataset = arena_str(&r->arena, dataset).p;
	else
		verify_bad(r->v, "stats.json does not name the dataset");
}

static struct str kept(struct release *r, const struct json *row, const char *key)
{
	return arena_str(&r->arena, json_get_str(row, key));
}

static struct verify_row row_of_manifest(struct release *r, size_t line, const struct json *row)
{
	const struct json *parents = json_get(row, "parents");
	return (struct verify_row){.line = line,
		.id = kept(r, row, "id"),
		.name = kept(r, row, "name"),
		.sha256 = kept(r, row, "sha256"),
		.label = kept(r, row, "label"),
		.source = kept(r, row, "source"),
		.fraud_type = kept(r, row, "fraud_type"),
		.scene = kept(r, row, "scene"),
		.scene_origin = kept(r, row, "scene_origin"),
		.split = kept(r, row, "split"),
		.group = kept(r, row, "group"),
		.parents = parents ? json_copy(&r->arena, parents) : NULL,
		.bytes = json_get_int(row, "bytes", -1),
		.duration_ms = json_get_int(row, "duration_ms", -1),
		.sample_rate = json_get_int(row, "sample_rate", 0),
		.channels = json_get_int(row, "channels", 0),
		.turns = json_get_int(row, "turns", 0),
		.rounds = json_get_int(json_get(row, "annotated"), "rounds", 0),
		.loudness = json_get_int(row, "loudness_mlufs", INT64_MIN),
		.peak = json_get_int(row, "true_peak_mdbtp", INT64_MIN)};
}

static bool manifest_fields(struct release *r, size_t line, const struct json *row)
{
	static const struct verify_field fields[] = {{"id", JSON_STRING, true}, {"name", JSON_STRING, true},
		{"audio", JSON_STRING, true}, {"label", JSON_STRING, true}, {"source", JSON_STRING, true},
		{"sha256", JSON_STRING, true}, {"bytes", JSON_INT, true}, {"turns", JSON_INT, true},
		{"duration_ms", JSON_INT, true}, {"fraud_type", JSON_STRING, false}, {"scene", JSON_STRING, false},
		{"scene_origin", JSON_STRING, false}, {"split", JSON_STRING, false}, {"group", JSON_STRING, false},
		{"parents", JSON_ARRAY, false}, {"scenario", JSON_OBJECT, false}, {"enhancement", JSON_OBJECT, false},
		{"initiator", JSON_STRING, false}, {"termination", JSON_OBJECT, false}, {"acoustics", JSON_OBJECT, false},
		{"surrogates", JSON_OBJECT, false}, {"annotated", JSON_OBJECT, false}, {"sample_rate", JSON_INT, false},
		{"channels", JSON_INT, false}, {"loudness_mlufs", JSON_INT, false}, {"true_peak_mdbtp", JSON_INT, false},
		{"segments", JSON_ARRAY, false}};
	char where[64];
	snprintf(where, sizeof(where), "manifest.jsonl:%zu", line);
	return verify_fields(r->v, where, row, fields, COUNT_OF(fields));
}

/* Names follow from ids, labels are of a closed set, and a fraud type is that of a fraud. */
static void check_row(struct release *r, const struct verify_row *row, struct str audio)
{
	struct verify *v = r->v;
	struct digest sha256;
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	buf_printf(&path, "audio/%.*s.mp3", STR_FMT(row->name));
	if (!str_is(audio, path.data))
		verify_bad(v, "manifest.jsonl:%zu: its audio is %.*s, but should be %s", row->line, STR_FMT(audio), path.data);
	if (!digest_parse(row->sha256, &sha256))
		verify_bad(v, "manifest.jsonl:%zu: its sha256 is no digest", row->line);
	bool fraud = str_is(row->label, "fraud");
	if (!fraud && !str_is(row->label, "normal"))
		verify_bad(v, "manifest.jsonl:%zu: its label is %.*s, not fraud or normal", row->line, STR_FMT(row->label));
	else if (!fraud && row->fraud_type.n)
		verify_bad(v, "manifest.jsonl:%zu: a normal call has a fraud type", row->line);
	if (row->split.n && !str_is(row->split, "train") && !str_is(row->split, "dev") && !str_is(row->split, "test"))
		verify_bad(v, "manifest.jsonl:%zu: its split is %.*s, not train, dev or test", row->line, STR_FMT(row->split));
	if (!r->dataset)
		return;
	char want[RELEASE_NAME_HEX + 1];
	release_name(r->dataset, row->id, want);
	if (!str_is(row->name, want))
		verify_bad(v, "manifest.jsonl:%zu: the name of %.*s is %.*s, but should be %s", row->line, STR_FMT(row->id),
			STR_FMT(row->name), want);
}

static void take_row(struct release *r, size_t line, const struct json *json)
{
	if (!manifest_fields(r, line, json))
		return;
	struct verify_row row = row_of_manifest(r, line, json);
	struct str audio = json_get_str(json, "audio");
	bool fresh;
	check_row(r, &row, audio);
	GROW(r->rows, r->n, r->cap);
	r->rows[r->n++] = row;
	struct map_entry *entry = map_put(&r->by_audio, audio, &fresh);
	if (!fresh)
		verify_bad(r->v, "manifest.jsonl:%zu: %.*s stands twice", line, STR_FMT(audio));
	entry->value.i = (int64_t)r->n;
	entry = map_put(&r->by_id, row.id, &fresh);
	if (!fresh)
		verify_bad(r->v, "manifest.jsonl:%zu: the id %.*s stands twice", line, STR_FMT(row.id));
	entry->value.i = (int64_t)r->n;
}

static void read_manifest(struct release *r)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT_MAX(TEXT_MAX);
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	if (!verify_read(r, "manifest.jsonl", &text))
		return;
	struct str rest = buf_view(&text), line;
	for (size_t n = 1; str_line(&rest, &line); n++) {
		struct json *row;
		struct err e = ERR_INIT;
		if (json_parse(&a, line, &row, &e) < 0)
			verify_bad(r->v, "manifest.jsonl:%zu: %s", n, e.text);
		else
			take_row(r, n, row);
		arena_reset(&a);
	}
	r->v->calls = (int64_t)r->n;
}

/* --- The zips --- */

static void check_sound(struct release *r, const char *name, struct str bytes)
{
	struct digest got;
	struct verify_sound sound;
	char hex[DIGEST_HEX + 1];
	struct verify_row *row = verify_row_of(r, str_of(name));
	if (!row) {
		verify_bad(r->v, "audio.zip: %s is not in the manifest", name);
		return;
	}
	digest_of(bytes.p, bytes.n, &got);
	digest_hex(&got, hex);
	row->in_audio = true;
	if (row->bytes != (int64_t)bytes.n || !str_is(row->sha256, hex))
		verify_bad(r->v, "audio.zip: %s is not the sound that manifest.jsonl:%zu names", name, row->line);
	const char *wrong = verify_mp3(bytes, &sound);
	if (wrong) {
		verify_bad(r->v, "audio.zip: %s %s", name, wrong);
		return;
	}
	int64_t ms = sound.samples * 1000 / sound.sample_rate;
	if (ms < row->duration_ms - DURATION_MS || ms > row->duration_ms + DURATION_MS)
		verify_bad(r->v, "audio.zip: %s sounds %" PRId64 " ms, but manifest.jsonl:%zu has %" PRId64, name, ms,
			row->line, row->duration_ms);
	if ((row->sample_rate && row->sample_rate != sound.sample_rate) || (row->channels && row->channels != sound.channels))
		verify_bad(r->v,
			"audio.zip: %s has %" PRId64 " Hz and %" PRId64 " channels, but manifest.jsonl:%zu says otherwise", name,
			sound.sample_rate, sound.channels, row->line);
}

/* The entries of the zips that are known; others are read for their checksums only. */
static const struct {
	const char *zip, *entries[4]; /* none: sounds */
	void (*check)(struct release *r, const char *entry, struct str text);
} zips[] = {
	{"audio.zip", {NULL}, NULL},
	{"binary_classification.zip", {"binary_classification.jsonl"}, verify_classification},
	{"sft.zip", {"train.jsonl", "dev.jsonl", "test.jsonl"}, verify_sft},
	{"bench.zip", {"scene.json", "fraud.json", "fraud_type.json"}, verify_bench},
};

static void check_entry(struct release *r, const char *zip, const char *name, struct str bytes)
{
	char where[512];
	size_t known = 0;
	while (known < COUNT_OF(zips) && strcmp(zips[known].zip, zip) != 0)
		known++;
	if (known == COUNT_OF(zips))
		return;
	if (!zips[known].check) {
		check_sound(r, name, bytes);
		return;
	}
	snprintf(where, sizeof(where), "%s: %s", zip, name);
	for (size_t i = 0; i < COUNT_OF(zips[known].entries) && zips[known].entries[i]; i++)
		if (strcmp(zips[known].entries[i], name) == 0) {
			zips[known].check(r, where, bytes);
			return;
		}
	verify_bad(r->v, "%s: an entry that is not known", where);
}

static void check_zip(struct release *r, const char *zip)
{
	CLEANUP(zip_reader_cleanup) struct zip_reader *z = NULL;
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	CLEANUP(buf_release) struct buf bytes = BUF_INIT_MAX(ENTRY_MAX);
	CLEANUP(map_release) struct map seen = MAP_INIT;
	struct err e = ERR_INIT;
	fs_join(&path, r->folder, zip);
	if (zip_reader_open(path.data, &z, &e) < 0) {
		verify_bad(r->v, "%s: %s", zip, e.text);
		return;
	}
	for (int64_t i = 0; i < zip_reader_count(z); i++) {
		const char *name = zip_reader_name(z, i);
		struct err one = ERR_INIT;
		bool fresh;
		map_put(&seen, str_of(name), &fresh);
		if (!fresh)
			verify_bad(r->v, "%s: %s stands twice", zip, name);
		buf_clear(&bytes);
		if (zip_reader_read(z, i, ENTRY_MAX, &bytes, &one) < 0)
			verify_bad(r->v, "%s: %s", zip, one.text);
		else
			check_entry(r, zip, name, buf_view(&bytes));
	}
}

/* What each call must be in. */
static void check_call(struct release *r, const struct verify_row *row)
{
	if (!row->in_audio)
		verify_bad(r->v, "audio.zip lacks audio/%.*s.mp3 of manifest.jsonl:%zu", STR_FMT(row->name), row->line);
	if (!row->in_classification)
		verify_bad(r->v, "binary_classification.zip lacks %.*s of manifest.jsonl:%zu", STR_FMT(row->name), row->line);
	if (row->in_sft != (row->rounds > 0))
		verify_bad(r->v, "sft.zip %s %.*s, but manifest.jsonl:%zu tells %" PRId64 " rounds",
			row->in_sft ? "has" : "lacks", STR_FMT(row->name), row->line, row->rounds);
	bool test = str_is(row->split, "test");
	for (int i = 0; i < RELEASE_ROUNDS; i++) {
		bool should = test && i < row->rounds, is = row->in_bench >> i & 1;
		if (should != is)
			verify_bad(r->v, "bench.zip: %s.json %s %.*s of manifest.jsonl:%zu", release_round_name(i),
				is ? "should not have" : "lacks", STR_FMT(row->name), row->line);
	}
}

static void check_zips(struct release *r)
{
	CLEANUP(fs_names_free) struct fs_names names = {NULL, 0};
	if (fs_list(r->folder, &names, NULL) < 0)
		return;
	for (size_t i = 0; i < names.n; i++)
		if (str_ends(str_of(names.v[i]), ".zip"))
			check_zip(r, names.v[i]);
	for (size_t i = 0; i < r->n; i++)
		check_call(r, &r->rows[i]);
}

int verify_release(struct verify *v, const char *folder, struct err *e)
{
	CLEANUP(state_release) struct release r = {.v = v, .folder = folder, .arena = ARENA_INIT};
	struct fs_stat st;
	int rc = fs_stat(folder, &st, e);
	if (rc == 0 && !st.is_dir)
		rc = err_set(e, ERR_NOTFOUND, "%s is not a folder; a release lies in release/ of the work folder", folder);
	if (rc < 0)
		return rc;
	check_sums(&r);
	read_stats(&r);
	read_manifest(&r);
	check_zips(&r);
	if (r.stats)
		verify_counts(&r);
	verify_families(&r);
	verify_texts(&r);
	return 0;
}

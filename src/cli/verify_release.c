/* A release against itself: SHA256SUMS, every zip entry, the manifest against the zips, names against ids, counts. */
#include "base/alloc.h"
#include "base/fs.h"
#include "base/map.h"
#include "cli/verify_parts.h"
#include "io/digest.h"
#include "io/zip.h"
#include "stages/release/release.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_MAX ((size_t)1 << 30)
#define ENTRY_MAX ((size_t)1 << 30)

/** A call as the manifest tells it. */
struct row {
	struct str name, sha256, label;
	int64_t bytes;
	bool in_audio, in_classification;
};
struct release {
	struct verify *v;
	const char *folder;
	struct arena arena;
	struct row *rows;
	size_t n, cap;
	struct map by_audio; /* "audio/NAME.mp3" → row + 1 */
	const char *dataset; /* NULL: not known */
	int64_t calls;       /* as stats.json counts them */
};

static void release_release(struct release *r)
{
	free(r->rows);
	map_release(&r->by_audio);
	arena_release(&r->arena);
}

static bool read_file(struct release *r, const char *name, struct buf *ret)
{
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	struct err e = ERR_INIT;
	fs_join(&path, r->folder, name);
	if (fs_read(path.data, TEXT_MAX, ret, &e) == 0)
		return true;
	verify_bad(r->v, "%s", e.text);
	return false;
}

/* --- SHA256SUMS --- */

static void check_sum(struct release *r, struct str line, struct map *listed)
{
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	struct digest want, got;
	int64_t size;
	struct err e = ERR_INIT;
	if (line.n < DIGEST_HEX + 3 || !digest_parse(str_n(line.p, DIGEST_HEX), &want)) {
		verify_bad(r->v, "SHA256SUMS: not a line of sha256sum: '%.*s'", (int)(line.n < 100 ? line.n : 100), line.p);
		return;
	}
	struct str name = str_n(line.p + DIGEST_HEX + 2, line.n - DIGEST_HEX - 2);
	map_put(listed, name, NULL);
	buf_printf(&path, "%s/%.*s", r->folder, STR_FMT(name));
	if (digest_file(path.data, &got, &size, &e) < 0) {
		verify_bad(r->v, "SHA256SUMS names %.*s: %s", STR_FMT(name), e.text);
		return;
	}
	r->v->files++;
	r->v->bytes += size;
	if (!digest_equal(&want, &got))
		verify_bad(r->v, "%.*s is not what SHA256SUMS says", STR_FMT(name));
}

static void check_sums(struct release *r)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT_MAX(TEXT_MAX);
	struct map listed = MAP_INIT;
	struct fs_names names = {NULL, 0};
	if (read_file(r, "SHA256SUMS", &text)) {
		struct str rest = buf_view(&text), line;
		while (str_line(&rest, &line))
			if (line.n)
				check_sum(r, line, &listed);
		if (fs_list(r->folder, &names, NULL) == 0)
			for (size_t i = 0; i < names.n; i++)
				if (strcmp(names.v[i], "SHA256SUMS") != 0 && !map_find(&listed, str_of(names.v[i])))
					verify_bad(r->v, "%s is not in SHA256SUMS", names.v[i]);
		fs_names_free(&names);
	}
	map_release(&listed);
}

/* --- stats.json and the manifest --- */

static void read_stats(struct release *r)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT_MAX(TEXT_MAX);
	struct json *stats;
	struct err e = ERR_INIT;
	r->calls = -1;
	if (!read_file(r, "stats.json", &text))
		return;
	if (json_parse(&r->arena, buf_view(&text), &stats, &e) < 0) {
		verify_bad(r->v, "stats.json: %s", e.text);
		return;
	}
	struct str dataset = json_get_str(stats, "dataset");
	if (dataset.n)
		r->dataset = arena_str(&r->arena, dataset).p;
	else
		verify_bad(r->v, "stats.json does not name the dataset");
	r->calls = json_get_int(stats, "calls", -1);
}

static void check_row(struct release *r, size_t line, const struct json *row, struct map *ids)
{
	struct str id = json_get_str(row, "id"), name = json_get_str(row, "name"), audio = json_get_str(row, "audio");
	struct digest sha256;
	bool fresh;
	map_put(ids, id, &fresh);
	if (!id.n || !name.n || !audio.n || !digest_parse(json_get_str(row, "sha256"), &sha256)) {
		verify_bad(r->v, "manifest.jsonl:%zu: id, name, audio or sha256 is missing", line);
		return;
	}
	if (!fresh)
		verify_bad(r->v, "manifest.jsonl:%zu: the id %.*s stands twice", line, STR_FMT(id));
	if (r->dataset) {
		char want[RELEASE_NAME_HEX + 1];
		release_name(r->dataset, id, want);
		if (!str_is(name, want))
			verify_bad(r->v, "manifest.jsonl:%zu: the name of %.*s is %.*s, but should be %s", line, STR_FMT(id),
				STR_FMT(name), want);
	}
	GROW(r->rows, r->n, r->cap);
	r->rows[r->n++] = (struct row){.name = arena_str(&r->arena, name),
		.sha256 = arena_str(&r->arena, json_get_str(row, "sha256")),
		.label = arena_str(&r->arena, json_get_str(row, "label")),
		.bytes = json_get_int(row, "bytes", -1)};
	struct map_entry *entry = map_put(&r->by_audio, audio, &fresh);
	if (!fresh)
		verify_bad(r->v, "manifest.jsonl:%zu: %.*s stands twice", line, STR_FMT(audio));
	entry->value.i = (int64_t)r->n;
}

static void read_manifest(struct release *r)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT_MAX(TEXT_MAX);
	struct map ids = MAP_INIT;
	if (!read_file(r, "manifest.jsonl", &text))
		return;
	struct str rest = buf_view(&text), line;
	for (size_t n = 1; str_line(&rest, &line); n++) {
		CLEANUP(arena_release) struct arena a = ARENA_INIT;
		struct json *row;
		struct err e = ERR_INIT;
		if (json_parse(&a, line, &row, &e) < 0)
			verify_bad(r->v, "manifest.jsonl:%zu: %s", n, e.text);
		else
			check_row(r, n, row, &ids);
	}
	map_release(&ids);
	r->v->calls = (int64_t)r->n;
	if (r->calls >= 0 && r->calls != (int64_t)r->n)
		verify_bad(r->v, "stats.json counts %lld calls, manifest.jsonl has %zu", (long long)r->calls, r->n);
}

/* --- The zips --- */

static struct row *row_of(const struct release *r, struct str audio)
{
	int64_t at = map_int(&r->by_audio, audio, 0);
	return r->rows && at > 0 ? &r->rows[at - 1] : NULL;
}

static void check_sound(struct release *r, const char *zip, const char *name, struct str bytes)
{
	struct digest got;
	char hex[DIGEST_HEX + 1];
	struct row *row = row_of(r, str_of(name));
	if (!row) {
		verify_bad(r->v, "%s: %s is not in the manifest", zip, name);
		return;
	}
	digest_of(bytes.p, bytes.n, &got);
	digest_hex(&got, hex);
	row->in_audio = true;
	if (row->bytes != (int64_t)bytes.n || !str_is(row->sha256, hex))
		verify_bad(r->v, "%s: %s is not the sound that the manifest names", zip, name);
}

static void check_classification(struct release *r, const char *entry, struct str text)
{
	struct str line;
	for (size_t n = 1; str_line(&text, &line); n++) {
		CLEANUP(arena_release) struct arena a = ARENA_INIT;
		struct json *row;
		struct err e = ERR_INIT;
		if (json_parse(&a, line, &row, &e) < 0) {
			verify_bad(r->v, "%s:%zu: %s", entry, n, e.text);
			continue;
		}
		struct row *known = row_of(r, json_get_str(row, "audio"));
		if (!known) {
			verify_bad(r->v, "%s:%zu: its audio is not in the manifest", entry, n);
			continue;
		}
		known->in_classification = true;
		if (!str_eq(known->label, json_get_str(row, "label")))
			verify_bad(r->v, "%s:%zu: its label is not the manifest's", entry, n);
	}
}

static void check_zip(struct release *r, const char *zip)
{
	CLEANUP(zip_reader_cleanup) struct zip_reader *z = NULL;
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	CLEANUP(buf_release) struct buf bytes = BUF_INIT_MAX(ENTRY_MAX);
	struct err e = ERR_INIT;
	fs_join(&path, r->folder, zip);
	if (zip_reader_open(path.data, &z, &e) < 0) {
		verify_bad(r->v, "%s: %s", zip, e.text);
		return;
	}
	for (int64_t i = 0; i < zip_reader_count(z); i++) {
		const char *name = zip_reader_name(z, i);
		struct err one = ERR_INIT;
		buf_clear(&bytes);
		if (zip_reader_read(z, i, ENTRY_MAX, &bytes, &one) < 0)
			verify_bad(r->v, "%s: %s", zip, one.text);
		else if (strcmp(zip, "audio.zip") == 0)
			check_sound(r, zip, name, buf_view(&bytes));
		else if (strcmp(zip, "binary_classification.zip") == 0)
			check_classification(r, name, buf_view(&bytes));
	}
}

static void check_zips(struct release *r)
{
	struct fs_names names = {NULL, 0};
	if (fs_list(r->folder, &names, NULL) < 0)
		return;
	for (size_t i = 0; i < names.n; i++)
		if (str_ends(str_of(names.v[i]), ".zip"))
			check_zip(r, names.v[i]);
	fs_names_free(&names);
	for (size_t i = 0; i < r->n; i++) {
		if (!r->rows[i].in_audio)
			verify_bad(r->v, "audio.zip lacks audio/%.*s.mp3", STR_FMT(r->rows[i].name));
		if (!r->rows[i].in_classification)
			verify_bad(r->v, "binary_classification.zip lacks %.*s", STR_FMT(r->rows[i].name));
	}
}

int verify_release(struct verify *v, const char *folder, struct err *e)
{
	CLEANUP(release_release) struct release r = {.v = v, .folder = folder, .arena = ARENA_INIT, .by_audio = MAP_INIT};
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
	return 0;
}

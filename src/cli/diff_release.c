/* Reading a release for diff. */
#include "base/alloc.h"
#include "base/fs.h"
#include "cli/diff.h"
#include "cli/rows.h"
#include "io/zip.h"

#include <stdlib.h>
#include <string.h>

#define NAME_HEX 12 /* digits of a call's name in a release */

const char *const diff_names[DIFF_WHATS] = {"audio", "label", "split", "text", "annotations", "other"};

/* Members of a line of the manifest by what they tell. What is not listed is DIFF_OTHER; `name` and `audio` follow from dataset and id. */
static const struct {
	const char *member;
	enum diff_what what;
} members[] = {{"sha256", DIFF_AUDIO}, {"bytes", DIFF_AUDIO}, {"duration_ms", DIFF_AUDIO}, {"sample_rate", DIFF_AUDIO},
	{"channels", DIFF_AUDIO}, {"loudness_mlufs", DIFF_AUDIO}, {"true_peak_mdbtp", DIFF_AUDIO}, {"segments", DIFF_AUDIO},
	{"label", DIFF_LABEL}, {"fraud_type", DIFF_LABEL}, {"scene", DIFF_LABEL}, {"scene_origin", DIFF_LABEL},
	{"split", DIFF_SPLIT}};

static enum diff_what what_of(struct str member)
{
	for (size_t i = 0; i < COUNT_OF(members); i++)
		if (str_is(member, members[i].member))
			return members[i].what;
	return DIFF_OTHER;
}

static int read_file(const char *folder, const char *name, struct buf *ret, struct err *e)
{
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	fs_join(&path, folder, name);
	int rc = fs_read(path.data, ROWS_FILE_MAX, ret, e);
	return rc == ERR_NOTFOUND ? err_context(e, "%s is no release", folder) : rc;
}

static int read_sums(struct diff_release *r, struct err *e)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT_MAX(ROWS_FILE_MAX);
	struct digest d;
	int rc = read_file(r->folder, "SHA256SUMS", &text, e);
	if (rc < 0)
		return rc;
	struct str rest = buf_view(&text), line;
	for (size_t n = 1; str_line(&rest, &line); n++) {
		if (!line.n)
			continue;
		if (line.n < DIGEST_HEX + 3 || !digest_parse(str_n(line.p, DIGEST_HEX), &d))
			return err_set(e, ERR_DATA, "%s/SHA256SUMS:%zu: not a line of sha256sum", r->folder, n);
		struct str file = str_n(line.p + DIGEST_HEX + 2, line.n - DIGEST_HEX - 2);
		map_put(&r->sums, file, NULL)->value.p = arena_dup(&r->arena, line.p, DIGEST_HEX);
	}
	return 0;
}

static int read_stats(struct diff_release *r, struct err *e)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	int rc = read_file(r->folder, "stats.json", &text, e);
	if (rc == 0)
		rc = json_parse(&r->arena, buf_view(&text), &r->stats, e);
	if (rc == ERR_PARSE)
		err_context(e, "%s/stats.json", r->folder);
	return rc;
}

/* The digest of those members that tell `what`. */
static void digest_members(const struct json *row, enum diff_what what, struct digest *ret)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	JSON_EACH(member, row) {
		if (str_is(member->key, "id") || str_is(member->key, "name") || str_is(member->key, "audio") ||
			what_of(member->key) != what)
			continue;
		json_write_string(&b, member->key);
		json_write(&b, member);
	}
	digest_of(b.data, b.len, ret);
}

static int add_call(struct diff_release *r, const struct json *row, size_t line, struct err *e)
{
	static const enum diff_what told[] = {DIFF_AUDIO, DIFF_LABEL, DIFF_SPLIT, DIFF_OTHER};
	struct arena *a = &r->arena;
	struct str id = json_get_str(row, "id"), name = json_get_str(row, "name"), label = json_get_str(row, "label");
	struct str type = json_get_str(row, "fraud_type");
	bool fresh;
	if (!id.n || !name.n)
		return err_set(e, ERR_DATA, "%s/manifest.jsonl:%zu: id or name is missing", r->folder, line);
	if (!type.n)
		type = json_get_str(row, "scene");
	struct map_entry *entry = map_put(&r->by_name, name, &fresh);
	if (!fresh)
		return err_set(e, ERR_DATA, "%s/manifest.jsonl:%zu: the name %.*s stands twice", r->folder, line, STR_FMT(name));
	entry->value.i = (int64_t)r->n + 1;
	GROW(r->calls, r->n, r->cap);
	struct diff_call *c = &r->calls[r->n++];
	*c = (struct diff_call){.id = arena_str(a, id), .split = arena_str(a, json_get_str(row, "split"))};
	c->label = str_of(arena_printf(a, "%.*s%s%.*s", STR_FMT(label), type.n ? " " : "", STR_FMT(type)));
	for (size_t i = 0; i < COUNT_OF(told); i++)
		digest_members(row, told[i], &c->parts[told[i]]);
	return 0;
}

static int read_manifest(struct diff_release *r, struct err *e)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT_MAX(ROWS_FILE_MAX);
	CLEANUP(buf_release) struct buf name = BUF_INIT;
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	struct rows rows;
	struct json *row;
	int rc = read_file(r->folder, "manifest.jsonl", &text, e);
	if (rc < 0)
		return rc;
	fs_join(&name, r->folder, "manifest.jsonl");
	rows_init(&rows, name.data, buf_view(&text));
	while ((rc = rows_next(&rows, &a, &row, e)) > 0) {
		rc = add_call(r, row, rows.line, e);
		if (rc < 0)
			break;
		arena_reset(&a);
	}
	return rc;
}

int diff_read(struct diff_release *r, const char *folder, struct err *e)
{
	struct fs_stat st;
	r->folder = folder;
	int rc = fs_stat(folder, &st, e);
	if (rc == 0 && !st.is_dir)
		rc = err_set(e, ERR_NOTFOUND, "%s is not a folder; a release lies in release/ of the work folder", folder);
	if (rc == 0)
		rc = read_sums(r, e);
	if (rc == 0)
		rc = read_stats(r, e);
	return rc == 0 ? read_manifest(r, e) : rc;
}

/* --- Zips --- */

static bool name_at(const char *p)
{
	for (size_t i = 0; i < NAME_HEX; i++)
		if (!((p[i] >= '0' && p[i] <= '9') || (p[i] >= 'a' && p[i] <= 'f')))
			return false;
	return true;
}

/* The call whose sound a row names. The name is blotted out: it follows from the dataset's name, which may be another. */
static struct diff_call *call_of(struct diff_release *r, struct buf *row)
{
	static const char folder[] = "audio/", ending[] = ".mp3";
	size_t from = sizeof(folder) - 1, whole = from + NAME_HEX + sizeof(ending) - 1;
	struct diff_call *found = NULL;
	for (size_t i = 0; i + whole <= row->len; i++) {
		char *p = row->data + i;
		if (memcmp(p, folder, from) != 0 || memcmp(p + from + NAME_HEX, ending, sizeof(ending) - 1) != 0 ||
			!name_at(p + from))
			continue;
		int64_t at = map_int(&r->by_name, str_n(p + from, NAME_HEX), 0);
		if (at > 0)
			found = &r->calls[at - 1];
		memset(p + from, '*', NAME_HEX);
	}
	return found;
}

/* A call may have several rows: each is digested together with those before it. */
static void take_row(struct diff_release *r, const struct json *row, enum diff_what what, struct buf *text)
{
	buf_clear(text);
	if (what == DIFF_TEXT && json_is(row, JSON_OBJECT)) { /* beside its label, which the manifest tells too */
		json_write(text, json_get(row, "audio"));
		json_write(text, json_get(row, "text"));
	} else {
		json_write(text, row);
	}
	struct diff_call *c = call_of(r, text);
	if (!c)
		return;
	buf_add(text, c->parts[what].b, DIGEST_SIZE);
	digest_of(text->data, text->len, &c->parts[what]);
}

static int read_entry(struct diff_release *r, const char *name, struct str text, enum diff_what what, struct err *e)
{
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	CLEANUP(buf_release) struct buf line = BUF_INIT;
	struct rows rows;
	struct json *row;
	int rc;
	rows_init(&rows, name, text);
	while ((rc = rows_next(&rows, &a, &row, e)) > 0) {
		take_row(r, row, what, &line);
		arena_reset(&a);
	}
	return rc;
}

int diff_read_zip(struct diff_release *r, const char *zip, enum diff_what what, struct err *e)
{
	CLEANUP(zip_reader_cleanup) struct zip_reader *z = NULL;
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	CLEANUP(buf_release) struct buf text = BUF_INIT_MAX(ROWS_FILE_MAX);
	struct fs_stat st;
	fs_join(&path, r->folder, zip);
	int rc = fs_stat(path.data, &st, e);
	if (rc < 0 || !st.exists)
		return rc;
	rc = zip_reader_open(path.data, &z, e);
	for (int64_t i = 0; rc == 0 && i < zip_reader_count(z); i++) {
		struct str name = str_of(zip_reader_name(z, i));
		if (!str_ends(name, ".jsonl") && !str_ends(name, ".json"))
			continue;
		buf_clear(&text);
		rc = zip_reader_read(z, i, ROWS_FILE_MAX, &text, e);
		if (rc == 0)
			rc = read_entry(r, name.p, buf_view(&text), what, e);
		if (rc == ERR_PARSE)
			err_context(e, "%s", path.data);
	}
	return rc;
}

/* --- Both --- */

static int by_id(const void *a, const void *b)
{
	return str_cmp(((const struct diff_call *)a)->id, ((const struct diff_call *)b)->id);
}

void diff_sort(struct diff_release *r)
{
	if (r->n)
		qsort(r->calls, r->n, sizeof(*r->calls), by_id);
}

bool diff_file_equal(const struct diff_release *a, const struct diff_release *b, struct str file)
{
	const char *x = map_ptr(&a->sums, file), *y = map_ptr(&b->sums, file);
	return x && y ? strcmp(x, y) == 0 : x == y;
}

void diff_release_free(struct diff_release *r)
{
	free(r->calls);
	map_release(&r->sums);
	map_release(&r->by_name);
	arena_release(&r->arena);
}

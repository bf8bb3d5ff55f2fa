/* release: all calls → the zips, manifest, counts, card and checksums of a release (DESIGN 8; docs/stages.md).
 * Two passes over the calls, in id order: the first takes up the sounds, tells names apart and counts, the second writes rows. No call is held.
 * Bytes depend on the calls, the parameters and the facts of the pipeline only. The engine renames the folder when all is written. */
#include "stages/release/release.h"
#include "base/alloc.h"
#include "base/fs.h"
#include "base/stop.h"
#include "io/zip.h"

#include <stdio.h>
#include <stdlib.h>

#define CLASSIFICATION_LINES ".binary_classification.jsonl"

static const struct option release_options[] = {
	{.name = "max_quarantined",
		.type = OPT_REAL,
		.offset = offsetof(struct release_params, max_quarantined),
		.dflt = "0.01",
		.min = 0,
		.max = 1,
		.help =
			"Largest share of quarantined calls a release may leave out, of those that no rule rejected; calls that "
			"wait for another try count too. Above it the release is refused unless --partial is given."},
	{.name = "license",
		.type = OPT_STRING,
		.offset = offsetof(struct release_params, license),
		.flags = OPTION_SHAPES,
		.dflt = "other",
		.help = "Licence of the data, as the front matter of the dataset card names it."},
	{.name = "date",
		.type = OPT_STRING,
		.offset = offsetof(struct release_params, date),
		.flags = OPTION_SHAPES,
		.help = "Date of the release, YYYY-MM-DD, for the card. Default: the `date` of the pipeline; none when that "
				"has none either, since bytes never depend on the clock."},
};

static void release_fields(const void *params, struct stage_fields *f)
{
	static const char *const optional[] = {"label.fraud_type", "label.scene", "label.scene_origin", "audio.sample_rate",
		"audio.channels", "audio.loudness_mlufs", "audio.true_peak_mdbtp", "audio.segments", "split", "parents",
		"scenario", "initiator", "termination.by", "termination.signal"};
	(void)params;
	/* Free text of the origin (profile, termination.reason) may hold personal data: it stays out of what is published. */
	fields_read(f, "label.is_fraud", 0);
	fields_read(f, "turns.role", 0);
	fields_read(f, "turns.text", 0);
	fields_read(f, "source", 0);
	fields_read(f, "audio.object", 0);
	fields_read(f, "audio.duration_ms", 0);
	for (size_t i = 0; i < COUNT_OF(optional); i++)
		fields_read(f, optional[i], FIELD_OPTIONAL);
}

static bool is_date(struct str s)
{
	static const char form[] = "dddd-dd-dd";
	if (s.n != sizeof(form) - 1)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (form[i] == 'd' ? s.p[i] < '0' || s.p[i] > '9' : s.p[i] != form[i])
			return false;
	return true;
}

static int release_check(const void *params, struct err *e)
{
	const struct release_params *p = params;
	if (p->date.n && !is_date(p->date))
		return err_set(e, ERR_CONFIG, "date: '%.*s' is not a date of the form YYYY-MM-DD", STR_FMT(p->date));
	for (size_t i = 0; i < p->license.n; i++)
		if ((unsigned char)p->license.p[i] < ' ')
			return err_set(e, ERR_CONFIG, "license: must be one line without control characters");
	return 0;
}

/* --- Before anything is written --- */

bool release_over_limit(const struct stage *s, const struct gather_facts *facts, int64_t arrived)
{
	const struct release_params *p = s->params;
	return (double)facts->quarantined > p->max_quarantined * (double)(arrived + facts->quarantined);
}

static int refuse_quarantined(const struct stage *s, const struct gather *g, struct err *e)
{
	const struct release_params *p = s->params;
	const struct gather_facts *facts = gather_facts(g);
	double arrived = (double)gather_count(g), lost = (double)facts->quarantined;
	if (arrived == 0)
		return err_set(e, ERR_REFUSED,
			"no call arrived (%lld rejected, %lld quarantined): nothing to release; `taf status` shows where they went",
			(long long)facts->rejected, (long long)facts->quarantined);
	if (facts->partial || !release_over_limit(s, facts, (int64_t)gather_count(g)))
		return 0;
	return err_set(e, ERR_REFUSED,
		"%lld of %lld calls are quarantined (%.1f%%), over max_quarantined (%.1f%%). `taf status` and `taf why ID` "
		"tell why; "
		"mend it and run `taf retry`, raise max_quarantined, or release without them: --partial",
		(long long)facts->quarantined, (long long)(arrived + lost), 100 * lost / (arrived + lost),
		100 * p->max_quarantined);
}

/* What the first pass leaves to the second. Some hundred bytes a call, most of them in the zip writer. */
struct release_work {
	struct stage *stage;
	struct gather *gather;
	struct zip_writer *audio; /* reads the sounds when it is closed: till then nothing is written */
	struct map names;         /* name → index of the call */
	int64_t *bytes;           /* of the sounds, by index */
	size_t n, cap;
	struct release_stats stats;
	struct release_lines manifest, classification;
};

static void work_free(struct release_work *w)
{
	zip_writer_abort(w->audio);
	map_release(&w->names);
	free(w->bytes);
	release_stats_free(&w->stats);
	release_lines_free(&w->manifest);
	release_lines_free(&w->classification);
}

/* Two calls of one name: the message has both ids. */
static int names_clash(struct release_work *w, int64_t first, struct str id, const char *name, struct err *e)
{
	CLEANUP(buf_release) struct buf second = BUF_INIT;
	buf_str(&second, id);
	const struct json *call;
	gather_rewind(w->gather);
	for (int64_t i = 0; gather_next(w->gather, &id, &call, e); i++)
		if (i == first)
			return err_set(e, ERR_REFUSED,
				"the calls %.*s and %s would both be named %s in the release: change the dataset's `name`", STR_FMT(id),
				second.data, name);
	return e->code ? e->code : err_set(e, ERR_BUG, "the calls changed between two passes");
}

static int take_call(struct release_work *w, struct str id, const struct json *call, struct err *e)
{
	char name[RELEASE_NAME_HEX + 1], entry[sizeof("audio/.mp3") + RELEASE_NAME_HEX];
	release_name(w->stage->dataset, id, name);
	snprintf(entry, sizeof(entry), "audio/%s.mp3", name);
	bool fresh;
	struct map_entry *taken = map_put(&w->names, str_of(name), &fresh);
	if (!fresh)
		return names_clash(w, taken->value.i, id, name, e);
	taken->value.i = (int64_t)w->n;
	GROW(w->bytes, w->n, w->cap);
	int64_t *bytes = &w->bytes[w->n++];
	*bytes = 0;

	CLEANUP(buf_release) struct buf path = BUF_INIT;
	struct fs_stat st;
	int rc = gather_object(w->gather, json_get_str(json_get(call, "audio"), "object"), &path, e);
	if (rc == 0)
		rc = fs_stat(path.data, &st, e);
	if (rc < 0)
		return rc;
	*bytes = st.size;
	release_stats_add(&w->stats, id, call, st.size);
	return zip_writer_file(w->audio, entry, path.data, e);
}

/* A missing sound does not end the pass: the engine is told of all that are lost, and makes them anew together. */
static int first_pass(struct release_work *w, struct err *e)
{
	struct str id;
	const struct json *call;
	struct err lost = ERR_INIT;
	while (gather_next(w->gather, &id, &call, e)) {
		if (stop_level() == STOP_DROP)
			return err_set(e, ERR_STOPPED, "interrupted");
		struct err one = ERR_INIT;
		int rc = take_call(w, id, call, &one);
		if (rc == ERR_LOST)
			err_set(&lost, rc, "%s", one.text);
		else if (rc < 0)
			return err_set(e, rc, "%s", one.text);
	}
	if (e->code)
		return e->code;
	return lost.code ? err_set(e, lost.code, "%s", lost.text) : 0;
}

static int write_rows(struct release_work *w, struct err *e)
{
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	struct str id;
	const struct json *call;
	int rc = 0;
	gather_rewind(w->gather);
	for (size_t i = 0; rc == 0 && gather_next(w->gather, &id, &call, e); i++) {
		if (i == w->n)
			return err_set(e, ERR_BUG, "the calls changed between two passes");
		char name[RELEASE_NAME_HEX + 1];
		release_name(w->stage->dataset, id, name);
		rc = release_lines_add(&w->manifest, release_manifest_row(&a, name, id, call, w->bytes[i]), e);
		if (rc == 0)
			rc = release_lines_add(&w->classification, release_classification_row(&a, name, call), e);
		arena_reset(&a);
	}
	return rc < 0 ? rc : e->code;
}

/* One deflated entry out of a file that is then gone. */
static int zip_lines(const char *folder, const char *zip_name, const char *entry, const char *lines, struct err *e)
{
	CLEANUP(buf_release) struct buf from = BUF_INIT;
	CLEANUP(buf_release) struct buf to = BUF_INIT;
	CLEANUP(zip_writer_cleanup) struct zip_writer *z = NULL;
	fs_join(&from, folder, lines);
	fs_join(&to, folder, zip_name);
	int rc = zip_writer_open(to.data, &z, e);
	if (rc == 0)
		rc = zip_writer_file_deflated(z, entry, from.data, e);
	if (rc == 0)
		rc = zip_writer_close(TAKE(z), e);
	return rc < 0 ? rc : fs_remove(from.data, e);
}

static int second_pass(struct release_work *w, const char *folder, struct err *e)
{
	int rc = release_lines_open(&w->manifest, folder, "manifest.jsonl", e);
	if (rc == 0)
		rc = release_lines_open(&w->classification, folder, CLASSIFICATION_LINES, e);
	if (rc == 0)
		rc = write_rows(w, e);
	if (rc == 0)
		rc = release_lines_close(&w->manifest, e);
	if (rc == 0)
		rc = release_lines_close(&w->classification, e);
	if (rc == 0)
		rc = zip_lines(folder, "binary_classification.zip", "binary_classification.jsonl", CLASSIFICATION_LINES, e);
	return rc < 0 ? rc : zip_writer_close(TAKE(w->audio), e);
}

/* --- What is made of the counts --- */

static int write_text(const char *folder, const char *name, const struct buf *text, struct err *e)
{
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	fs_join(&path, folder, name);
	return fs_write_atomic(path.data, text->data, text->len, 0644, e);
}

/* For `sha256sum -c SHA256SUMS`: all other files, sorted. */
static int write_sums(const char *folder, struct err *e)
{
	CLEANUP(fs_names_free) struct fs_names names = {.v = NULL};
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	int rc = fs_list(folder, &names, e);
	for (size_t i = 0; rc == 0 && i < names.n; i++) {
		struct digest d;
		int64_t size;
		char hex[DIGEST_HEX + 1];
		fs_join(&path, folder, names.v[i]);
		rc = digest_file(path.data, &d, &size, e);
		if (rc < 0)
			break;
		digest_hex(&d, hex);
		buf_printf(&text, "%s  %s\n", hex, names.v[i]);
	}
	return rc < 0 ? rc : write_text(folder, "SHA256SUMS", &text, e);
}

static int write_counts(struct release_work *w, const char *folder, struct err *e)
{
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	const struct json *numbers = release_stats_json(&a, &w->stats, w->stage, gather_facts(w->gather));
	json_write(&text, numbers);
	buf_putc(&text, '\n');
	int rc = write_text(folder, "stats.json", &text, e);
	buf_clear(&text);
	release_card(&text, w->stage->params, numbers);
	return rc < 0 ? rc : write_text(folder, "README.md", &text, e);
}

static int release_sink(struct stage *s, struct gather *g, const char *folder, struct err *e)
{
	int rc = refuse_quarantined(s, g, e);
	if (rc < 0)
		return rc;
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	CLEANUP(work_free)
	struct release_work w = {
		.stage = s, .gather = g, .manifest = RELEASE_LINES_INIT, .classification = RELEASE_LINES_INIT};
	release_stats_init(&w.stats);
	fs_join(&path, folder, "audio.zip");
	rc = zip_writer_open(path.data, &w.audio, e);
	if (rc == 0)
		rc = first_pass(&w, e);
	if (rc == 0)
		rc = second_pass(&w, folder, e);
	if (rc == 0)
		rc = write_counts(&w, folder, e);
	return rc < 0 ? rc : write_sums(folder, e);
}

const struct stage_ops stage_release = {
	.name = "release",
	.help = "Packs all calls: audio.zip, binary_classification.zip, manifest, counts, dataset card and checksums.",
	.version = 2,
	.kind = STAGE_SINK,
	.exec = EXEC_CPU,
	.params_size = sizeof(struct release_params),
	.options = release_options,
	.noptions = COUNT_OF(release_options),
	.fields = release_fields,
	.check = release_check,
	.sink = release_sink,
};

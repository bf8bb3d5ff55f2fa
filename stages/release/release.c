/* release: all calls → the zips, manifest, counts, cards, preview and checksums of a release (DESIGN 8; docs/stages.md).
 * Two passes over the calls, in id order: the first takes up the sounds, tells names apart, counts and chooses the preview, the second writes rows to
 * spool files, which then become entries of zips. No call is held.
 * Bytes depend on the calls, the parameters and the facts of the pipeline only. The engine renames the folder when all is written. */
#include "stages/release/release.h"
#include "base/alloc.h"
#include "base/fs.h"
#include "base/stop.h"
#include "io/zip.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CROISSANT "croissant.json"
#define PREVIEW_SOUND_MAX ((size_t)256 << 20)

/* What the second pass writes, and where it ends up. Order of the entries in their zip. */
enum spool { MANIFEST, CLASSIFICATION, SFT_TRAIN, SFT_DEV, SFT_TEST, BENCH_SCENE, BENCH_FRAUD, BENCH_TYPE, SPOOLS };
static const struct {
	const char *file, *zip, *entry;
	bool list;     /* one JSON list; else a line of JSON each */
	bool optional; /* no entry when there is nothing in it */
} spools[SPOOLS] = {
	[MANIFEST] = {"manifest.jsonl", NULL, NULL, false, false},
	[CLASSIFICATION] = {".binary.jsonl", "binary_classification.zip", "binary_classification.jsonl", false, false},
	[SFT_TRAIN] = {".train.jsonl", "sft.zip", "train.jsonl", false, false},
	[SFT_DEV] = {".dev.jsonl", "sft.zip", "dev.jsonl", false, true},
	[SFT_TEST] = {".test.jsonl", "sft.zip", "test.jsonl", false, false},
	[BENCH_SCENE] = {".scene.json", "bench.zip", "scene.json", true, false},
	[BENCH_FRAUD] = {".fraud.json", "bench.zip", "fraud.json", true, false},
	[BENCH_TYPE] = {".fraud_type.json", "bench.zip", "fraud_type.json", true, false},
};

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
	{.name = "url",
		.type = OPT_STRING,
		.offset = offsetof(struct release_params, url),
		.flags = OPTION_SHAPES,
		.help = "Address of the page of the dataset, for croissant.json (the Croissant standard asks for one)."},
	{.name = "creator",
		.type = OPT_STRING,
		.offset = offsetof(struct release_params, creator),
		.flags = OPTION_SHAPES,
		.help = "Who publishes the dataset, for croissant.json."},
	{.name = "preview",
		.type = OPT_INT,
		.offset = offsetof(struct release_params, preview),
		.flags = OPTION_SHAPES,
		.dflt = "12",
		.min = 0,
		.max = RELEASE_PREVIEW_MAX,
		.unit = "calls",
		.help = "Calls on the preview page, half of them fraud as far as there are; 0 for no page."},
	{.name = "timelines",
		.type = OPT_BOOL,
		.offset = offsetof(struct release_params, timelines),
		.flags = OPTION_SHAPES,
		.dflt = "false",
		.help =
			"Also write timelines.zip: a JSON file a call with who says what and when (audio_segments: role, content, "
			"start_time, end_time, seconds)."},
	{.name = "rounds",
		.type = OPT_FILE,
		.offset = offsetof(struct release_params, rounds_file),
		.flags = OPTION_SHAPES | OPTION_YAML,
		.dflt = "'@/stages/release/rounds.yaml'",
		.help = "What the model is asked in sft.zip and bench.zip: the system text and the three questions."},
	{.name = "labels",
		.type = OPT_FILE,
		.offset = offsetof(struct release_params, labels_file),
		.flags = OPTION_SHAPES | OPTION_YAML,
		.dflt = "'@/schemas/labels.yaml'",
		.help = "The closed label sets, which the questions list."},
};

static void release_fields(const void *params, struct stage_fields *f)
{
	static const char *const optional[] = {"label.fraud_type", "label.scene", "label.scene_origin", "audio.sample_rate",
		"audio.channels", "audio.loudness_mlufs", "audio.true_peak_mdbtp", "audio.segments", "split", "parents",
		"audio.format", "scenario", "initiator", "termination.by", "termination.signal", "annotations", "acoustics",
		"group", "enhancement.writer", "enhancement.axes", "enhancement.rouge_l_permille", "privacy.replaced.kind"};
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
	const struct {
		const char *name;
		struct str text;
	} lines[] = {{"license", p->license}, {"url", p->url}, {"creator", p->creator}};
	for (size_t k = 0; k < COUNT_OF(lines); k++)
		for (size_t i = 0; i < lines[k].text.n; i++)
			if ((unsigned char)lines[k].text.p[i] < ' ')
				return err_set(e, ERR_CONFIG, "%s: must be one line without control characters", lines[k].name);
	return 0;
}

static int release_init(struct stage *s, struct err *e)
{
	const struct release_params *p = s->params;
	struct release_rounds *rounds = ARENA_NEW(&s->arena, struct release_rounds);
	struct labels labels;
	int rc = labels_load(&s->arena, p->labels_file.p, &labels, e);
	if (rc == 0)
		rc = release_rounds_load(&s->arena, p->rounds_file.p, &labels, rounds, e);
	if (rc == 0)
		s->state = rounds;
	return rc;
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
	struct release_lines lines[SPOOLS];
	struct release_preview preview;
	const char *folder;
	struct release_timelines timelines;
	bool wants_timelines;
};

static void work_init(struct release_work *w)
{
	w->wants_timelines = ((const struct release_params *)w->stage->params)->timelines;
	w->timelines.lines = (struct release_lines)RELEASE_LINES_INIT;
	for (int i = 0; i < SPOOLS; i++) {
		w->lines[i] = (struct release_lines)RELEASE_LINES_INIT;
		w->lines[i].list = spools[i].list;
	}
}

static void work_free(struct release_work *w)
{
	zip_writer_abort(w->audio);
	map_release(&w->names);
	free(w->bytes);
	release_stats_free(&w->stats);
	release_preview_free(&w->preview);
	for (int i = 0; i < SPOOLS; i++)
		release_lines_free(&w->lines[i]);
	release_timelines_free(&w->timelines);
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
	struct str format = json_get_str(json_get(call, "audio"), "format");
	if (format.n && !str_is(format, "mp3"))
		return err_set(e, ERR_REFUSED, "the sound of %.*s is %.*s; a release holds MP3 files: `format: mp3` of normalize",
			STR_FMT(id), STR_FMT(format));
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
	release_preview_offer(&w->preview, name, str_is(release_label(call), "fraud"), w->n - 1);
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

/* --- The second pass --- */

/* Rows of sft.zip and bench.zip, of calls that have annotations. */
static int write_rounds(struct release_work *w, struct arena *a, const char *name, const struct json *call, struct err *e)
{
	const struct release_rounds *rounds = w->stage->state;
	int n = release_rounds_of(call);
	if (n <= 0)
		return 0;
	struct str split = release_split(call);
	bool test = str_is(split, "test");
	int to = test ? SFT_TEST : str_is(split, "dev") ? SFT_DEV : SFT_TRAIN;
	int rc = release_lines_add(&w->lines[to], release_sft_row(a, rounds, name, call), e);
	for (int i = 0; rc == 0 && test && i < n; i++)
		rc = release_lines_add(&w->lines[BENCH_SCENE + i], release_bench_item(a, rounds, name, call, i), e);
	return rc;
}

/* A call of the preview: its part of the page, and its sound once more beside it. */
static int write_preview(struct release_work *w, size_t index, const char *name, const struct json *call, struct err *e)
{
	struct release_pick *pick = release_preview_find(&w->preview, index);
	if (!pick)
		return 0;
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	CLEANUP(buf_release) struct buf bytes = BUF_INIT_MAX(PREVIEW_SOUND_MAX);
	int rc = gather_object(w->gather, json_get_str(json_get(call, "audio"), "object"), &path, e);
	if (rc == 0)
		rc = fs_read(path.data, PREVIEW_SOUND_MAX, &bytes, e);
	if (rc < 0)
		return rc;
	buf_clear(&path);
	buf_printf(&path, "%s/preview/%s.mp3", w->folder, name);
	release_preview_call(pick, name, call);
	return fs_write_atomic(path.data, bytes.data, bytes.len, 0644, e);
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
		rc = release_lines_add(&w->lines[MANIFEST], release_manifest_row(&a, name, id, call, w->bytes[i]), e);
		if (rc == 0)
			rc = release_lines_add(&w->lines[CLASSIFICATION], release_classification_row(&a, name, call), e);
		if (rc == 0)
			rc = write_rounds(w, &a, name, call, e);
		if (rc == 0 && w->wants_timelines)
			rc = release_timelines_add(&w->timelines, &a, name, call, e);
		if (rc == 0)
			rc = write_preview(w, i, name, call, e);
		arena_reset(&a);
	}
	return rc < 0 ? rc : e->code;
}

/* All spools of one zip, deflated; they are then gone. `wanted`: false when the release has no such zip. */
static int pack_spools(struct release_work *w, const char *zip_name, bool wanted, struct err *e)
{
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	CLEANUP(zip_writer_cleanup) struct zip_writer *z = NULL;
	fs_join(&path, w->folder, zip_name);
	int rc = wanted ? zip_writer_open(path.data, &z, e) : 0;
	for (int i = 0; rc == 0 && wanted && i < SPOOLS; i++) {
		if (!spools[i].zip || strcmp(spools[i].zip, zip_name) != 0 || (spools[i].optional && !w->lines[i].rows))
			continue;
		fs_join(&path, w->folder, spools[i].file);
		rc = zip_writer_file_deflated(z, spools[i].entry, path.data, e);
	}
	if (rc == 0 && wanted)
		rc = zip_writer_close(TAKE(z), e);
	for (int i = 0; rc == 0 && i < SPOOLS; i++) {
		if (!spools[i].zip || strcmp(spools[i].zip, zip_name) != 0)
			continue;
		fs_join(&path, w->folder, spools[i].file);
		rc = fs_remove(path.data, e);
	}
	return rc;
}

static int second_pass(struct release_work *w, struct err *e)
{
	CLEANUP(buf_release) struct buf preview = BUF_INIT;
	int rc = 0;
	release_preview_choose(&w->preview);
	fs_join(&preview, w->folder, "preview");
	if (w->preview.nchosen)
		rc = fs_mkdirs(preview.data, e);
	for (int i = 0; rc == 0 && i < SPOOLS; i++)
		rc = release_lines_open(&w->lines[i], w->folder, spools[i].file, e);
	if (rc == 0 && w->wants_timelines)
		rc = release_timelines_open(&w->timelines, w->folder, e);
	if (rc == 0)
		rc = write_rows(w, e);
	if (rc == 0 && w->wants_timelines)
		rc = release_timelines_pack(&w->timelines, w->folder, e);
	for (int i = 0; rc == 0 && i < SPOOLS; i++)
		rc = release_lines_close(&w->lines[i], e);
	if (rc == 0)
		rc = pack_spools(w, "binary_classification.zip", true, e);
	if (rc == 0)
		rc = pack_spools(w, "sft.zip", w->stats.annotated > 0, e);
	if (rc == 0)
		rc = pack_spools(w, "bench.zip", w->lines[BENCH_SCENE].rows > 0, e);
	return rc < 0 ? rc : zip_writer_close(TAKE(w->audio), e);
}

/* --- What is made of the counts --- */

static int write_text(const char *folder, const char *name, struct buf *text, struct err *e)
{
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	fs_join(&path, folder, name);
	if (buf_error(text))
		return err_set(e, ERR_TOOBIG, "%s would be larger than %zu bytes", path.data, text->max);
	int rc = fs_write_atomic(path.data, text->data, text->len, 0644, e);
	buf_clear(text);
	return rc;
}

static int write_counts(struct release_work *w, const struct json *numbers, struct err *e)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	json_write(&text, numbers);
	buf_putc(&text, '\n');
	int rc = write_text(w->folder, "stats.json", &text, e);
	release_card(&text, numbers, false);
	if (rc == 0)
		rc = write_text(w->folder, "README.md", &text, e);
	release_card(&text, numbers, true);
	if (rc == 0)
		rc = write_text(w->folder, "README.zh-CN.md", &text, e);
	if (rc < 0 || !w->preview.nchosen)
		return rc;
	release_preview_page(&text, &w->preview, numbers);
	return write_text(w->folder, "preview/index.html", &text, e);
}

static void sum_line(struct buf *b, const char *name, const char *hex)
{
	buf_printf(b, "%s  %s\n", hex, name);
}

/* croissant.json, then SHA256SUMS for `sha256sum -c`: all files, sorted, each digested once. */
static int write_sums(struct release_work *w, const struct json *numbers, struct err *e)
{
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	CLEANUP(buf_release) struct buf sums = BUF_INIT;
	CLEANUP(buf_release) struct buf croissant = BUF_INIT;
	CLEANUP(release_files_free) struct release_files files = {.v = NULL};
	struct digest d;
	char hex[DIGEST_HEX + 1];
	int rc = release_files_read(w->folder, &files, e);
	if (rc < 0)
		return rc;
	release_croissant(&croissant, &a, numbers, &files);
	digest_of(croissant.data, croissant.len, &d);
	digest_hex(&d, hex);
	bool told = false;
	for (size_t i = 0; i < files.n; i++) {
		if (!told && strcmp(files.v[i].name, CROISSANT) > 0) {
			sum_line(&sums, CROISSANT, hex);
			told = true;
		}
		sum_line(&sums, files.v[i].name, files.v[i].sha256);
	}
	rc = write_text(w->folder, CROISSANT, &croissant, e);
	return rc < 0 ? rc : write_text(w->folder, "SHA256SUMS", &sums, e);
}

static int last_files(struct release_work *w, struct err *e)
{
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	char members[DIGEST_HEX + 1];
	release_members(&w->names, members);
	struct release_build build = {
		.stage = w->stage, .facts = gather_facts(w->gather), .rounds = w->stage->state, .members = members};
	const struct json *numbers = release_stats_json(&a, &w->stats, &build);
	int rc = write_counts(w, numbers, e);
	return rc < 0 ? rc : write_sums(w, numbers, e);
}

static int release_sink(struct stage *s, struct gather *g, const char *folder, struct err *e)
{
	int rc = refuse_quarantined(s, g, e);
	if (rc < 0)
		return rc;
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	CLEANUP(work_free)
	struct release_work w = {
		.stage = s, .gather = g, .folder = folder, .preview.want = ((const struct release_params *)s->params)->preview};
	work_init(&w);
	fs_join(&path, folder, "audio.zip");
	rc = zip_writer_open(path.data, &w.audio, e);
	if (rc == 0)
		rc = first_pass(&w, e);
	if (rc == 0)
		rc = second_pass(&w, e);
	return rc < 0 ? rc : last_files(&w, e);
}

static void release_doubts(const struct stage *s, const struct stage *upstream, const struct json *with, struct buf *ret)
{
	struct str format = json_get_str(with, "format");
	if (strcmp(upstream->ops->name, "normalize") == 0 && !str_is(format, "mp3"))
		buf_printf(ret, "%s will refuse the calls in the end: a release holds MP3 files, and format of %s is %.*s",
			s->name, upstream->name, STR_FMT(format));
}

const struct stage_ops stage_release = {
	.name = "release",
	.help = "Packs all calls: zips of sounds, labels, training conversations and benchmark, manifest, cards, preview, "
			"checksums.",
	.version = RELEASE_VERSION,
	.kind = STAGE_SINK,
	.exec = EXEC_CPU,
	.params_size = sizeof(struct release_params),
	.options = release_options,
	.noptions = COUNT_OF(release_options),
	.fields = release_fields,
	.check = release_check,
	.doubts = release_doubts,
	.init = release_init,
	.sink = release_sink,
};

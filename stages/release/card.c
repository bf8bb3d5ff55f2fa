/* The dataset card: front matter for Hugging Face, then the numbers of stats.json in words and tables. */
#include "stages/release/release.h"

/* "307 h 12 min", "12 min 5 s" */
static void duration(struct buf *b, int64_t ms, bool chinese)
{
	int64_t s = (ms + 500) / 1000;
	if (s >= 3600)
		buf_printf(
			b, chinese ? "%lld 小时 %lld 分" : "%lld h %lld min", (long long)(s / 3600), (long long)(s % 3600 / 60));
	else
		buf_printf(b, chinese ? "%lld 分 %lld 秒" : "%lld min %lld s", (long long)(s / 60), (long long)(s % 60));
}

/* A number in thousandths with one digit after the point: "-23.0", "17.4". */
static void thousandths(struct buf *b, int64_t v)
{
	int64_t size = v < 0 ? -v : v;
	int64_t tenths = (size + 50) / 100;
	buf_printf(b, "%s%lld.%lld", v < 0 && tenths ? "-" : "", (long long)(tenths / 10), (long long)(tenths % 10));
}

static const char *size_category(int64_t calls)
{
	if (calls < 1000)
		return "n<1K";
	if (calls < 10000)
		return "1K<n<10K";
	if (calls < 100000)
		return "10K<n<100K";
	return calls < 1000000 ? "100K<n<1M" : "1M<n<10M";
}

static void front_matter(struct buf *b, const struct release_params *params, const struct json *stats)
{
	buf_puts(b, "---\nlicense: ");
	json_write_string(b, params->license.n ? params->license : STR("other"));
	buf_puts(b, "\nlanguage:\n- zh\npretty_name: ");
	json_write_string(b, json_get_str(stats, "dataset"));
	buf_puts(b, "\ntask_categories:\n- audio-classification\n- text-classification\ntags:\n- audio\n- telephone\n- "
				"fraud-detection\n");
	buf_printf(b, "size_categories:\n- %s\n---\n\n", size_category(json_get_int(stats, "calls", 0)));
}

static void table(struct buf *b, const char *title, const char *column, const struct json *counts)
{
	if (json_count(counts) == 0)
		return;
	buf_printf(b, "\n### %s\n\n| %s | calls |\n|---|---:|\n", title, column);
	JSON_EACH(item, counts)
		buf_printf(b, "| %.*s | %lld |\n", STR_FMT(item->key), (long long)item->u.i);
}

static void summary(struct buf *b, const struct release_params *params, const struct json *stats)
{
	const struct json *labels = json_get(stats, "labels"), *ms = json_get(stats, "duration_ms");
	int64_t calls = json_get_int(stats, "calls", 0);
	buf_printf(b, "# %.*s\n\n", STR_FMT(json_get_str(stats, "dataset")));
	buf_printf(b, "%lld Chinese telephone call%s with speech, ", (long long)calls, calls == 1 ? "" : "s");
	duration(b, json_get_int(ms, "total", 0), false);
	buf_printf(b, " in all: %lld fraudulent, %lld normal. A call lasts ", (long long)json_get_int(labels, "fraud", 0),
		(long long)json_get_int(labels, "normal", 0));
	thousandths(b, json_get_int(ms, "mean", 0));
	buf_puts(b, " s on average (");
	thousandths(b, json_get_int(ms, "min", 0));
	buf_puts(b, " s to ");
	thousandths(b, json_get_int(ms, "max", 0));
	const struct json *turns = json_get(stats, "turns");
	buf_printf(b, " s), and has %lld to %lld turns.", (long long)json_get_int(turns, "min", 0),
		(long long)json_get_int(turns, "max", 0));
	struct str date = params->date.n ? params->date : json_get_str(json_get(stats, "build"), "date");
	if (date.n)
		buf_printf(b, " Released %.*s.", STR_FMT(date));
	buf_puts(b, "\n");
}

static bool spoken(const struct json *stats)
{
	JSON_EACH(stage, json_get(stats, "stages")) {
		if (str_is(json_get_str(stage, "uses"), "speak"))
			return true;
	}
	return false;
}

/* Who gets only the zips must not take these for recordings of real calls. */
static void origin(struct buf *b, const struct json *stats)
{
	int64_t from_text = json_get_int(json_get(stats, "sources"), "asr", 0);
	if (spoken(stats))
		buf_puts(b, "\nThe speech is synthetic: no person is heard in these files.");
	JSON_EACH(writer, json_get(stats, "writers")) {
		buf_printf(b, "\nThe text of %lld calls was ", (long long)writer->u.i);
		if (str_is(writer->key, "script"))
			buf_puts(b, "put together from scenario templates, without a model.");
		else
			buf_printf(b, "written by %.*s.", STR_FMT(writer->key));
	}
	if (from_text)
		buf_printf(b, "\nThe text of %lld calls comes from transcripts.", (long long)from_text);
	buf_puts(b, "\n");
}

static void files(struct buf *b)
{
	buf_puts(b,
		"\n## Files\n\n| file | what |\n|---|---|\n"
		"| `audio.zip` | `audio/<name>.mp3`, one a call, stored; the left channel is the fraudster or the service, the "
		"right "
		"one the user |\n"
		"| `binary_classification.zip` | `binary_classification.jsonl`: `audio`, `label` (fraud or normal), `text` (a "
		"line a turn) |\n"
		"| `manifest.jsonl` | a line a call: `id` (where it comes from), `name`, `label`, durations, loudness, SHA-256 "
		"of its sound |\n"
		"| `stats.json` | all counts, what was left out by which rule, and digests of what made this release |\n"
		"| `SHA256SUMS` | for `sha256sum -c SHA256SUMS` |\n\n"
		"File names are drawn from the call's id by SHA-256, since ids tell the label. Do not show a model ids or the "
		"manifest.\n");
}

static void sound(struct buf *b, const struct json *stats)
{
	const struct json *audio = json_get(stats, "audio");
	buf_puts(b, "\n## Sound\n\nMP3");
	const char *between = ", ";
	JSON_EACH(item, json_get(audio, "sample_rates")) {
		buf_printf(b, "%s%.*s Hz", between, STR_FMT(item->key));
		between = " or ";
	}
	between = ", ";
	JSON_EACH(item, json_get(audio, "channels")) {
		buf_printf(b, "%s%.*s channel%s", between, STR_FMT(item->key), str_is(item->key, "1") ? "" : "s");
		between = " or ";
	}
	const struct json *loudness = json_get(audio, "loudness_mlufs"), *peak = json_get(audio, "true_peak_mdbtp");
	if (loudness) {
		buf_puts(b, "; loudness of the decoded files ");
		thousandths(b, json_get_int(loudness, "min", 0));
		buf_puts(b, " to ");
		thousandths(b, json_get_int(loudness, "max", 0));
		buf_puts(b, " LUFS");
	}
	if (peak) {
		buf_puts(b, ", true peak at most ");
		thousandths(b, json_get_int(peak, "max", 0));
		buf_puts(b, " dBTP");
	}
	buf_puts(b, ".\n");
}

static void left_out(struct buf *b, const struct json *stats)
{
	const struct json *left = json_get(stats, "left_out");
	buf_printf(b, "\n## What was left out\n\n%lld calls were rejected by a rule, %lld could not be made (quarantined).\n",
		(long long)json_get_int(left, "rejected", 0), (long long)json_get_int(left, "quarantined", 0));
	if (json_get_bool(stats, "partial", false))
		buf_puts(b, "This is a partial release: more calls are missing than its pipeline allows.\n");
	bool head = false;
	JSON_EACH(stage, json_get(stats, "stages")) {
		JSON_EACH(rule, json_get(stage, "rules")) {
			if (!head)
				buf_puts(b, "\n| stage | rule | calls |\n|---|---|---:|\n");
			head = true;
			buf_printf(b, "| %.*s | %.*s | %lld |\n", STR_FMT(json_get_str(stage, "name")), STR_FMT(rule->key),
				json_is(rule, JSON_INT) ? (long long)rule->u.i : 0);
		}
	}
}

static void chinese(struct buf *b, const struct json *stats)
{
	const struct json *labels = json_get(stats, "labels");
	buf_printf(b, "\n## 中文简介\n\n本数据集共 %lld 通中文电话语音，总时长 ", (long long)json_get_int(stats, "calls", 0));
	duration(b, json_get_int(json_get(stats, "duration_ms"), "total", 0), true);
	buf_printf(b, "，其中诈骗 %lld 通，正常 %lld 通。", (long long)json_get_int(labels, "fraud", 0),
		(long long)json_get_int(labels, "normal", 0));
	if (spoken(stats))
		buf_puts(b, "语音均由程序合成，不是真人录音。");
	JSON_EACH(writer, json_get(stats, "writers")) {
		if (str_is(writer->key, "script"))
			buf_printf(b, "其中 %lld 通的文本由场景模板拼成，未使用语言模型。", (long long)writer->u.i);
	}
	buf_puts(b, "音频在 `audio.zip`，左声道为诈骗者或服务方，右声道为用户；"
				"标签与文本在 `binary_classification.zip`；各通电话的来源、时长与校验值在 `manifest.jsonl`；全部统计在 "
				"`stats.json`。"
				"文件名由编号的 SHA-256 得出，不透露标签。\n");
}

static void made_by(struct buf *b, const struct json *stats)
{
	const struct json *build = json_get(stats, "build");
	buf_puts(b, "\n## How it was made\n\nBy taf");
	struct str version = json_get_str(build, "taf"), digest = json_get_str(build, "digest");
	if (version.n)
		buf_printf(b, " %.*s", STR_FMT(version));
	if (digest.n)
		buf_printf(b, ", from the pipeline with digest `%.*s`", STR_FMT(digest));
	buf_printf(b, "; its calls by id have the digest `%.*s`. Equal input gives equal bytes.\n",
		STR_FMT(json_get_str(build, "members")));
}

void release_card(struct buf *b, const struct release_params *params, const struct json *stats)
{
	front_matter(b, params, stats);
	summary(b, params, stats);
	origin(b, stats);
	files(b);
	sound(b, stats);
	buf_puts(b, "\n## Contents\n");
	table(b, "Labels", "label", json_get(stats, "labels"));
	table(b, "Fraud types", "fraud type", json_get(stats, "fraud_types"));
	table(b, "Scenes", "scene", json_get(stats, "scenes"));
	table(b, "Sources", "source", json_get(stats, "sources"));
	table(b, "Splits", "split", json_get(stats, "splits"));
	left_out(b, stats);
	made_by(b, stats);
	chinese(b, stats);
}

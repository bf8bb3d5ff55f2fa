/* The dataset cards: README.md with front matter for Hugging Face, README.zh-CN.md. All they say is a function of stats.json. */
#include "base/alloc.h"
#include "stages/release/release.h"

struct card {
	struct buf *b;
	const struct json *stats;
	bool zh;
};

static void say(const struct card *c, const char *english, const char *chinese)
{
	buf_puts(c->b, c->zh ? chinese : english);
}

static long long number(const struct json *from, const char *key)
{
	return (long long)json_get_int(from, key, 0);
}

/* "307 h 12 min", "12 min 5 s" */
static void duration(const struct card *c, int64_t ms)
{
	long long s = (long long)(ms + 500) / 1000;
	if (s >= 3600)
		buf_printf(c->b, c->zh ? "%lld 小时 %lld 分" : "%lld h %lld min", s / 3600, s % 3600 / 60);
	else
		buf_printf(c->b, c->zh ? "%lld 分 %lld 秒" : "%lld min %lld s", s / 60, s % 60);
}

/* A number in thousandths with one digit after the point: "-23.0", "17.4". */
static void thousandths(struct buf *b, int64_t v)
{
	int64_t size = v < 0 ? -v : v;
	int64_t tenths = (size + 50) / 100;
	buf_printf(b, "%s%lld.%lld", v < 0 && tenths ? "-" : "", (long long)(tenths / 10), (long long)(tenths % 10));
}

/* A cell of a table, or a word in a line: names come from the configuration. */
static void cell(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char ch = s.p[i];
		if (ch == '|' || ch == '<' || ch == '`' || ch == '*')
			buf_putc(b, '\\');
		buf_putc(b, (unsigned char)ch < ' ' ? ' ' : ch);
	}
}

/* --- Front matter --- */

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

static bool has_sft(const struct json *stats)
{
	return json_count(json_get(stats, "sft")) > 0;
}

static bool has_bench(const struct json *stats)
{
	return json_count(json_get(stats, "bench")) > 0;
}

static void front_matter(struct buf *b, const struct json *stats)
{
	buf_puts(b, "---\nlicense: ");
	json_write_string(b, json_get_str(json_get(stats, "card"), "license"));
	buf_puts(b, "\nlanguage:\n- zh\npretty_name: ");
	json_write_string(b, json_get_str(stats, "dataset"));
	buf_puts(b, "\ntask_categories:\n- audio-classification\n- text-classification\n");
	if (has_sft(stats))
		buf_puts(b, "annotations_creators:\n- machine-generated\n");
	buf_puts(b, "tags:\n- audio\n- telephone\n- fraud-detection\n- croissant\n");
	buf_printf(b, "size_categories:\n- %s\n", size_category(json_get_int(stats, "calls", 0)));
	buf_puts(b,
		"configs:\n- config_name: manifest\n  default: true\n  data_files:\n  - split: full\n    path: manifest.jsonl\n"
		"- config_name: binary_classification\n  data_files:\n  - split: full\n    path: "
		"binary_classification.zip\n---\n\n");
}

/* --- Sections --- */

static void table(const struct card *c, const char *english, const char *chinese, const struct json *counts)
{
	if (json_count(counts) == 0)
		return;
	const char *title = c->zh ? chinese : english;
	buf_printf(c->b, "\n### %s\n\n| %s | %s |\n|---|---:|\n", title, title, c->zh ? "通话数" : "calls");
	JSON_EACH(item, counts) {
		buf_puts(c->b, "| ");
		cell(c->b, item->key);
		buf_printf(c->b, " | %lld |\n", json_is(item, JSON_INT) ? (long long)item->u.i : 0);
	}
}

static void summary(const struct card *c)
{
	struct buf *b = c->b;
	const struct json *labels = json_get(c->stats, "labels"), *ms = json_get(c->stats, "duration_ms");
	const struct json *turns = json_get(c->stats, "turns");
	long long calls = number(c->stats, "calls");
	buf_puts(b, "# ");
	cell(b, json_get_str(c->stats, "dataset"));
	say(c, "\n\n[中文说明](README.zh-CN.md)\n\n", "\n\n[English](README.md)\n\n");
	if (c->zh)
		buf_printf(b, "本数据集共 %lld 通中文电话语音，总时长 ", calls);
	else
		buf_printf(b, "%lld Chinese telephone call%s with speech, ", calls, calls == 1 ? "" : "s");
	duration(c, json_get_int(ms, "total", 0));
	buf_printf(b,
		c->zh ? "，其中诈骗 %lld 通，正常 %lld 通。平均每通 " : " in all: %lld fraudulent, %lld normal. A call lasts ",
		number(labels, "fraud"), number(labels, "normal"));
	thousandths(b, json_get_int(ms, "mean", 0));
	say(c, " s on average (", " 秒（");
	thousandths(b, json_get_int(ms, "min", 0));
	say(c, " s to ", " 至 ");
	thousandths(b, json_get_int(ms, "max", 0));
	buf_printf(b, c->zh ? " 秒），%lld 至 %lld 个话轮。" : " s), and has %lld to %lld turns.", number(turns, "min"),
		number(turns, "max"));
	struct str date = json_get_str(json_get(c->stats, "card"), "date");
	if (date.n)
		buf_printf(b, c->zh ? "发布日期 %.*s。" : " Released %.*s.", STR_FMT(date));
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

/* What spoke: of a server the model that it was asked for. Empty when the tools do not tell. */
static struct str speaker(const struct json *stats)
{
	static const char *const known[][2] = {{"espeak", "libespeak-ng"}, {"chattts", "ChatTTS"}};
	const struct json *tools = json_path(stats, "build.tools");
	for (size_t i = 0; i < COUNT_OF(known); i++)
		if (json_get(tools, known[i][0]))
			return str_of(known[i][1]);
	return json_get_str(json_path(json_get(tools, "openai-speech"), "options"), "model");
}

static void speech(const struct card *c)
{
	struct str by = speaker(c->stats);
	say(c, " The speech is synthetic", "语音均由程序");
	if (by.n)
		buf_printf(c->b, c->zh ? "（%.*s）" : ", by %.*s", STR_FMT(by));
	say(c, ": no person is heard in these files.", "合成，不是真人录音。");
}

static bool written_by_script(const struct json *stats)
{
	return number(json_get(stats, "writers"), "script") > 0 ||
		   number(json_get(json_get(stats, "annotations"), "writers"), "script") > 0;
}

/* Who writes: "script" has no model behind it, and must not be taken for one. */
static void writer(const struct card *c, const struct json *item, bool annotations)
{
	long long n = (long long)item->u.i;
	bool script = str_is(item->key, "script");
	if (annotations)
		buf_printf(c->b, c->zh ? "%lld 通的标注由" : " The annotations of %lld calls were ", n);
	else
		buf_printf(c->b, c->zh ? "%lld 通的文本由" : " The text of %lld calls was ", n);
	if (script && annotations)
		say(c, "filled into templates from the given labels, without a model.", "模板按已知标签填写，未使用语言模型。");
	else if (script)
		say(c, "put together from templates (scenarios, or other calls), without a model.",
			"模板（场景或其他通话）拼成，未使用语言模型。");
	else
		buf_printf(c->b, c->zh ? " %.*s 写成。" : "written by %.*s.", STR_FMT(item->key));
}

void release_origin(struct buf *b, const struct json *stats, bool chinese)
{
	struct card c = {.b = b, .stats = stats, .zh = chinese};
	long long from_text = number(json_get(stats, "sources"), "asr");
	size_t from = b->len;
	if (spoken(stats))
		speech(&c);
	if (from_text)
		buf_printf(b, c.zh ? "%lld 通的文本来自转写稿。" : " The text of %lld calls comes from transcripts.", from_text);
	JSON_EACH(item, json_get(stats, "writers"))
		writer(&c, item, false);
	JSON_EACH(item, json_get(json_get(stats, "annotations"), "writers"))
		writer(&c, item, true);
	if (b->len == from) /* said in any case */
		say(&c, " Where texts and sounds come from is in manifest.jsonl, call by call.",
			"文本与声音的来源逐通记在 manifest.jsonl。");
	/* English sentences begin with a blank; the first does not. */
	if (!chinese && b->len > from) {
		for (size_t i = from; i + 1 < b->len; i++)
			b->data[i] = b->data[i + 1];
		buf_truncate(b, b->len - 1);
	}
}

static void provenance(const struct card *c)
{
	const struct json *surrogates = json_get(c->stats, "surrogates");
	say(c, "\n## Where it comes from\n\n", "\n## 来源\n\n");
	release_origin(c->b, c->stats, c->zh);
	if (written_by_script(c->stats))
		say(c, " Texts made from templates repeat themselves: results on them say little about real calls.",
			"模板文本重复度高，在其上得到的结果不能代表真实通话。");
	if (json_count(surrogates)) {
		say(c, " Personal data in transcripts was replaced by invented data:", "转写稿中的个人信息已替换为虚构内容：");
		const char *between = " ";
		JSON_EACH(item, surrogates) {
			buf_printf(c->b, "%s%lld %.*s", between, (long long)item->u.i, STR_FMT(item->key));
			between = c->zh ? "，" : ", ";
		}
		say(c, ".", "。");
	}
	if (number(c->stats, "linked"))
		buf_printf(c->b,
			c->zh ? "有 %lld 通与另一通近似（`group` 相同），划分时在同一侧。"
				  : " %lld calls are near-duplicates of another one (the same `group`); they are on one side of the "
					"split.",
			number(c->stats, "linked"));
	buf_puts(c->b, "\n");
}

/* Which side is heard where. */
static void sides(const struct card *c)
{
	const struct json *channels = json_path(c->stats, "audio.channels");
	bool mono = json_get(channels, "1"), stereo = json_get(channels, "2");
	if (stereo)
		say(c, "; the left channel is the fraudster or the service, the right one the user",
			"；左声道为诈骗者或服务方，右声道为用户");
	if (mono && stereo)
		say(c, "; calls of one channel have both sides on it", "；单声道的通话，双方在同一声道");
	else if (mono)
		say(c, "; both sides are on one channel, `segments` of `manifest.jsonl` tell who speaks when",
			"；双方在同一声道，`manifest.jsonl` 的 `segments` 说明谁在何时说话");
}

static void files(const struct card *c)
{
	say(c,
		"\n## Files\n\n| file | what |\n|---|---|\n"
		"| `audio.zip` | `audio/<name>.mp3`, one a call, stored",
		"\n## 文件\n\n| 文件 | 内容 |\n|---|---|\n"
		"| `audio.zip` | `audio/<name>.mp3`，每通一个，不压缩");
	sides(c);
	say(c,
		" |\n| `binary_classification.zip` | `binary_classification.jsonl`: `audio`, `label` (fraud or normal), `text` "
		"(a "
		"line a turn) |\n",
		" |\n| `binary_classification.zip` | `binary_classification.jsonl`：`audio`、`label`（fraud 或 "
		"normal）、`text`（每个话轮一行） |\n");
	if (json_get_bool(json_get(c->stats, "card"), "timelines", false))
		say(c, "| `timelines.zip` | `timelines/<name>.json`, one a call: `audio_segments`, who says what and when |\n",
			"| `timelines.zip` | `timelines/<name>.json`，每通一个：`audio_segments`，谁在何时说了什么 |\n");
	if (has_sft(c->stats))
		say(c,
			"| `sft.zip` | `train.jsonl`, `test.jsonl` in ms-swift form: `messages` (scene → fraud → fraud type, each "
			"reply `<think>…</think><answer>{json}</answer>`), `audios` |\n",
			"| `sft.zip` | `train.jsonl`、`test.jsonl`，ms-swift 格式：`messages`（场景 → 是否诈骗 → 诈骗类型，回答为 "
			"`<think>…</think><answer>{json}</answer>`）、`audios` |\n");
	if (has_bench(c->stats))
		say(c,
			"| `bench.zip` | `scene.json`, `fraud.json`, `fraud_type.json`: the test split, a list of `prompt`, "
			"`response`, `reasoning`, `answer` each, as the evaluation scripts of TeleAntiFraud read it |\n",
			"| `bench.zip` | `scene.json`、`fraud.json`、`fraud_type.json`：测试集，每项为 "
			"`prompt`、`response`、`reasoning`、`answer`，TeleAntiFraud 的评测脚本可直接读取 |\n");
	say(c,
		"| `manifest.jsonl` | a line a call: `id` (where it comes from), `name`, `label`, durations, loudness, SHA-256 "
		"of its sound |\n"
		"| `preview/` | a page with a few calls to look at and listen to |\n"
		"| `stats.json` | all counts, what was left out by which rule, and digests of what made this release |\n"
		"| `croissant.json` | the same files for machines (MLCommons Croissant) |\n"
		"| `SHA256SUMS` | for `sha256sum -c SHA256SUMS` |\n\n"
		"File names are drawn from the call's id by SHA-256, since ids tell the label. Do not show a model ids or the "
		"manifest.\n",
		"| `manifest.jsonl` | 每通一行：`id`（来源）、`name`、`label`、时长、响度、音频的 SHA-256 |\n"
		"| `preview/` | 试听页，含少量通话 |\n"
		"| `stats.json` | 全部统计、各规则剔除数、生成本发布的各项摘要值 |\n"
		"| `croissant.json` | 供机器读取的说明（MLCommons Croissant） |\n"
		"| `SHA256SUMS` | 校验：`sha256sum -c SHA256SUMS` |\n\n"
		"文件名由编号的 SHA-256 得出，因为编号会透露标签。不要把编号或 manifest 给模型看。\n");
	if (!has_sft(c->stats))
		say(c, "\nThis release has no annotations, so there is no `sft.zip` and no `bench.zip`.\n",
			"\n本发布没有标注，因此没有 `sft.zip` 和 `bench.zip`。\n");
	else if (!has_bench(c->stats))
		say(c, "\nNo annotated call is in the test split, so there is no `bench.zip`.\n",
			"\n测试集中没有带标注的通话，因此没有 `bench.zip`。\n");
}

static void loading(const struct card *c)
{
	say(c, "\n## How to load it\n\nWith Python's own library, in the folder of the release:\n\n",
		"\n## 如何读取\n\n在本目录下，用 Python 标准库即可：\n\n");
	buf_puts(c->b, "```python\nimport json, zipfile\n\n"
				   "calls = [json.loads(line) for line in open(\"manifest.jsonl\", encoding=\"utf-8\")]\n"
				   "audio = zipfile.ZipFile(\"audio.zip\")\n"
				   "mp3 = audio.read(calls[0][\"audio\"])  # bytes of an MP3 file\n\n"
				   "with zipfile.ZipFile(\"binary_classification.zip\") as z:\n"
				   "    rows = [json.loads(line) for line in z.open(\"binary_classification.jsonl\")]\n"
				   "print(len(calls), len(mp3), rows[0][\"label\"], rows[0][\"text\"])\n```\n");
	if (has_sft(c->stats)) {
		say(c, "\nTraining with ms-swift: unpack both zips side by side, since `audios` holds paths like `audio/<name>.mp3`.\n\n",
			"\n用 ms-swift 训练：把两个 zip 解到同一目录，`audios` 里是 `audio/<name>.mp3` 这样的路径。\n\n");
		buf_puts(c->b, "```python\nwith zipfile.ZipFile(\"sft.zip\") as z:\n"
					   "    train = [json.loads(line) for line in z.open(\"train.jsonl\")]\n"
					   "    test = [json.loads(line) for line in z.open(\"test.jsonl\")]\n"
					   "for row in (train + test)[:1]:\n"
					   "    print(row[\"audios\"], [m[\"role\"] for m in row[\"messages\"]])\n```\n");
	}
	if (has_bench(c->stats)) {
		say(c, "\nThe benchmark: keep `prompt` in your predictions exactly as it stands; the scripts join on it.\n\n",
			"\n评测：预测结果中请原样保留 `prompt`，评测脚本按它对齐。\n\n");
		buf_puts(c->b, "```python\nwith zipfile.ZipFile(\"bench.zip\") as z:\n"
					   "    bench = {task: json.load(z.open(task + \".json\")) for task in (\"scene\", \"fraud\", "
					   "\"fraud_type\")}\n"
					   "for task, items in bench.items():\n"
					   "    print(task, len(items), items[0][\"answer\"] if items else None)\n```\n");
	}
}

static void sound(const struct card *c)
{
	struct buf *b = c->b;
	const struct json *audio = json_get(c->stats, "audio");
	say(c, "\n## Sound\n\nMP3", "\n## 声音\n\nMP3");
	const char *comma = c->zh ? "，" : ", ", * or = c->zh ? " 或 " : " or ", *between = comma;
	JSON_EACH(item, json_get(audio, "sample_rates")) {
		buf_printf(b, "%s%.*s Hz", between, STR_FMT(item->key));
		between = or ;
	}
	between = comma;
	JSON_EACH(item, json_get(audio, "channels")) {
		buf_printf(b, "%s%.*s", between, STR_FMT(item->key));
		say(c, str_is(item->key, "1") ? " channel" : " channels", " 声道");
		between = or ;
	}
	const struct json *loudness = json_get(audio, "loudness_mlufs"), *peak = json_get(audio, "true_peak_mdbtp");
	if (loudness) {
		say(c, "; loudness of the decoded files ", "；解码后的响度 ");
		thousandths(b, json_get_int(loudness, "min", 0));
		say(c, " to ", " 至 ");
		thousandths(b, json_get_int(loudness, "max", 0));
		buf_puts(b, " LUFS");
	}
	if (peak) {
		say(c, ", true peak at most ", "，真峰值不高于 ");
		thousandths(b, json_get_int(peak, "max", 0));
		buf_puts(b, " dBTP");
	}
	say(c, ".\n", "。\n");
}

static int64_t sum(const struct json *counts)
{
	int64_t n = 0;
	JSON_EACH(item, counts)
		n += json_is(item, JSON_INT) ? item->u.i : 0;
	return n;
}

/* Which call is where, and how many items each task has. */
static void tasks(const struct card *c)
{
	const struct json *bench = json_get(c->stats, "bench"), *annotations = json_get(c->stats, "annotations");
	if (!has_sft(c->stats))
		return;
	say(c, "\n## Annotations and benchmark\n\n", "\n## 标注与评测\n\n");
	buf_printf(c->b, c->zh ? "%lld 通有标注。" : "%lld calls are annotated.", number(annotations, "calls"));
	if (number(annotations, "unusable"))
		buf_printf(c->b,
			c->zh ? "另有 %lld 通的标注与标签不符或不完整，未放入 `sft.zip` 与 `bench.zip`。"
				  : " The annotations of %lld more are at odds with the label or not whole; they are in neither zip.",
			number(annotations, "unusable"));
	buf_puts(c->b, "\n");
	table(c, "Conversations in sft.zip", "sft.zip 中的对话", json_get(c->stats, "sft"));
	if (!has_bench(c->stats))
		return;
	buf_printf(c->b, "\n### %s\n\n| %s | %s |\n|---|---:|\n", c->zh ? "bench.zip 中的题目" : "Items in bench.zip",
		c->zh ? "任务" : "task", c->zh ? "题数" : "items");
	JSON_EACH(task, bench)
		buf_printf(c->b, "| `%.*s` | %lld |\n", STR_FMT(task->key), (long long)sum(task));
}

static void hours(const struct card *c)
{
	buf_printf(c->b, "\n### %s\n\n| %s | %s |\n|---|---:|\n", c->zh ? "时长" : "Duration", c->zh ? "部分" : "part",
		c->zh ? "时长" : "duration");
	static const char *const parts[] = {"label_ms", "split_ms"};
	for (size_t i = 0; i < COUNT_OF(parts); i++)
		JSON_EACH(item, json_get(c->stats, parts[i])) {
			buf_printf(c->b, "| %.*s | ", STR_FMT(item->key));
			duration(c, json_is(item, JSON_INT) ? item->u.i : 0);
			buf_puts(c->b, " |\n");
		}
}

static void contents(const struct card *c)
{
	say(c, "\n## Contents\n", "\n## 内容统计\n");
	table(c, "Labels", "标签", json_get(c->stats, "labels"));
	table(c, "Fraud types", "诈骗类型", json_get(c->stats, "fraud_types"));
	table(c, "Scenes", "场景", json_get(c->stats, "scenes"));
	table(c, "Sources", "来源", json_get(c->stats, "sources"));
	table(c, "Splits", "划分", json_get(c->stats, "splits"));
	hours(c);
}

static void left_out(const struct card *c)
{
	struct buf *b = c->b;
	const struct json *left = json_get(c->stats, "left_out");
	say(c, "\n## What was left out\n\n", "\n## 剔除\n\n");
	buf_printf(b,
		c->zh ? "%lld 通被规则剔除，%lld 通未能生成（已隔离）。\n"
			  : "%lld calls were rejected by a rule, %lld could not be made (quarantined).\n",
		number(left, "rejected"), number(left, "quarantined"));
	if (json_get_bool(c->stats, "partial", false))
		say(c, "This is a partial release: more calls are missing than its pipeline allows.\n",
			"这是不完整的发布：缺失的通话多于流程允许的数量。\n");
	bool head = false;
	JSON_EACH(stage, json_get(c->stats, "stages")) {
		JSON_EACH(rule, json_get(stage, "rules")) {
			if (!head)
				say(c, "\n| stage | rule | calls |\n|---|---|---:|\n", "\n| 阶段 | 规则 | 通话数 |\n|---|---|---:|\n");
			head = true;
			buf_puts(b, "| ");
			cell(b, json_get_str(stage, "name"));
			buf_puts(b, " | ");
			cell(b, rule->key);
			buf_printf(b, " | %lld |\n", json_is(rule, JSON_INT) ? (long long)rule->u.i : 0);
		}
	}
}

static void made_by(const struct card *c)
{
	const struct json *build = json_get(c->stats, "build");
	struct str version = json_get_str(build, "taf"), digest = json_get_str(build, "digest");
	say(c, "\n## How it was made\n\nBy taf", "\n## 生成方式\n\n由 taf");
	if (version.n)
		buf_printf(c->b, " %.*s", STR_FMT(version));
	if (digest.n)
		buf_printf(
			c->b, c->zh ? " 按摘要为 `%.*s` 的流程生成" : ", from the pipeline with digest `%.*s`", STR_FMT(digest));
	buf_printf(c->b,
		c->zh ? "；全部文件名排序后的摘要为 `%.*s`。输入相同，字节相同。`taf verify` 可核对全部文件。\n"
			  : "; the digest of its sorted file names is `%.*s`. Equal input gives equal bytes. `taf verify` holds "
				"all files "
				"against each other.\n",
		STR_FMT(json_get_str(build, "members")));
}

void release_card(struct buf *b, const struct json *stats, bool chinese)
{
	struct card c = {.b = b, .stats = stats, .zh = chinese};
	if (!chinese)
		front_matter(b, stats);
	summary(&c);
	provenance(&c);
	files(&c);
	loading(&c);
	sound(&c);
	tasks(&c);
	contents(&c);
	left_out(&c);
	made_by(&c);
}

/* The three questions of a call (scene → fraud → fraud type): training rows for sft.zip, items for bench.zip.
 *
 * What the public evaluation scripts of TeleAntiFraud read (github.com/JimmyMa99/TeleAntiFraud, folder evaluation/, as of commit 414fea8):
 * - prepare_judge_inputs.py takes references as a JSON list of {prompt, response, reasoning, answer}. It joins predictions on `prompt`, as sorted
 *   JSON text: two items of one prompt would be one, hence the path of the sound in the user message. The task is told by words anywhere in the
 *   prompt's JSON: 欺诈类型分类 if it has "fraud_type", else 欺诈分类 if "is_fraud", else 场景分类 if "scene". `response` stands beside what a model wrote between
 *   <answer> and </answer>, `reasoning` beside what it wrote between <think> and </think> (both non-greedy), so neither has the tags here.
 * - compute_classification_metrics.py takes `answer` as the true label, as it stands: fraud and normal, or a text of the closed sets; of a response it reads
 *   the first JSON object, there is_fraud as a boolean, fraud_type and scene as texts.
 * - run_lm_judge.py formats reference_answer (our `response`) and reference_reasoning (our `reasoning`) into the judge's prompt.
 * Order of the answer's keys as its README lists them. ms-swift (docs: custom dataset): `messages`, `audios`, one <audio> in the text for each sound. */
#include "base/alloc.h"
#include "base/fs.h"
#include "core/call.h"
#include "io/yaml.h"
#include "stages/release/release.h"

#define ROUNDS_FILE_MAX ((size_t)1 << 20)

/* A round is named as its answer's key in the annotations and in rounds.yaml, but for "fraud". */
static const struct {
	const char *name, *key;
} rounds[RELEASE_ROUNDS] = {{"scene", "scene"}, {"fraud", "is_fraud"}, {"fraud_type", "fraud_type"}};

const char *release_round_name(int round)
{
	return rounds[round].name;
}

/* --- rounds.yaml --- */

static bool names(struct str text, const char *word)
{
	return str_find(text, str_of(word)) >= 0;
}

/* The rule that tells the task of a prompt, in the scripts' order. */
int release_task_of(struct str text)
{
	for (int i = RELEASE_ROUNDS - 1; i >= 0; i--)
		if (names(text, rounds[i].key))
			return i;
	return -1;
}

static struct str fill(struct arena *a, struct str text, const struct str *labels, size_t n)
{
	const struct str slot = STR("{labels}");
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	ptrdiff_t at = str_find(text, slot);
	if (at >= 0) {
		buf_add(&b, text.p, (size_t)at);
		for (size_t i = 0; i < n; i++) {
			buf_puts(&b, i ? "、" : "");
			buf_str(&b, labels[i]);
		}
		text = str_n(text.p + at + slot.n, text.n - (size_t)at - slot.n);
	}
	buf_str(&b, text);
	return arena_str(a, buf_view(&b));
}

static int wrong(struct err *e, const struct yaml_node *node, struct str source, const char *message)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	yaml_point(&b, node->mark, source, message);
	return err_set(e, ERR_CONFIG, "%s", b.data);
}

/* A text of rounds.yaml; `task`: what its words must tell, -1 for nothing. */
static int text_of(
	const struct yaml_node *tree, const char *key, int task, struct str source, struct str *ret, struct err *e)
{
	const struct yaml_node *node = yaml_get(tree, key);
	if (!node || node->kind != YAML_SCALAR || str_trim(node->text).n == 0)
		return wrong(e, node ? node : tree, source, "a text is wanted for each of system, scene, fraud, fraud_type");
	if (release_task_of(node->text) != task)
		return wrong(e, node, source,
			task < 0 ? "the system text must name no answer key (scene, is_fraud, fraud_type): they tell the task of a "
					   "prompt"
					 : "the text must name its own answer key (scene, is_fraud, fraud_type) and none of a later round: "
					   "they tell the task");
	if (names(node->text, "<audio>"))
		return wrong(e, node, source, "<audio> is put in by the stage, once a call");
	*ret = node->text;
	return 0;
}

int release_rounds_load(
	struct arena *a, const char *path, const struct labels *labels, struct release_rounds *ret, struct err *e)
{
	CLEANUP(buf_release) struct buf bytes = BUF_INIT;
	CLEANUP(buf_release) struct buf canonical = BUF_INIT;
	struct yaml_node *tree = NULL;
	int rc = fs_read(path, ROUNDS_FILE_MAX, &bytes, e);
	if (rc == 0)
		rc = yaml_parse(a, arena_strdup(a, path), buf_view(&bytes), &tree, e);
	if (rc == 0)
		rc = text_of(tree, "system", -1, buf_view(&bytes), &ret->system, e);
	for (int i = 0; rc == 0 && i < RELEASE_ROUNDS; i++) {
		struct str text;
		rc = text_of(tree, rounds[i].name, i, buf_view(&bytes), &text, e);
		bool type = i == RELEASE_TYPE;
		if (rc == 0)
			ret->ask[i] = type ? fill(a, text, labels->fraud_types, labels->nfraud_types)
							   : fill(a, text, labels->scenes, labels->nscenes);
	}
	if (rc < 0)
		return rc;
	yaml_canonical(&canonical, tree);
	digest_of(canonical.data, canonical.len, &ret->digest);
	return 0;
}

/* --- Whether a call's annotations can be used --- */

/* Tags end a reply too early for those who cut it by them, and <audio> asks for a second sound. */
static bool has_tags(struct str text)
{
	static const char *const tags[] = {"<think>", "</think>", "<answer>", "</answer>", "<audio>"};
	for (size_t i = 0; i < COUNT_OF(tags); i++)
		if (names(text, tags[i]))
			return true;
	return false;
}

static const struct json *round_of(const struct json *call, int round)
{
	return json_get(json_get(call, "annotations"), rounds[round].name);
}

static bool round_whole(const struct json *round)
{
	const struct json *answer = json_get(round, "answer");
	struct str thinking = json_get_str(round, "thinking"), reason = json_get_str(answer, "reason");
	int64_t percent = json_get_int(answer, "confidence_percent", -1);
	return thinking.n && reason.n && percent >= 0 && percent <= 100 && !has_tags(thinking) && !has_tags(reason);
}

static bool same_label(const struct json *call, const char *key, struct str answer)
{
	struct str given = json_get_str(json_get(call, "label"), key);
	return answer.n && !has_tags(answer) && (given.n == 0 || str_eq(given, answer));
}

int release_rounds_of(const struct json *call)
{
	if (!json_is(json_get(call, "annotations"), JSON_OBJECT))
		return 0;
	const struct json *scene = round_of(call, RELEASE_SCENE), *fraud = round_of(call, RELEASE_FRAUD);
	const struct json *type = round_of(call, RELEASE_TYPE);
	const struct json *is = json_get(json_get(fraud, "answer"), "is_fraud");
	bool truth = json_get_bool(json_get(call, "label"), "is_fraud", false);
	if (!round_whole(scene) || !same_label(call, "scene", json_get_str(json_get(scene, "answer"), "scene")))
		return -1;
	if (!round_whole(fraud) || !json_is(is, JSON_BOOL) || is->u.b != truth)
		return -1;
	if (!truth)
		return 2;
	if (!round_whole(type) || !same_label(call, "fraud_type", json_get_str(json_get(type, "answer"), "fraud_type")))
		return -1;
	return 3;
}

/* --- Texts --- */

/* Free text must not name the answer key of a later round, or the task of the next prompt would be taken for that one's. */
static void free_text(struct buf *b, struct str text)
{
	const struct {
		struct str word, instead;
	} words[] = {{STR("fraud_type"), STR("诈骗类型")}, {STR("is_fraud"), STR("是否诈骗")}};
	while (text.n) {
		size_t hit = COUNT_OF(words), at = text.n;
		for (size_t i = 0; i < COUNT_OF(words); i++) {
			ptrdiff_t found = str_find(text, words[i].word);
			if (found >= 0 && (size_t)found < at) {
				at = (size_t)found;
				hit = i;
			}
		}
		buf_add(b, text.p, at);
		if (hit == COUNT_OF(words))
			return;
		buf_str(b, words[hit].instead);
		at += words[hit].word.n;
		text = str_n(text.p + at, text.n - at);
	}
}

struct str release_answer(const struct json *call, int round)
{
	const struct json *answer = json_get(round_of(call, round), "answer");
	if (round != RELEASE_FRAUD)
		return json_get_str(answer, rounds[round].key);
	return json_get_bool(answer, "is_fraud", false) ? STR("fraud") : STR("normal");
}

/* {"scene":…,"reason":…,"confidence":0.95}: two decimals always, keys in the order of the scripts' README. */
static void answer_text(struct buf *b, const struct json *call, int round)
{
	const struct json *answer = json_get(round_of(call, round), "answer");
	CLEANUP(buf_release) struct buf reason = BUF_INIT;
	int64_t percent = json_get_int(answer, "confidence_percent", 0);
	free_text(&reason, json_get_str(answer, "reason"));
	buf_putc(b, '{');
	if (round != RELEASE_FRAUD) {
		buf_printf(b, "\"%s\":", rounds[round].key);
		json_write_string(b, json_get_str(answer, rounds[round].key));
		buf_putc(b, ',');
	}
	buf_puts(b, "\"reason\":");
	json_write_string(b, buf_view(&reason));
	buf_printf(b, ",\"confidence\":%lld.%02lld", (long long)(percent / 100), (long long)(percent % 100));
	if (round == RELEASE_FRAUD)
		buf_printf(b, ",\"is_fraud\":%s", json_get_bool(answer, "is_fraud", false) ? "true" : "false");
	buf_putc(b, '}');
}

static void thinking_text(struct buf *b, const struct json *call, int round)
{
	free_text(b, json_get_str(round_of(call, round), "thinking"));
}

/* --- Messages --- */

static void message(struct arena *a, struct json *list, const char *role, const struct buf *text)
{
	struct json *m = json_object(a);
	json_set_text(a, m, "role", role);
	json_set_str(a, m, "content", buf_view(text));
	json_append(list, m);
}

/* The messages up to the question of `last`; with its reply when `replied`. `sound` stands before the first question. */
static struct json *messages(
	struct arena *a, const struct release_rounds *r, const struct json *call, const char *sound, int last, bool replied)
{
	struct json *list = json_array(a);
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	buf_str(&text, r->system);
	message(a, list, "system", &text);
	for (int i = 0; i <= last; i++) {
		buf_clear(&text);
		if (i == 0)
			buf_puts(&text, sound);
		buf_str(&text, r->ask[i]);
		message(a, list, "user", &text);
		if (i == last && !replied)
			break;
		buf_clear(&text);
		buf_puts(&text, "<think>");
		thinking_text(&text, call, i);
		buf_puts(&text, "</think><answer>");
		answer_text(&text, call, i);
		buf_puts(&text, "</answer>");
		message(a, list, "assistant", &text);
	}
	return list;
}

struct json *release_sft_row(struct arena *a, const struct release_rounds *r, const char *name, const struct json *call)
{
	struct json *row = json_object(a), *audios = json_array(a);
	json_append(audios, json_text(a, arena_printf(a, "audio/%s.mp3", name)));
	json_set(a, row, "messages", messages(a, r, call, "<audio>", release_rounds_of(call) - 1, true));
	json_set(a, row, "audios", audios);
	return row;
}

struct json *release_bench_item(
	struct arena *a, const struct release_rounds *r, const char *name, const struct json *call, int round)
{
	CLEANUP(buf_release) struct buf answer = BUF_INIT;
	CLEANUP(buf_release) struct buf thinking = BUF_INIT;
	struct json *item = json_object(a);
	answer_text(&answer, call, round);
	thinking_text(&thinking, call, round);
	json_set(
		a, item, "prompt", messages(a, r, call, arena_printf(a, "<audio>audio/%s.mp3</audio>\n", name), round, false));
	json_set_str(a, item, "response", buf_view(&answer));
	json_set_str(a, item, "reasoning", buf_view(&thinking));
	json_set_str(a, item, "answer", release_answer(call, round));
	return item;
}

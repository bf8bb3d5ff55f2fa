/* Whether annotations are what they must be. Written apart from the stage: it reads texts as a reader does. */
#include "tests/stages/annotate/notes.h"

#include "base/utf8.h"
#include "core/call.h"

#include <string.h>

#define THINKING_MIN 80
#define THINKING_MAX 400
#define REASON_MAX 120
#define QUOTE_LONGEST 20

struct reading {
	struct arena *a;
	const struct json *turns;
	struct notes_count *count;
	size_t nquotes;
};

static const char *const leaks[] = {
	"已知", "标签", "答案", "标注", "给定", "题目", "提示词", "真实类别", "正确类别", "人工智能", "大模型", NULL};
static const char *const slips[] = {"。。", "，，", "，。", "。，", "：，", "：。", "，：", "、，", "；，", "；。", NULL};

static const char *clean(struct reading *r, struct str text)
{
	for (size_t i = 0; leaks[i]; i++)
		if (str_find(text, str_of(leaks[i])) >= 0)
			return arena_printf(r->a, "says %s: %.*s", leaks[i], STR_FMT(text));
	for (size_t i = 0; slips[i]; i++)
		if (str_find(text, str_of(slips[i])) >= 0)
			return arena_printf(r->a, "has %s: %.*s", slips[i], STR_FMT(text));
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c > 0 && strchr("*#_`<>|[]{}~\n\"'\\", c)))
			return arena_printf(r->a, "has the character %c: %.*s", c, STR_FMT(text));
	}
	if (!str_ends(text, "。"))
		return arena_printf(r->a, "does not end with a full stop: %.*s", STR_FMT(text));
	return NULL;
}

/* 第N轮 at the front of the text: N, or 0. */
static size_t turn_named(struct str text)
{
	size_t n = 0, i = strlen("第");
	if (!str_starts(text, "第"))
		return 0;
	while (i < text.n && text.p[i] >= '0' && text.p[i] <= '9')
		n = n * 10 + (size_t)(text.p[i++] - '0');
	return str_starts(str_n(text.p + i, text.n - i), "轮") ? n : 0;
}

static const char *quote_problem(struct reading *r, struct str quote, size_t turn)
{
	size_t n = utf8_count(quote);
	if (!turn)
		return arena_printf(r->a, "quotes %.*s before any turn", STR_FMT(quote));
	if (n < 2 || n > QUOTE_LONGEST)
		return arena_printf(r->a, "quotes %zu characters: %.*s", n, STR_FMT(quote));
	if (str_find(turn_text(json_at(r->turns, turn - 1)), quote) < 0)
		return arena_printf(r->a, "turn %zu does not say %.*s", turn, STR_FMT(quote));
	r->nquotes++;
	return NULL;
}

static const char *citations(struct reading *r, struct str text)
{
	size_t turn = 0, turns = json_count(r->turns);
	r->nquotes = 0;
	for (struct str rest = text; rest.n;) {
		size_t named = turn_named(rest);
		ptrdiff_t end = str_find(rest, STR("」"));
		if (str_starts(rest, "第") && named) {
			turn = named;
			if (turn > turns)
				return arena_printf(r->a, "names turn %zu of %zu", turn, turns);
		}
		if (str_starts(rest, "」"))
			return "has a 」 without its 「";
		if (!str_starts(rest, "「")) {
			uint32_t cp;
			utf8_next(&rest, &cp);
			continue;
		}
		if (end < 0)
			return "has a 「 without its 」";
		size_t from = strlen("「");
		struct str quote = str_n(rest.p + from, (size_t)end - from);
		const char *wrong = quote_problem(r, quote, turn);
		if (wrong)
			return wrong;
		r->count->quotes++;
		rest = str_n(rest.p + end + strlen("」"), rest.n - (size_t)end - strlen("」"));
	}
	r->count->without_quote += r->nquotes == 0;
	return NULL;
}

static const char *round_problem(struct reading *r, const struct json *round)
{
	struct str thinking = json_get_str(round, "thinking");
	const struct json *answer = json_get(round, "answer");
	struct str reason = json_get_str(answer, "reason");
	size_t n = utf8_count(thinking);
	int64_t percent = json_get_int(answer, "confidence_percent", -1);
	if (n < THINKING_MIN || n > THINKING_MAX)
		return arena_printf(r->a, "is %zu characters long: %.*s", n, STR_FMT(thinking));
	if (utf8_count(reason) < 10 || utf8_count(reason) > REASON_MAX)
		return arena_printf(r->a, "has a reason of %zu characters: %.*s", utf8_count(reason), STR_FMT(reason));
	if (percent < 1 || percent > 99 || json_count(answer) != 3)
		return "has not three members with a confidence between 1 and 99";
	r->count->rounds++;
	if (n < r->count->shortest || !r->count->shortest)
		r->count->shortest = n;
	if (n > r->count->longest)
		r->count->longest = n;
	const char *wrong = clean(r, thinking);
	if (!wrong)
		wrong = clean(r, reason);
	return wrong ? wrong : citations(r, thinking);
}

static bool agrees(const struct json *label, const struct json *wrote)
{
	const struct json *notes = json_get(wrote, "annotations"), *chosen = json_get(wrote, "label");
	bool fraud = json_get_bool(label, "is_fraud", false);
	struct str scene = json_get_str(label, "scene"), type = json_get_str(label, "fraud_type");
	if (scene.n ? chosen != NULL : !str_is(json_get_str(chosen, "scene_origin"), "model"))
		return false;
	if (!scene.n)
		scene = json_get_str(chosen, "scene");
	if (!scene.n || !str_eq(json_get_str(json_path(notes, "scene.answer"), "scene"), scene))
		return false;
	if (json_get_bool(json_path(notes, "fraud.answer"), "is_fraud", !fraud) != fraud)
		return false;
	if (!fraud || !type.n)
		return !json_get(notes, "fraud_type");
	return str_eq(json_get_str(json_path(notes, "fraud_type.answer"), "fraud_type"), type);
}

const char *notes_problem(struct arena *a, const struct json *call, const struct json *wrote, struct notes_count *count)
{
	static const char *const rounds[] = {"scene", "fraud", "fraud_type", NULL};
	struct reading r = {.a = a, .turns = json_get(call, "turns"), .count = count};
	const struct json *notes = json_get(wrote, "annotations");
	if (!str_is(json_get_str(notes, "writer"), "script"))
		return "does not say that script wrote it";
	if (!agrees(json_get(call, "label"), wrote))
		return "does not agree with the label";
	for (size_t i = 0; rounds[i]; i++) {
		const struct json *round = json_get(notes, rounds[i]);
		const char *wrong = round ? round_problem(&r, round) : NULL;
		if (wrong)
			return arena_printf(a, "%s %s", rounds[i], wrong);
	}
	return NULL;
}

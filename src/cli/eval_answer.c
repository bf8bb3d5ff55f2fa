/* The answer in what a model wrote. */
#include "base/alloc.h"
#include "base/err.h"
#include "cli/eval.h"

#define ANSWER_MAX ((size_t)64 << 10) /* bytes of an answer's JSON */
#define OPENINGS_MAX 1000             /* '{' that are looked at in one text */

static ptrdiff_t find_last(struct str s, struct str needle)
{
	for (size_t i = s.n >= needle.n ? s.n - needle.n + 1 : 0; i-- > 0;)
		if (str_eq(str_n(s.p + i, needle.n), needle))
			return (ptrdiff_t)i;
	return -1;
}

static struct str after(struct str s, size_t n)
{
	return str_n(s.p + n, s.n - n);
}

/* What follows the thinking. A template may have opened it in the prompt, so its end counts; thinking that never ends holds no answer. */
static struct str without_thinking(struct str text)
{
	const struct str open = STR("<think>"), shut = STR("</think>");
	ptrdiff_t at = find_last(text, shut);
	if (at >= 0)
		text = after(text, (size_t)at + shut.n);
	at = str_find(text, open);
	return at >= 0 ? str_n(text.p, (size_t)at) : text;
}

static bool in_tags(struct str text, struct str *ret)
{
	const struct str open = STR("<answer>"), shut = STR("</answer>");
	ptrdiff_t at = find_last(text, open);
	if (at < 0)
		return false;
	*ret = after(text, (size_t)at + open.n);
	at = str_find(*ret, shut);
	if (at >= 0)
		ret->n = (size_t)at;
	return true;
}

/* Bytes of the object that begins at s, or 0 when it is not closed within the limit. */
static size_t object_length(struct str s)
{
	int depth = 0;
	bool in_string = false;
	for (size_t i = 0; i < s.n && i < ANSWER_MAX; i++) {
		char c = s.p[i];
		if (in_string) {
			i += c == '\\';
			in_string = c != '"';
		} else if (c == '"') {
			in_string = true;
		} else if (c == '{') {
			depth++;
		} else if (c == '}' && --depth == 0) {
			return i + 1;
		}
	}
	return 0;
}

/* The last object of the text that has the key. */
static const struct json *last_value(struct arena *a, struct str text, const char *key)
{
	const struct json *last = NULL;
	int openings = 0;
	while (text.n && openings < OPENINGS_MAX) {
		struct json *v;
		if (text.p[0] != '{') {
			text = after(text, 1);
			continue;
		}
		openings++;
		size_t n = object_length(text);
		if (!n || json_parse(a, str_n(text.p, n), &v, NULL) < 0) {
			text = after(text, 1);
			continue;
		}
		if (json_get(v, key))
			last = json_get(v, key);
		text = after(text, n);
	}
	return last;
}

static bool says(struct str s, const char *word)
{
	size_t i = 0;
	for (; i < s.n && word[i]; i++) {
		char c = s.p[i] >= 'A' && s.p[i] <= 'Z' ? (char)(s.p[i] - 'A' + 'a') : s.p[i];
		if (c != word[i])
			return false;
	}
	return i == s.n && !word[i];
}

static int fraud_label(const struct eval_labels *labels, const struct json *v)
{
	struct str text = json_is(v, JSON_STRING) ? str_trim(v->u.s) : (struct str){NULL, 0};
	if (json_is(v, JSON_BOOL))
		return eval_label(labels, v->u.b ? STR("fraud") : STR("normal"));
	if (says(text, "true"))
		return eval_label(labels, STR("fraud"));
	return says(text, "false") ? eval_label(labels, STR("normal")) : -1;
}

/* The label itself, or a text that names exactly one: "客服诈骗（冒充客服）". */
static int named_label(const struct eval_labels *labels, const struct json *v)
{
	struct str text = json_is(v, JSON_STRING) ? str_trim(v->u.s) : (struct str){NULL, 0};
	int found = eval_label(labels, text), named = -1, n = 0;
	for (size_t i = 0; found < 0 && i < labels->n; i++) {
		if (str_find(text, labels->v[i]) < 0)
			continue;
		named = (int)i;
		n++;
	}
	return found >= 0 ? found : n == 1 ? named : -1;
}

enum eval_found eval_answer(enum eval_task task, const struct eval_labels *labels, struct str text, int *ret_label)
{
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	struct str said = without_thinking(text), tagged;
	const struct json *v = NULL;
	if (in_tags(said, &tagged))
		v = last_value(&a, tagged, eval_task_keys[task]);
	if (!v)
		v = last_value(&a, said, eval_task_keys[task]);
	if (!v)
		return EVAL_UNPARSABLE;
	int label = task == EVAL_FRAUD ? fraud_label(labels, v) : named_label(labels, v);
	if (label < 0)
		return EVAL_INVALID;
	*ret_label = label;
	return EVAL_FOUND;
}

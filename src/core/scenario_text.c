/* Texts with marks: `<slot>` and `<甲|乙|>`, as parts; which slots they use. */
#include "core/scenario_parts.h"

#include <string.h>

#define CHOICE_DEPTH_MAX 4

/** Length of the marked piece that starts at s.p[0] == '<', with both brackets; 0 when it does not end. */
static size_t mark_length(struct str s)
{
	int depth = 0;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '<')
			depth++;
		else if (s.p[i] == '>' && --depth == 0)
			return i + 1;
	}
	return 0;
}

/** Cut the next alternative off at a '|' that is not inside brackets. False at the end. */
static bool next_option(struct str *rest, struct str *ret)
{
	if (!rest->p)
		return false;
	int depth = 0;
	for (size_t i = 0; i < rest->n; i++) {
		char c = rest->p[i];
		depth += c == '<' ? 1 : c == '>' ? -1 : 0;
		if (c == '|' && depth == 0) {
			*ret = str_n(rest->p, i);
			*rest = str_n(rest->p + i + 1, rest->n - i - 1);
			return true;
		}
	}
	*ret = *rest;
	*rest = (struct str){NULL, 0};
	return true;
}

static void parse_text(
	struct scenario_reader *r, struct str s, struct yaml_mark mark, int depth, struct scenario_text *ret);

static void parse_mark(
	struct scenario_reader *r, struct str inner, struct yaml_mark mark, int depth, struct scenario_part *ret)
{
	struct str rest = inner, option;
	size_t n = 0;
	while (next_option(&rest, &option))
		n++;
	if (n == 1 && !memchr(inner.p, '<', inner.n)) {
		ret->kind = PART_SLOT;
		ret->text = inner;
		scenario_use_slot(r, inner, mark);
		return;
	}
	ret->kind = PART_CHOICE;
	ret->options = arena_array(r->a, n, sizeof(*ret->options));
	ret->noptions = n;
	if (n == 1)
		problem_add(r->p, mark, "<%.*s> has only one alternative", STR_FMT(inner));
	if (depth >= CHOICE_DEPTH_MAX) {
		problem_add(r->p, mark, "brackets inside brackets more than %d deep", CHOICE_DEPTH_MAX);
		return;
	}
	rest = inner;
	for (size_t i = 0; next_option(&rest, &option); i++)
		parse_text(r, option, mark, depth + 1, &ret->options[i]);
}

static void add_words(struct scenario_reader *r, struct str words, struct yaml_mark mark, struct scenario_text *ret)
{
	struct str wrong = scenario_unspeakable(words);
	if (wrong.n)
		problem_add(r->p, mark,
			"'%.*s' cannot be spoken as written: lines hold Chinese words and ，。？！、：；…— only "
			"(write numbers as they are said)",
			STR_FMT(wrong));
	ret->parts[ret->n++] = (struct scenario_part){.kind = PART_TEXT, .text = words};
}

static void parse_text(
	struct scenario_reader *r, struct str s, struct yaml_mark mark, int depth, struct scenario_text *ret)
{
	size_t cap = 1;
	for (size_t i = 0; i < s.n; i++)
		cap += s.p[i] == '<' ? 2 : 0;
	ret->parts = arena_array(r->a, cap, sizeof(*ret->parts));
	ret->n = 0;
	while (s.n) {
		const char *open = memchr(s.p, '<', s.n);
		size_t words = open ? (size_t)(open - s.p) : s.n;
		if (words)
			add_words(r, str_n(s.p, words), mark, ret);
		s = str_n(s.p + words, s.n - words);
		if (!s.n)
			break;
		size_t len = mark_length(s);
		if (len < 3) {
			problem_add(r->p, mark, len ? "<> is empty" : "'<' without its '>'");
			return;
		}
		parse_mark(r, str_n(s.p + 1, len - 2), mark, depth, &ret->parts[ret->n++]);
		s = str_n(s.p + len, s.n - len);
	}
}

void scenario_read_text(struct scenario_reader *r, struct str s, struct yaml_mark mark, struct scenario_text *ret)
{
	parse_text(r, s, mark, 0, ret);
}

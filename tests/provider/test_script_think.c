/* Texts with marks and paragraphs of steps: what is drawn, what is left out, what is told of a wrong line. */
#include "provider/script_think.h"

#include "base/alloc.h"
#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct world {
	const char *facts; /* blank-separated */
	size_t given;      /* values that were said */
};

static bool fact(void *arg, struct str name)
{
	const struct world *w = arg;
	struct str rest = str_of(w->facts), one;
	while (str_split(&rest, ' ', &one))
		if (str_eq(one, name))
			return true;
	return false;
}

static bool value(void *arg, struct str name, struct buf *b)
{
	struct world *w = arg;
	if (str_is(name, "无"))
		return false;
	w->given++;
	buf_printf(b, "(%.*s)", STR_FMT(name));
	return true;
}

static size_t mark(void *arg)
{
	return ((struct world *)arg)->given;
}

static void rewind_to(void *arg, size_t at)
{
	((struct world *)arg)->given = at;
}

static struct think_call call(struct world *w, uint64_t seed)
{
	return (struct think_call){.seed = seed, .fact = fact, .value = value, .mark = mark, .rewind = rewind_to, .arg = w};
}

static bool named(void *arg, struct str name)
{
	(void)arg;
	return str_is(name, "左") || str_is(name, "右");
}

static void wrong_lines_are_told(void **state)
{
	(void)state;
	static const struct {
		const char *text, *problem, *piece;
	} cases[] = {
		{"好<左>，<甲|<右>|>。", NULL, NULL},
		{"", "an empty line", ""},
		{"<左", "a '<' without its '>'", "<左"},
		{"左>", "a '>' without its '<'", ">"},
		{"<中>", "no value has this name", "中"},
		{"<甲|<中>>", "no value has this name", "中"},
		{"<>", "no value has this name", ""},
		{"<1|<2|<3|<4|<5|<6|7>>>>>>", "marks are nested too deep", NULL},
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct str piece = STR("");
		const char *problem = think_line_problem(str_of(cases[i].text), named, NULL, &piece);
		if (!cases[i].problem) {
			assert_null(problem);
			continue;
		}
		assert_non_null(problem);
		assert_string_equal(problem, cases[i].problem);
		if (cases[i].piece)
			assert_true(str_is(piece, cases[i].piece));
	}
	char line[THINK_LINE_BYTES + 2];
	struct str piece;
	memset(line, 'x', sizeof(line));
	assert_non_null(think_line_problem(str_n(line, sizeof(line) - 1), named, NULL, &piece));
	assert_null(think_line_problem(str_n(line, THINK_LINE_BYTES), named, NULL, &piece));
}

static struct str say(struct arena *a, const char *line, struct world *w, uint64_t seed)
{
	struct think_line lines[1] = {think_line(str_of(line))};
	struct think_step s = {.chance = 100, .say = lines, .nsay = 1};
	struct think_call c = call(w, seed);
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	return think_step(a, &s, &c, &b) ? arena_str(a, buf_view(&b)) : (struct str){NULL, 0};
}

static void alternatives_are_drawn_by_their_text(void **state)
{
	(void)state;
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	struct world w = {.facts = ""};
	size_t seen[3] = {0}, moved = 0;
	for (uint64_t seed = 0; seed < 300; seed++) {
		struct str got = say(&a, "<甲|乙<左>|丙>。", &w, seed), again = say(&a, "<甲|乙<左>|丙>。", &w, seed);
		assert_true(str_eq(got, again));
		seen[0] += str_is(got, "甲。");
		seen[1] += str_is(got, "乙(左)。");
		seen[2] += str_is(got, "丙。");
	}
	assert_int_equal(seen[0] + seen[1] + seen[2], 300);
	for (int i = 0; i < 3; i++)
		assert_in_range(seen[i], 60, 140);
	/* a line that is added changes only the calls that come to say it */
	struct think_line lines[4];
	const char *texts[] = {"一。", "二。", "三。", "新。"};
	for (int i = 0; i < 4; i++)
		lines[i] = think_line(str_of(texts[i]));
	struct think_step s = {.chance = 100, .say = lines, .nsay = 3}, more = {.chance = 100, .say = lines, .nsay = 4};
	for (uint64_t seed = 0; seed < 200; seed++) {
		CLEANUP(buf_release) struct buf before = BUF_INIT;
		CLEANUP(buf_release) struct buf after = BUF_INIT;
		struct think_call c = call(&w, seed);
		assert_true(think_step(&a, &s, &c, &before) && think_step(&a, &more, &c, &after));
		bool is_new = str_is(buf_view(&after), "新。");
		assert_true(is_new || str_eq(buf_view(&before), buf_view(&after)));
		moved += is_new;
	}
	assert_in_range(moved, 25, 80);
}

static void two_places_draw_apart(void **state)
{
	(void)state;
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	struct world w = {.facts = ""};
	size_t same = 0;
	for (uint64_t seed = 0; seed < 200; seed++) {
		struct str got = say(&a, "<a|b><a|b>", &w, seed);
		assert_int_equal(got.n, 2);
		same += got.p[0] == got.p[1];
	}
	assert_in_range(same, 60, 140);
}

static void a_line_without_its_value_is_not_said(void **state)
{
	(void)state;
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	struct world w = {.facts = ""};
	struct think_line lines[2] = {think_line(STR("<左><右><无>。")), think_line(STR("好。"))};
	struct think_step s = {.chance = 100, .say = lines, .nsay = 2};
	for (uint64_t seed = 0; seed < 50; seed++) {
		CLEANUP(buf_release) struct buf b = BUF_INIT;
		struct think_call c = call(&w, seed);
		buf_puts(&b, "前");
		assert_true(think_step(&a, &s, &c, &b));
		assert_string_equal(b.data, "前好。");
		assert_int_equal(w.given, 0); /* what the broken line took is free again */
	}
	assert_null(say(&a, "<左><无>", &w, 1).p);
}

static void conditions_choose(void **state)
{
	(void)state;
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	struct think_line one = think_line(STR("一")), two = think_line(STR("二"));
	struct str when[] = {STR("甲"), STR("乙|丙")}, unless[] = {STR("丁")};
	struct think_step inner[] = {
		{.chance = 100, .when = when, .nwhen = 2, .unless = unless, .nunless = 1, .say = &one, .nsay = 1},
		{.chance = 100, .say = &two, .nsay = 1},
	};
	struct think_step s = {.chance = 100, .first = inner, .nfirst = 2};
	static const struct {
		const char *facts, *says;
	} cases[] = {{"甲 丙", "一"}, {"甲 乙", "一"}, {"甲", "二"}, {"乙 丙", "二"}, {"甲 乙 丁", "二"}, {"", "二"}};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct world w = {.facts = cases[i].facts};
		struct think_call c = call(&w, 9);
		CLEANUP(buf_release) struct buf b = BUF_INIT;
		assert_true(think_step(&a, &s, &c, &b));
		assert_string_equal(b.data, cases[i].says);
	}
}

static void a_paragraph_keeps_its_length(void **state)
{
	(void)state;
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	struct world w = {.facts = ""};
	struct think_line lines[] = {think_line(STR("一一一一一一一一一一")), think_line(STR("二二二二二二二二二二")),
		think_line(STR("三三三三三三三三三三")), think_line(STR("四四四四四四四四四四"))};
	struct think_step steps[] = {
		{.name = STR("a"), .chance = 100, .rank = 2, .say = &lines[0], .nsay = 1},
		{.name = STR("b"), .chance = 100, .say = &lines[1], .nsay = 1},
		{.name = STR("c"), .chance = 100, .rank = 5, .say = &lines[2], .nsay = 1},
		{.name = STR("d"), .chance = 100, .fill = true, .say = &lines[3], .nsay = 1},
	};
	struct think_plan p = {steps, 4};
	struct think_call c = call(&w, 3);
	assert_int_equal(utf8_count(think_write(&a, &p, &c, 0, 100)), 30);
	assert_true(str_starts(think_write(&a, &p, &c, 0, 29), "一一一一一一一一一一二")); /* c first */
	assert_true(str_is(think_write(&a, &p, &c, 0, 19), "二二二二二二二二二二"));       /* then a */
	assert_true(str_is(think_write(&a, &p, &c, 0, 5), "二二二二二二二二二二"));        /* b is always said */
	assert_int_equal(utf8_count(think_write(&a, &p, &c, 31, 100)), 40);                /* d fills */
	assert_true(str_ends(think_write(&a, &p, &c, 31, 100), "三四四四四四四四四四四"));
	steps[2].chance = 30;
	size_t said = 0;
	for (uint64_t seed = 0; seed < 300; seed++) {
		c = call(&w, seed);
		said += utf8_count(think_write(&a, &p, &c, 0, 100)) == 30;
	}
	assert_in_range(said, 60, 120);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_lines_are_told),
		cmocka_unit_test(alternatives_are_drawn_by_their_text),
		cmocka_unit_test(two_places_draw_apart),
		cmocka_unit_test(a_line_without_its_value_is_not_said),
		cmocka_unit_test(conditions_choose),
		cmocka_unit_test(a_paragraph_keeps_its_length),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

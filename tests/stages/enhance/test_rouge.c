/* ROUGE-L: the bit-parallel longest common subsequence against the plain table, the measure, and what is counted as a character. */
#include "stages/enhance/rouge.h"

#include "base/alloc.h"
#include "base/draw.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Wagner & Fischer's table, row by row. */
static size_t plain_lcs(const struct rouge_text *x, const struct rouge_text *y)
{
	size_t *row = xcalloc(y->n + 1, sizeof(*row));
	for (size_t i = 0; i < x->n; i++) {
		size_t corner = 0;
		for (size_t k = 0; k < y->n; k++) {
			size_t above = row[k + 1];
			if (x->v[i] == y->v[k])
				row[k + 1] = corner + 1;
			else if (row[k] > above)
				row[k + 1] = row[k];
			corner = above;
		}
	}
	size_t n = row[y->n];
	free(row);
	return n;
}

static struct rouge_text random_text(struct arena *a, struct draw *d, size_t n, uint32_t letters)
{
	struct rouge_text t = {.v = arena_array(a, n + 1, sizeof(*t.v)), .n = n};
	for (size_t i = 0; i < n; i++)
		t.v[i] = (uint16_t)(0x4E00 + draw_below(d, letters));
	return t;
}

static void is_the_plain_lcs(void **state)
{
	(void)state;
	static const size_t lengths[] = {0, 1, 2, 31, 63, 64, 65, 127, 128, 129, 200, 450};
	struct draw d;
	draw_init(&d, 1, STR("rouge"), "test");
	for (size_t i = 0; i < COUNT_OF(lengths); i++) {
		for (size_t k = 0; k < COUNT_OF(lengths); k++) {
			static const uint32_t alphabets[] = {1, 2, 20, 3000};
			for (size_t letters = 0; letters < COUNT_OF(alphabets); letters++) {
				CLEANUP(arena_release) struct arena a = ARENA_INIT;
				struct rouge_text x = random_text(&a, &d, lengths[i], alphabets[letters]);
				struct rouge_text y = random_text(&a, &d, lengths[k], alphabets[letters]);
				size_t want = plain_lcs(&x, &y);
				struct rouge *r = rouge_new(&a, &x);
				assert_int_equal(rouge_lcs(r, &y), want);
				assert_int_equal(rouge_lcs(r, &y), want); /* nothing is left over from the first time */
				int64_t f = x.n + y.n ? (int64_t)(2000 * want / (x.n + y.n)) : 0;
				assert_int_equal(rouge_permille(r, &y, 0), f);
				assert_int_equal(rouge_permille(r, &y, 0), f);
				assert_int_equal(rouge_permille(r, &y, 999), f > 999 ? f : 999);
				assert_int_equal(rouge_permille(r, &y, f > 0 ? f - 1 : 0), f);
			}
		}
	}
}

static struct rouge_text of(struct arena *a, const char *text)
{
	struct rouge_text t = {.v = arena_array(a, strlen(text) + 1, sizeof(*t.v))};
	t.n = rouge_chars(str_of(text), t.v);
	return t;
}

static int64_t measure(const char *x, const char *y)
{
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	struct rouge_text tx = of(&a, x), ty = of(&a, y);
	return rouge_permille(rouge_new(&a, &tx), &ty, 0);
}

static void measures(void **state)
{
	(void)state;
	assert_int_equal(measure("今天天气很好", "今天天气很好"), 1000);
	assert_int_equal(measure("今天，天气……很好！", " 今天天气很好。"), 1000); /* marks and blanks do not count */
	assert_int_equal(measure("今天天气很好", "绿水青山"), 0);
	assert_int_equal(measure("甲乙丙丁", "甲丙"), 2000 * 2 / 6);
	assert_int_equal(measure("甲乙丙丁", "丁丙乙甲"), 2000 * 1 / 8); /* order counts */
	assert_int_equal(measure("", "甲"), 0);
	assert_int_equal(measure("", ""), 0);
	assert_int_equal(measure("尾号1234", "尾号1235"), 2000 * 5 / 12);
}

static void chars_beyond_the_plane_are_one(void **state)
{
	(void)state;
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	struct rouge_text t = of(&a, "甲\xF0\xA0\x80\x80\xF0\xA0\x80\x81乙"); /* U+20000, U+20001 */
	assert_int_equal(t.n, 4);
	assert_int_equal(t.v[1], t.v[2]);
	assert_int_equal(of(&a, "，。！？ \t\n").n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_the_plain_lcs),
		cmocka_unit_test(measures),
		cmocka_unit_test(chars_beyond_the_plane_are_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

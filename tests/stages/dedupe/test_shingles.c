/* shingles: what counts as the same words, and how alike two texts are. */
#include "stages/dedupe/shingles.h"

#include "base/alloc.h"
#include "base/draw.h"
#include "base/utf8.h"
#include "io/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct json *turns_of(struct arena *a, const char *const *texts)
{
	struct json *turns = json_array(a);
	for (; *texts; texts++) {
		struct json *turn = json_object(a);
		json_set_text(a, turn, "text", *texts);
		json_append(turns, turn);
	}
	return turns;
}

static void read_text(struct shingles *s, const char *text)
{
	struct arena a = ARENA_INIT;
	const char *texts[] = {text, NULL};
	struct err e = ERR_INIT;
	assert_int_equal(shingles_read(s, turns_of(&a, texts), &e), 0);
	arena_release(&a);
}

static bool same_words(const char *x, const char *y)
{
	struct shingles s = SHINGLES_INIT;
	unsigned char dx[DIGEST_SIZE / 2], dy[DIGEST_SIZE / 2];
	read_text(&s, x);
	shingles_digest(&s, dx);
	read_text(&s, y);
	shingles_digest(&s, dy);
	shingles_release(&s);
	return memcmp(dx, dy, sizeof(dx)) == 0;
}

static void punctuation_and_width_do_not_count(void **state)
{
	(void)state;
	assert_true(same_words("您好，请问是王女士吗？", "您好 请问 是王女士吗"));
	assert_true(same_words("转账 ＡＢＣ１２３", "转账abc123"));
	assert_true(same_words("“川香人家”……好的——", "川香人家好的"));
	assert_true(same_words("编号①，㎏", "编号1kg")); /* by the library: not among the common characters */
	assert_true(same_words("😀好的", "好的"));
	assert_false(same_words("三百元", "三千元"));
	assert_false(same_words("好的", "好的好的"));
}

static void turns_and_sides_do_not_count(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT;
	struct shingles s = SHINGLES_INIT;
	struct err e = ERR_INIT;
	const char *two[] = {"您好，", "请问是哪位？", NULL}, *one[] = {"您好请问是哪位", NULL};
	unsigned char dx[DIGEST_SIZE / 2], dy[DIGEST_SIZE / 2];
	assert_int_equal(shingles_read(&s, turns_of(&a, two), &e), 0);
	assert_int_equal(s.n, 4);
	shingles_digest(&s, dx);
	assert_int_equal(shingles_read(&s, turns_of(&a, one), &e), 0);
	shingles_digest(&s, dy);
	assert_memory_equal(dx, dy, sizeof(dx));
	shingles_release(&s);
	arena_release(&a);
}

/* The short cut for common characters must give what the library gives. */
static void the_short_cut_agrees_with_the_library(void **state)
{
	(void)state;
	for (uint32_t cp = 1; cp < 0x11000; cp++) {
		char text[8] = {0};
		struct shingles s = SHINGLES_INIT;
		CLEANUP(buf_release) struct buf normal = BUF_INIT;
		if (cp >= 0xD800 && cp <= 0xDFFF)
			continue;
		utf8_put(cp, text);
		read_text(&s, text);
		struct err e = ERR_INIT;
		assert_int_equal(text_normalize(&normal, str_of(text), &e), 0);
		struct str rest = buf_view(&normal);
		size_t at = 0;
		uint32_t is;
		while (utf8_next(&rest, &is)) {
			char class = text_class(is);
			if (class != 'L' && class != 'N' && class != 'M')
				continue;
			if (is >= 'A' && is <= 'Z')
				is += 'a' - 'A';
			if (at >= s.nplain || s.plain[at] != is)
				fail_msg("U+%04X", cp);
			at++;
		}
		if (at != s.nplain)
			fail_msg("U+%04X has %zu code points instead of %zu", cp, s.nplain, at);
		shingles_release(&s);
	}
}

static void short_and_empty_texts(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t n;
	} rows[] = {
		{"", 0}, {"，。！", 0}, {"好", 1}, {"好的吗", 1}, {"好的好吗", 1}, {"好的好吗啊", 2}, {"一二一二一二一二", 5}};
	struct shingles s = SHINGLES_INIT;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		read_text(&s, rows[i].text);
		assert_int_equal(s.n, rows[i].n);
	}
	shingles_sort(&s); /* 一二一二 and 二一二一 */
	assert_int_equal(s.n, 2);
	assert_true(s.v[0] < s.v[1]);
	shingles_release(&s);
}

static void the_longest_call_is_cut(void **state)
{
	(void)state;
	size_t chars = SHINGLES_CHARS_MAX + 100;
	char *text = xcalloc(chars * 3 + 1, 1);
	for (size_t i = 0; i < chars; i++)
		utf8_put(0x4E00 + (uint32_t)(i * 7919 % 20000), text + 3 * i);
	struct shingles s = SHINGLES_INIT;
	unsigned char whole[DIGEST_SIZE / 2], cut[DIGEST_SIZE / 2];
	read_text(&s, text);
	assert_int_equal(s.nplain, chars);
	assert_int_equal(s.n, SHINGLES_CHARS_MAX - 3);
	shingles_digest(&s, whole);
	text[3 * (chars - 1)] = '\0';
	read_text(&s, text);
	shingles_digest(&s, cut);
	assert_memory_not_equal(whole, cut, sizeof(cut));
	shingles_release(&s);
	free(text);
}

/* Against counting pair by pair. */
static void common_counts_what_is_common(void **state)
{
	(void)state;
	for (uint64_t round = 0; round < 200; round++) {
		struct draw d;
		uint64_t x[40], y[40];
		size_t nx = 0, ny = 0, both = 0;
		draw_init(&d, round, STR("common"), "sets");
		for (uint64_t v = 0; v < 40; v++) {
			bool in_x = draw_below(&d, 3) == 0, in_y = draw_below(&d, 3) == 0;
			if (in_x)
				x[nx++] = v;
			if (in_y)
				y[ny++] = v;
			both += in_x && in_y;
		}
		assert_int_equal(shingles_common(x, nx, y, ny), both);
		size_t all = nx + ny - both;
		assert_int_equal(shingles_permille(nx, ny, both), all ? 1000 * both / all : 0);
	}
	assert_int_equal(shingles_permille(0, 0, 0), 0);
	assert_int_equal(shingles_permille(3, 3, 3), 1000);
	assert_int_equal(shingles_permille(2, 2, 1), 333);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(punctuation_and_width_do_not_count),
		cmocka_unit_test(turns_and_sides_do_not_count),
		cmocka_unit_test(the_short_cut_agrees_with_the_library),
		cmocka_unit_test(short_and_empty_texts),
		cmocka_unit_test(the_longest_call_is_cut),
		cmocka_unit_test(common_counts_what_is_common),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "cli/display.h"

#include "base/alloc.h"
#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void assert_cut(const char *line, size_t columns, const char *want)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	put_cut(&b, str_of(line), columns);
	assert_string_equal(b.data, want);
	assert_true(utf8_width(buf_view(&b)) <= columns);
}

static void test_cut(void **state)
{
	(void)state;
	assert_cut("abc", 3, "abc");
	assert_cut("abcd", 3, "ab…");
	assert_cut("诈骗电话", 8, "诈骗电话");
	assert_cut("诈骗电话", 7, "诈骗电…");
	assert_cut("诈骗电话", 6, "诈骗…"); /* no half character */
	assert_cut("abc", 1, "…");
	assert_cut("abc", 0, "");
}

static void test_line(void **state)
{
	(void)state;
	struct stage_status s = {.name = "say",
		.uses = "speak",
		.c = {.out = 30, .rejected = 2, .quarantined = 1, .total = 1240, .cached = 10, .in_flight = 2}};
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	assert_int_equal(stage_done(&s.c), 33);
	display_stage_line(&b, &s, 2.5, 6, 200);
	assert_string_equal(b.data, "say          33/1,240  cached 10  rejected 2  failed 1  in flight 2  2.5/s  ETA 8:03");
	buf_clear(&b);
	display_stage_line(&b, &s, 2.5, 6, 30);
	assert_int_equal(utf8_width(buf_view(&b)), 30);
	buf_clear(&b);
	s.finished = true;
	s.c.quarantined = 0;
	display_stage_line(&b, &s, 2.5, 3, 200);
	assert_null(strstr(b.data, "ETA"));
	assert_null(strstr(b.data, "failed"));
	assert_true(str_ends(buf_view(&b), "  done"));
}

/* Not a terminal: no escape sequences, no line before its time. */
static void test_plain(void **state)
{
	(void)state;
	FILE *out = tmpfile();
	assert_non_null(out);
	struct display d;
	display_init(&d, out);
	assert_false(d.live);
	assert_false(d.colour);
	struct stage_status s = {.name = "say", .uses = "speak", .c = {.out = 3, .total = 10}};
	struct run_status st = {.state = "running", .stages = &s, .nstages = 1, .seconds = 6};
	display_tick(&d, &st);
	assert_int_equal(ftell(out), 0);
	d.plain_ms -= DISPLAY_PLAIN_MS;
	display_tick(&d, &st);
	display_release(&d);
	char text[200] = "";
	rewind(out);
	assert_non_null(fgets(text, sizeof(text), out));
	assert_string_equal(text, "6.0 s | say 3/10\n");
	fclose(out);
}

static void test_table(void **state)
{
	(void)state;
	struct stage_status s = {
		.name = "say", .uses = "speak", .c = {.in = 5, .out = 4, .computed = 5, .rejected = 1, .seconds = 1.5}};
	struct run_status st = {.state = "done", .stages = &s, .nstages = 1};
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	status_table(&b, &st);
	assert_string_equal(b.data, "stage  in  out  cached  computed  rejected  quarantined  work time\n"
								"say     5    4       0         5         1            0      1.5 s\n");
}

/* A speech server counts characters: they are not called tokens, and stand in a column of their own. */
static void test_units(void **state)
{
	(void)state;
	struct stage_status s[] = {
		{.name = "ask", .uses = "annotate", .unit = UNIT_TOKENS, .c = {.tokens_in = 70, .tokens_out = 30}},
		{.name = "say", .uses = "speak", .unit = UNIT_CHARACTERS, .c = {.tokens_in = 1234}, .finished = true}};
	struct provider_status p[] = {
		{.name = "writer", .unit = UNIT_TOKENS, .c = {.requests = 2, .tokens_in = 70, .tokens_out = 30}},
		{.name = "voices", .unit = UNIT_CHARACTERS, .c = {.requests = 9, .tokens_in = 1234}}};
	struct run_status st = {.state = "done", .stages = s, .nstages = 2, .providers = p, .nproviders = 2};
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	status_table(&b, &st);
	assert_string_equal(b.data,
		"stage  in  out  cached  computed  rejected  quarantined  work time  tokens  characters\n"
		"ask     0    0       0         0         0            0      0.0 s     100           0\n"
		"say     0    0       0         0         0            0      0.0 s       0       1,234\n"
		"provider writer: 2 requests; 70 tokens in, 30 out\n"
		"provider voices: 9 requests; 1,234 characters\n");
	buf_clear(&b);
	st.stages = s + 1;
	st.nstages = 1;
	st.nproviders = 0;
	status_table(&b, &st);
	assert_null(strstr(b.data, "token"));
	buf_clear(&b);
	display_stage_line(&b, &s[1], 0, 3, 200);
	assert_string_equal(b.data, "say              0  characters 1,234  done");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_line),
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_units),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

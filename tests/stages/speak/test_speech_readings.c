/* stages/speak/speech_readings: the right reading for an engine that looks at single characters. */
#include "base/alloc.h"
#include "io/speech.h"
#include "stages/speak/speech_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const cases[][2] = {
	{"银行地址", "银航弟址"},
	{"这是其他行为，不是其他行业", "这是其他行维，醭是其他航业"},
	{"觉得到底怎么样", "觉得到底怎么样"},
	{"得到了解", "德到聊解"},
	{"我有一个，第一个，十一点，一点", "我有移个，第一个，十一点，义点"},
	{"可以为您办理", "壳以为您办理"},
	{"你好，不便宜", "尼好，醭骈宜"},
	{"好", "好"},
	{"", ""},
};

static void replaces_by_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		CLEANUP(buf_release) struct buf b = BUF_INIT;
		speech_readings(&b, str_of(cases[i][0]));
		assert_string_equal(b.data, cases[i][1]);
	}
}

static void check_phonemes(const char *text, const char *want)
{
	CLEANUP(buf_release) struct buf spoken = BUF_INIT;
	CLEANUP(buf_release) struct buf phonemes = BUF_INIT;
	struct err e = ERR_INIT;
	speech_readings(&spoken, str_of(text));
	assert_int_equal(speech_phonemes(buf_view(&spoken), &phonemes, &e), 0);
	if (!strstr(phonemes.data, want))
		print_message("%s: %s\n", text, phonemes.data);
	assert_non_null(strstr(phonemes.data, want));
}

/* What it is for: háng, dì, liáo, zhòng, tiáo, with their tones. */
static void the_engine_reads_them_right(void **state)
{
	(void)state;
	check_phonemes("银行", "X'a35N");
	check_phonemes("地址", "t'i51");
	check_phonemes("了解", "lj'Au35");
	check_phonemes("中奖", "ts.'ong51");
	check_phonemes("空调", "thj'Au35");
	check_phonemes("不是", "p'u35");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replaces_by_words),
		cmocka_unit_test(the_engine_reads_them_right),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

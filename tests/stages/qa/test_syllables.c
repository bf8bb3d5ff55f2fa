/* stages/qa/syllables. */
#include "base/alloc.h"
#include "stages/qa/syllables.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void counts_as_stated(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t n;
	} cases[] = {
		{"", 0}, {"……！？，。 \n", 0}, {"您好，请问方便吗？", 7}, {"二〇二六年", 5}, {"一共8500元", 7}, /* 八千五百 */
		{"１３９ 0000", 7},                                                                             /* full width */
		{"3.5折", 4},                                                                 /* 三点五折 */
		{"到账5.", 3},                                                                /* a full stop */
		{"50%", 5},                                                                   /* 百分之五十 */
		{"下载APP", 5},                                                               /* letter by letter */
		{"ＡＰＰ", 3},                                                                /* full width */
		{"用WiFi上网", 5},                                                            /* two groups of vowels */
		{"hello", 2}, {"QQ、app", 3}, {"vip", 1}, {"pst", 3},                         /* no vowel: letters */
		{"（停顿）", 0}, {"(笑)您好<br>", 2}, {"〔叹气〕嗯", 1}, {"[uv_break]好", 1}, /* what speak leaves out */
		{"##TERMINATE_SIGNAL##", 0}, {"再见##结束##", 2}, {"3##号", 2}, {"（010）1234", 7}, {"（没有说完", 4},
		{"卡（尾号：1234）", 7}, {"打（400-123-4567）", 11}, {"（停顿2秒）", 0}, {"[1234]好", 1}, /* codes are said */
		{"((好))", 0}, {"#好#", 1}, {"\xff\xfe", 0}, {"𠮷", 1}, /* beyond the basic plane */
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		int64_t n = syllables_count(str_of(cases[i].text));
		if (n != cases[i].n)
			print_message("'%s': %lld\n", cases[i].text, (long long)n);
		assert_int_equal(n, cases[i].n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_as_stated),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* stages/speak/speech_numbers: numbers as they are said. */
#include "base/alloc.h"
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
	/* amounts */
	{"100元，15,000元，105元，110元，12元，10元", "一百元，一万五千元，一百零五元，一百一十元，十二元，十元"},
	{"20000元，2002元，10010元，2亿，1000000001元", "两万元，两千零二元，一万零一十元，两亿，十亿零一元"},
	{"23.5度，1.08亿，0元", "二十三点五度，一点零八亿，零元"},
	{"2个包裹，2位，2月2日，第2次，22个", "两个包裹，两位，二月二日，第二次，二十二个"},
	{"1000000元，100010元", "一百万元，十万零一十元"},
	{"18%-25%，3.5%，15-20%之间，0.5%", "百分之十八到百分之二十五，百分之三点五，百分之十五到二十之间，百分之零点五"},
	{"30-40分钟，1-2年，2023-2024年", "三十到四十分钟，一到两年，二零二三到二零二四年"},
	/* dates and times */
	{"2024年10月1日", "二零二四年十月一日"},
	{"2023-10-01到2023/12/31", "二零二三年十月一日到二零二三年十二月三十一日"},
	{"3:00到15:30，21:15分，10:05，2:00", "三点到十五点三十分，二十一点十五分，十点零五分，两点"},
	{"05月06日", "五月六日"},
	/* phones */
	{"138-1234-5678", "幺三八，幺二三四，五六七八"},
	{"13812345678", "幺三八，幺二三四，五六七八"},
	{"400-123-4567", "四零零，幺二三，四五六七"},
	{"010-88886666", "零幺零，八八八八六六六六"},
	{"请拨打110或12306，热线95588", "请拨打幺幺零或幺二三零六，热线九五五八八"},
	{"110元", "一百一十元"},
	/* codes */
	{"尾号8888", "尾号八八八八"},
	{"尾号是8888", "尾号是八八八八"},
	{"验证码：123456", "验证码，一二三四五六"},
	{"工号A7391", "工号诶七三九一"},
	{"金额8888元", "金额八千八百八十八元"},
	{"110101197905124567", "一一零一零一，一九七九，零五一二，四五六七"},
	{"卡号6222 0801 1234 5678", "卡号六二二二，零八零一，一二三四，五六七八"},
	{"007号，23456号", "零零七号，二三四五六号"},
	{"3号楼1单元1202", "三号楼一单元一二零二"},
	{"101路公交车，5路", "一零一路公交车，五路"},
	{"222.186.123.45", "二二二点一八六点一二三点四五"},
	{"H100，S23", "艾尺一零零，艾斯二十三"},
};

static void says_numbers(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		CLEANUP(buf_release) struct buf b = BUF_INIT;
		struct err e = ERR_INIT;
		assert_int_equal(speech_text(&b, str_of(cases[i][0]), &e), 0);
		assert_string_equal(b.data, cases[i][1]);
	}
}

static void digits_alone(void **state)
{
	(void)state;
	assert_string_equal(speech_digit('1', true), "幺");
	assert_string_equal(speech_digit('1', false), "一");
	assert_string_equal(speech_digit('0', true), "零");
	assert_true(speech_is_mask('X') && speech_is_mask(0xd7) && !speech_is_mask('Y'));
}

/* However long: no crash, no endless word. */
static void long_runs(void **state)
{
	(void)state;
	CLEANUP(buf_release) struct buf in = BUF_INIT;
	CLEANUP(buf_release) struct buf out = BUF_INIT;
	struct err e = ERR_INIT;
	for (int i = 0; i < 5000; i++)
		buf_putc(&in, (char)('0' + i % 10));
	assert_int_equal(speech_text(&out, buf_view(&in), &e), 0);
	assert_in_range(out.len, 5000 * 3, 5000 * 3 + 1250 * 3);
	buf_clear(&in);
	buf_clear(&out);
	for (int i = 0; i < 3000; i++)
		buf_puts(&in, i % 2 ? "X" : "1.");
	assert_int_equal(speech_text(&out, buf_view(&in), &e), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_numbers),
		cmocka_unit_test(digits_alone),
		cmocka_unit_test(long_runs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

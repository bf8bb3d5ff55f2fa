/* stages/speak/speech_text: text as it is spoken. */
#include "base/alloc.h"
#include "base/fs.h"
#include "base/utf8.h"
#include "io/json.h"
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
	{"好的，谢谢。", "好的，谢谢。"},
	{"您好!请问?是的;好,", "您好！请问？是的。好"},
	/* stage directions, signals, placeholders, markup */
	{"（停顿片刻）您好，[对方姓名]，##查询中##好的。##TERMINATE_SIGNAL##", "您好，好的。"},
	{"(沉默)", ""},
	{"……", ""},
	{"😊", ""},
	{"", ""},
	{"《老年人健康》“投资”——好……嗯~", "老年人健康投资，好。嗯"},
	{"[《与生活》](#)和[《世界》](http://a.com)", "与生活和世界"},
	{"验证码是 **123456**，请核对。", "验证码是一二三四五六，请核对。"},
	{"第一条\n第二条", "第一条。第二条"},
	{"【顺丰】您的包裹", "顺丰，您的包裹"},
	/* names left out */
	{"这里是XX银行，**公司，张X先生，XXX女士。", "这里是某某银行，某某公司，张某先生，某某女士。"},
	{"电话138xxxx5678", "电话幺三八叉叉叉叉五六七八"},
	{"卡号6217 **** **** 8888", "卡号六二一七，星星星星，星星星星，八八八八"},
	/* letters */
	{"使用APP、Wi-Fi，5G网络、X光、维生素C。", "使用诶屁屁，外发，五记网络，艾克斯光，维生素西。"},
	{"网址是https://www.ab-c.com，谢谢", "网址是达不溜达不溜达不溜点诶必杠西点康姆，谢谢"},
	{"邮箱li12@163.com。", "邮箱艾勒爱一二艾特一六三点康姆。"},
	{"ＡＢ", "诶必"},
	{"先生/女士，A+B=C", "先生或女士，诶加必等于西"},
	{"约翰·史密斯", "约翰史密斯"},
	/* units */
	{"重5kg，宽30cm，温度-5°C，36.5℃，128GB", "重五公斤，宽三十厘米，温度负五摄氏度，三十六点五摄氏度，一百二十八记"},
	{"￥500元，$1,000，¥3万", "五百元，一千美元，三万元"},
};

static void speaks_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		CLEANUP(buf_release) struct buf b = BUF_INIT;
		struct err e = ERR_INIT;
		buf_puts(&b, "前"); /* appended */
		assert_int_equal(speech_text(&b, str_of(cases[i][0]), &e), 0);
		assert_string_equal(b.data + 3, cases[i][1]);
	}
}

static void refuses_invalid_utf8(void **state)
{
	(void)state;
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	struct err e = ERR_INIT;
	assert_int_equal(speech_text(&b, STR("\xe4\xbd"), &e), ERR_PARSE);
	assert_int_equal(b.len, 0);
}

/** Only Han characters and the four pauses may come out, and no pause at the beginning. */
static void check_speakable(struct str s)
{
	uint32_t cp;
	bool first = true;
	while (utf8_next(&s, &cp)) {
		bool pause = cp == 0xff0c || cp == 0x3002 || cp == 0xff1f || cp == 0xff01;
		assert_true(utf8_is_han(cp) || (pause && !first));
		first = false;
	}
}

static void random_text_gives_only_speakable_signs(void **state)
{
	(void)state;
	static const char *const bits[] = {"1", "2", "0", "138", "9999", ".", ",", "，", "-", ":", "/", "%", " ", "X", "xx",
		"*", "**", "#", "##", "(", ")", "（", "[", "]", "{", "<", ">", "【", "a", "B", "www.", "@", ".com", "元", "年",
		"月", "电话", "尾号", "是", "好", "\n", "…", "～", "×", "°", "℃", "€", "$", "+", "=", "½", "②", "ⅳ", "㎡", "α",
		"Я", "あ", "🔍", "\t", "·", "—", "'", "\"", "&", "_", "|", "\\", "`", "号", "室", "https://", "10:30"};
	uint32_t x = 5;
	for (int round = 0; round < 20000; round++) {
		CLEANUP(buf_release) struct buf in = BUF_INIT;
		CLEANUP(buf_release) struct buf out = BUF_INIT;
		struct err e = ERR_INIT;
		for (int k = 0; k < 1 + round % 14; k++) {
			x = x * 1664525u + 1013904223u;
			buf_puts(&in, bits[(x >> 10) % COUNT_OF(bits)]);
		}
		assert_int_equal(speech_text(&out, buf_view(&in), &e), 0);
		check_speakable(buf_view(&out));
	}
}

static void speak_strings(const struct json *v, struct buf *ret, size_t *count)
{
	struct err e = ERR_INIT;
	if (json_is(v, JSON_STRING)) {
		size_t before = ret->len;
		CLEANUP(buf_release) struct buf plain = BUF_INIT;
		assert_int_equal(speech_text(&plain, v->u.s, &e), 0);
		check_speakable(buf_view(&plain));
		speech_readings(ret, buf_view(&plain));
		check_speakable((struct str){ret->data + before, ret->len - before});
		buf_puts(ret, "。\n");
		++*count;
		return;
	}
	JSON_EACH(kid, v)
		speak_strings(kid, ret, count);
}

/* Everything that is said in the real transcripts comes out as Chinese: no phoneme string switches to "(en)". */
static void real_transcripts_are_all_chinese(void **state)
{
	(void)state;
	struct fs_names files = {NULL, 0};
	struct err e = ERR_INIT;
	if (fs_glob("../shared/data/transcripts/*.jsonl", &files, &e) != 0) {
		printf("skipped: ../shared/data/transcripts is not there\n");
		return;
	}
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	size_t count = 0;
	for (size_t f = 0; f < files.n; f++) {
		CLEANUP(buf_release) struct buf text = BUF_INIT_MAX((size_t)1 << 30);
		CLEANUP(buf_release) struct buf spoken = BUF_INIT;
		CLEANUP(buf_release) struct buf phonemes = BUF_INIT_MAX((size_t)1 << 30);
		assert_int_equal(fs_read(files.v[f], (size_t)1 << 30, &text, &e), 0);
		struct str rest = buf_view(&text), line;
		for (int n = 0; str_line(&rest, &line); n++) {
			struct json *call = NULL;
			struct err bad = ERR_INIT;
			if (n % 4 == 0 && json_parse(&a, line, &call, &bad) == 0) { /* a quarter: espeak-ng takes its time */
				speak_strings(json_get(call, "left"), &spoken, &count);
				speak_strings(json_get(call, "right"), &spoken, &count);
			}
			arena_reset(&a);
		}
		assert_int_equal(speech_phonemes(buf_view(&spoken), &phonemes, &e), 0);
		assert_null(strchr(phonemes.data, '('));
		assert_true(phonemes.len > spoken.len / 4);
	}
	fs_names_free(&files);
	assert_true(count > 1000);
}

/* The project's own scenarios too, whatever is in them. */
static void scenario_files_are_all_chinese(void **state)
{
	(void)state;
	struct fs_names files = {NULL, 0};
	struct err e = ERR_INIT;
	if (fs_glob("stages/synthesize/scenarios/*.yaml", &files, &e) != 0) {
		printf("skipped: no scenario files\n");
		return;
	}
	CLEANUP(buf_release) struct buf spoken = BUF_INIT;
	CLEANUP(buf_release) struct buf phonemes = BUF_INIT;
	for (size_t f = 0; f < files.n; f++) {
		CLEANUP(buf_release) struct buf text = BUF_INIT;
		assert_int_equal(fs_read(files.v[f], (size_t)1 << 24, &text, &e), 0);
		struct str rest = buf_view(&text), line;
		while (str_line(&rest, &line)) {
			assert_int_equal(speech_text(&spoken, line, &e), 0);
			buf_puts(&spoken, "。\n");
		}
	}
	assert_int_equal(speech_phonemes(buf_view(&spoken), &phonemes, &e), 0);
	assert_null(strchr(phonemes.data, '('));
	fs_names_free(&files);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(speaks_text),
		cmocka_unit_test(refuses_invalid_utf8),
		cmocka_unit_test(random_text_gives_only_speakable_signs),
		cmocka_unit_test(real_transcripts_are_all_chinese),
		cmocka_unit_test(scenario_files_are_all_chinese),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

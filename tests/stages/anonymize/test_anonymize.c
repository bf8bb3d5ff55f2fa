/* The stage anonymize on whole calls: one value, one surrogate; the other texts of a call; the audit; random numbers and random bytes. */
#include "base/alloc.h"
#include "base/draw.h"
#include "base/utf8.h"
#include "core/call.h"
#include "tests/stages/anonymize/anonkit.h"
#include "tests/stages/import/stagekit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

extern const struct stage_ops stage_anonymize;

#define ROUNDS 400

static struct anonkit kit;

#define TURNS(...) \
	do { \
		const char *const turns_[] = {__VA_ARGS__}; \
		anonkit_turns(&kit, "public-demo", turns_, COUNT_OF(turns_)); \
	} while (0)

static void assert_found(size_t turn, const char *expected)
{
	assert_string_equal(anonkit_found(&kit, turn), expected);
}

/* --- One value, one surrogate --- */

static const struct anon_value *only_value(void)
{
	assert_int_equal(kit.call.nvalues, 1);
	return &kit.call.values[0];
}

static void written_or_spoken(void **state)
{
	(void)state;
	TURNS("l:电话13920174463", "r:幺三九，二零幺七，四四六三", "l:+86 139-2017-4463",
		"r:一 三 九 二 零 一 七 四 四 六 三", "l:是１３９２０１７４４６３吧");
	struct str fake = arena_str(&kit.rules_memory, only_value()->fake);
	char spoken[64] = "";
	static const char *const says[10] = {"零", "一", "二", "三", "四", "五", "六", "七", "八", "九"};
	for (size_t i = 0; i < fake.n; i++)
		strncat(spoken, says[fake.p[i] - '0'], sizeof(spoken) - strlen(spoken) - 1);
	assert_non_null(strstr(kit.out[0], fake.p));
	/* another call, another turn, spoken this time: the same */
	TURNS("r:喂", "l:记一下，一三九二零一七四四六三");
	assert_true(str_eq(only_value()->fake, fake));
	assert_non_null(strstr(kit.out[1], spoken));
	/* another key: another one */
	const char *turns[] = {"l:电话13920174463"};
	anonkit_turns(&kit, "another-key", turns, 1);
	assert_false(str_eq(only_value()->fake, fake));
}

static void over_several_turns(void **state)
{
	(void)state;
	TURNS("l:卡号报一下", "r:六二二五", "l:嗯", "r:一二零零零七", "l:还有呢", "r:四八三八七零");
	assert_found(1, "bank_card:六二二五");
	assert_found(3, "bank_card:一二零零零七");
	assert_found(5, "bank_card:四八三八七零");
	struct str fake = only_value()->fake;
	assert_true(anon_luhn(fake.p, fake.n));
	TURNS("l:电话是幺三九二零", "r:嗯", "l:幺七四四六三是吧", "r:没错");
	assert_found(0, "mobile:幺三九二零");
	assert_found(2, "mobile:幺七四四六三");
	assert_int_equal(utf8_count(str_of(kit.out[2])), 8);
	/* the other side talks of something else in between: no number */
	TURNS("l:电话是幺三九二零", "r:我跟你说今天的事情我是一点也没有听明白你再从头说一遍好不好", "l:幺七四四六三是吧");
	assert_found(0, "");
	/* numbers of both sides do not run together */
	TURNS("l:幺三九二零", "r:幺七四四六三");
	assert_found(0, "");
}

static void parts_read_back(void **state)
{
	(void)state;
	TURNS("r:我手机一三九，二零一七，四四六三", "l:二零一七？", "r:对，二零一七，四四六三", "l:尾号4463记下了",
		"r:今年2017年");
	assert_found(1, "mobile:二零一七");
	assert_found(2, "mobile:二零一七，四四六三");
	assert_found(3, "mobile:4463");
	assert_found(4, "");
	struct str fake = only_value()->fake;
	char tail[5];
	snprintf(tail, sizeof(tail), "%s", fake.p + 7);
	assert_non_null(strstr(kit.out[3], tail));
}

static void two_values_stay_two(void **state)
{
	(void)state;
	enum { N = 700 };
	static char text[N][64];
	static const char *turns[N];
	for (int i = 0; i < N; i++) { /* codes of four digits: fakes would collide */
		snprintf(text[i], sizeof(text[i]), "l:验证码%04d好", 1000 + 7 * i);
		turns[i] = text[i];
	}
	anonkit_turns(&kit, "public-demo", turns, N);
	assert_int_equal(kit.call.nvalues, N);
	static bool seen[10000];
	int collided = 0;
	for (int i = 0; i < N; i++) {
		int64_t fake;
		assert_true(str_int(kit.call.values[i].fake, &fake));
		collided += seen[fake];
		seen[fake] = true;
		assert_false(fake >= 1000 && fake < 1000 + 7 * N && (fake - 1000) % 7 == 0); /* nor an original of the call */
	}
	assert_int_equal(collided, 0);
}

/* --- The stage --- */

static struct json *work_on(struct kit *k, const char *call)
{
	struct work w;
	struct err e = ERR_INIT;
	if (kit_work(k, "a/1", kit_parse(k, call), &w, &e) < 0)
		fail_msg("%s", e.text);
	return w.fields;
}

static void open_stage(struct kit *k)
{
	struct err e = ERR_INIT;
	if (kit_open(k, &stage_anonymize, "{key: public-demo}", ".", &e) < 0)
		fail_msg("%s", e.text);
}

static void all_texts_of_a_call(void **state)
{
	(void)state;
	struct kit k;
	open_stage(&k);
	struct json *f =
		work_on(&k, "{\"turns\":[{\"role\":\"left\",\"text\":\"您的手机是139 2017 "
					"4463吗\",\"start_ms\":10,\"end_ms\":2000,\"emotion\":\"急\"},"
					"{\"role\":\"right\",\"text\":\"是\"}],"
					"\"profile\":{\"left\":{\"age\":30,\"occupation\":\"客服13920174463\"},\"right\":{\"aliases\":["
					"\"x\",\"幺三九二零幺七四四六三\"]}},"
					"\"termination\":{\"by\":\"left\",\"reason\":\"留了电话13920174463\",\"original\":\"assistant\"}}");
	const struct json *turn = json_at(json_get(f, "turns"), 0);
	assert_int_equal(json_get_int(turn, "start_ms", 0), 10);
	assert_int_equal(json_get_int(turn, "end_ms", 0), 2000);
	assert_string_equal(json_get_str(turn, "emotion").p, "急");
	assert_string_equal(json_get_str(turn, "role").p, "left");
	assert_string_equal(json_get_str(json_at(json_get(f, "turns"), 1), "text").p, "是");
	const char *all = kit_json(&k, f);
	assert_null(strstr(all, "4463"));
	assert_null(strstr(all, "四四六三"));
	assert_int_equal(json_get_int(json_path(f, "profile.left"), "age", 0), 30);
	assert_string_equal(json_get_str(json_get(f, "termination"), "original").p, "assistant");
	/* the audit names places in the new texts, and no originals */
	const struct json *replaced = json_path(f, "privacy.replaced");
	assert_int_equal(json_count(replaced), 4);
	assert_string_equal(kit_json(&k, json_at(replaced, 0)),
		"{\"at\":5,\"chars\":13,\"form\":\"digits\",\"kind\":\"mobile\",\"turn\":0}");
	assert_string_equal(json_get_str(json_at(replaced, 1), "field").p, "profile.left.occupation");
	assert_string_equal(json_get_str(json_at(replaced, 2), "field").p, "profile.right.aliases[1]");
	assert_string_equal(json_get_str(json_at(replaced, 2), "form").p, "spoken");
	assert_string_equal(json_get_str(json_at(replaced, 3), "field").p, "termination.reason");
	kit_close(&k);
}

static void what_is_absent_stays_absent(void **state)
{
	(void)state;
	struct kit k;
	open_stage(&k);
	assert_string_equal(kit_json(&k, work_on(&k, "{\"turns\":[{\"role\":\"left\",\"text\":\"\"}]}")),
		"{\"privacy\":{\"replaced\":[]},\"turns\":[{\"role\":\"left\",\"text\":\"\"}]}");
	assert_string_equal(kit_json(&k, work_on(&k, "{\"turns\":[]}")), "{\"privacy\":{\"replaced\":[]},\"turns\":[]}");
	kit_close(&k);
}

static void too_deep(void **state)
{
	(void)state;
	struct kit k;
	struct work w;
	struct err e = ERR_INIT;
	open_stage(&k);
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	buf_puts(&b, "{\"turns\":[],\"profile\":");
	for (int i = 0; i < 40; i++)
		buf_puts(&b, "[");
	buf_puts(&b, "\"13920174463\"");
	for (int i = 0; i < 40; i++)
		buf_puts(&b, "]");
	buf_puts(&b, "}");
	assert_int_equal(kit_work(&k, "a/1", kit_parse(&k, b.data), &w, &e), ERR_DATA);
	assert_null(strstr(e.text, "4463"));
	kit_close(&k);
}

static void options_are_checked(void **state)
{
	(void)state;
	static const struct {
		const char *with, *says;
	} bad[] = {
		{"{}", "give one of"},
		{"{key: public-demo, key_env: X}", "give only one"},
		{"{key: short}", "at least 8"},
		{"{key_env: 'A B'}", "name of an environment variable"},
		{"{key: public-demo, rules: nowhere.yaml}", "no file"},
	};
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct kit k;
		struct err e = ERR_INIT;
		assert_true(kit_open(&k, &stage_anonymize, bad[i].with, ".", &e) < 0);
		if (!strstr(e.text, bad[i].says))
			fail_msg("%s: %s", bad[i].with, e.text);
		assert_null(strstr(e.text, "short"));
		kit_close(&k);
	}
}

/* --- Random numbers --- */

static char digits[64];

static void random_digits(struct draw *d, const char *head, size_t n)
{
	size_t at = strlen(head);
	memcpy(digits, head, at);
	for (; at < n; at++)
		digits[at] = (char)('0' + draw_below(d, 10));
	digits[n] = '\0';
}

static void random_number(struct draw *d, enum anon_kind kind)
{
	char head[24];
	switch (kind) {
	case ANON_MOBILE:
		snprintf(head, sizeof(head), "1%d", (int)(3 + draw_below(d, 7)));
		random_digits(d, head, 11);
		return;
	case ANON_LANDLINE:
		snprintf(head, sizeof(head), "0%d%d%d%d", (int)(3 + draw_below(d, 7)), (int)(1 + draw_below(d, 9)),
			(int)(1 + draw_below(d, 9)), (int)(2 + draw_below(d, 7)));
		random_digits(d, head, 11 + draw_below(d, 2));
		return;
	case ANON_RESIDENT_ID:
		snprintf(head, sizeof(head), "33%02d%02d%d%02d%02d", (int)(1 + draw_below(d, 11)), (int)(1 + draw_below(d, 30)),
			(int)(1930 + draw_below(d, 90)), (int)(1 + draw_below(d, 12)), (int)(1 + draw_below(d, 28)));
		random_digits(d, head, 17);
		digits[17] = anon_id_check(digits);
		digits[18] = '\0';
		return;
	default:
		random_digits(d, "62", 16 + draw_below(d, 4));
		for (char c = '0'; c <= '9' && !anon_luhn(digits, strlen(digits)); c++)
			digits[strlen(digits) - 1] = c;
	}
}

/* In groups of two to six, in digits or spoken, with what people put between groups. */
static void say_number(struct draw *d, struct buf *b)
{
	static const char *const gaps[] = {" ", "，", "、", "-", "，嗯，", "。", " 那个 ", "，然后"};
	static const char *const says[] = {"零", "一", "二", "三", "四", "五", "六", "七", "八", "九"};
	bool spoken = draw_below(d, 2), yao = draw_below(d, 2), gapped = draw_below(d, 3) > 0;
	size_t left = 3 + draw_below(d, 3), n = strlen(digits);
	for (size_t i = 0; i < n; i++) {
		if (gapped && left-- == 0 && n - i > 2) {
			buf_puts(b, gaps[draw_below(d, COUNT_OF(gaps))]);
			left = 2 + draw_below(d, 4);
		}
		if (digits[i] == 'X' || !spoken)
			buf_putc(b, digits[i]);
		else
			buf_puts(b, digits[i] == '1' && yao ? "幺" : says[digits[i] - '0']);
	}
}

static void random_numbers_are_found(void **state)
{
	(void)state;
	static const enum anon_kind kinds[] = {ANON_MOBILE, ANON_LANDLINE, ANON_RESIDENT_ID, ANON_BANK_CARD};
	static const char *const fronts[] = {"", "我的号码是", "好的，您记一下：", "三十块，"};
	static const char *const backs[] = {"", "，对吗？", "请核对", "。谢谢"};
	for (uint64_t i = 0; i < ROUNDS; i++) {
		enum anon_kind kind = kinds[i % COUNT_OF(kinds)];
		struct draw d;
		draw_init(&d, i, STR("anonymize"), "number");
		CLEANUP(buf_release) struct buf b = BUF_INIT;
		random_number(&d, kind);
		buf_puts(&b, fronts[draw_below(&d, COUNT_OF(fronts))]);
		say_number(&d, &b);
		buf_puts(&b, backs[draw_below(&d, COUNT_OF(backs))]);
		anonkit_text(&kit, b.data);
		if (kit.call.nvalues != 1 || kit.call.values[0].kind != kind || !str_is(kit.call.values[0].text, digits))
			fail_msg("%s: %s", b.data, anonkit_found(&kit, 0));
		anonkit_check_outside(&kit, 0);
		struct str fake = kit.call.values[0].fake;
		assert_int_equal(fake.n, strlen(digits));
		assert_false(str_is(fake, digits));
		if (kind == ANON_RESIDENT_ID) {
			assert_int_equal(anon_id_check(fake.p), fake.p[17]);
			assert_int_equal(anon_number_kind(fake.p, fake.n), ANON_NONE); /* a region that nobody has */
			assert_memory_equal(fake.p + 6, digits + 6, 4);                /* the year stays */
			assert_int_equal((fake.p[16] - digits[16]) % 2, 0);
			assert_int_equal(fake.p[17] == 'X', digits[17] == 'X');
		} else if (kind == ANON_BANK_CARD) {
			assert_true(anon_luhn(fake.p, fake.n));
			assert_memory_equal(fake.p, "6299", 4);
		} else if (kind == ANON_LANDLINE) {
			assert_memory_equal(fake.p, digits, 4);
			assert_int_equal(fake.p[4], '9');
		} else {
			char prefix[4] = {fake.p[0], fake.p[1], fake.p[2], '\0'};
			assert_non_null(strstr("154 160 163 164 168 169 194", prefix));
		}
	}
}

/* --- Random texts --- */

/* Pieces that meet the finders' corners, and any code point. */
static void random_text(struct draw *d, struct buf *b)
{
	static const char *const pieces[] = {"零", "幺", "要", "洞", "拐", "两", "十", "万", "个", "三个", "138", "13800",
		"62", "@", "艾特", "点", "com", "163", "x", "X", "叉", "大写的X", "，", "。", " ", "嗯", "不对", "说错了", "转",
		"微信", "QQ", "验证码", "护照", "E", "京A", "订单号", "身份证", "卡号", "+86", "０", "Ａ", "_", "-", ".", "年",
		"圈a", "尾号", "\xf0\x9f\x98\x80", "·", "(", "）", "*"};
	size_t n = draw_below(d, 60);
	for (size_t i = 0; i < n; i++) {
		if (draw_below(d, 4)) {
			buf_puts(b, pieces[draw_below(d, COUNT_OF(pieces))]);
			continue;
		}
		char bytes[4];
		uint32_t cp = 1 + (uint32_t)draw_below(d, draw_below(d, 2) ? 0x7f : 0x10ffff);
		if (cp >= 0xd800 && cp < 0xe000)
			cp = 0x4e00;
		buf_add(b, bytes, utf8_put(cp, bytes));
	}
}

static void random_texts_do_no_harm(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 8 * ROUNDS; i++) {
		struct draw d;
		draw_init(&d, i, STR("anonymize"), "text");
		CLEANUP(buf_release) struct buf a = BUF_INIT, b = BUF_INIT, c = BUF_INIT;
		buf_puts(&a, "l:");
		buf_puts(&b, draw_below(&d, 2) ? "r:" : "l:");
		buf_puts(&c, "l:");
		random_text(&d, &a);
		random_text(&d, &b);
		random_text(&d, &c);
		TURNS(a.data, b.data, c.data);
		for (size_t t = 0; t < 3; t++) {
			assert_true(utf8_invalid(str_of(kit.out[t])) < 0);
			anonkit_check_outside(&kit, t);
		}
		for (size_t v = 0; v < kit.call.nvalues; v++)
			for (size_t w = 0; w < v; w++)
				assert_false(kit.call.values[v].kind == kit.call.values[w].kind &&
							 str_eq(kit.call.values[v].fake, kit.call.values[w].fake));
	}
}

/* The longest turn that a call may have, of digits and of what looks like the start of everything: in a moment, not in minutes. */
static void long_texts(void **state)
{
	(void)state;
	static const char *const units[] = {
		"1", "1 ", "幺，", "要", "a.", "微信", "三个六", "六二二五，说错了，", "@", "京A"};
	for (size_t u = 0; u < COUNT_OF(units); u++) {
		CLEANUP(buf_release) struct buf b = BUF_INIT;
		while (b.len + strlen(units[u]) <= CALL_TURN_TEXT_MAX)
			buf_puts(&b, units[u]);
		anonkit_text(&kit, b.data);
		anonkit_check_outside(&kit, 0);
	}
}

static int setup(void **state)
{
	(void)state;
	anonkit_open(&kit);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	anonkit_close(&kit);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(written_or_spoken),
		cmocka_unit_test(over_several_turns),
		cmocka_unit_test(parts_read_back),
		cmocka_unit_test(two_values_stay_two),
		cmocka_unit_test(all_texts_of_a_call),
		cmocka_unit_test(what_is_absent_stays_absent),
		cmocka_unit_test(too_deep),
		cmocka_unit_test(options_are_checked),
		cmocka_unit_test(random_numbers_are_found),
		cmocka_unit_test(random_texts_do_no_harm),
		cmocka_unit_test(long_texts),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}

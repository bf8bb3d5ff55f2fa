/* import: the forms of speech recognisers, subtitles and plain text; each fixture becomes the call that it tells of, each broken one an error that says why. */
#include "base/alloc.h"
#include "stages/import/import.h"
#include "tests/stages/import/stagekit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct arena arena = ARENA_INIT;
static const char *folder;

static int set_up(void **state)
{
	(void)state;
	folder = kit_folder(&arena);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	kit_remove_folder(folder);
	arena_release(&arena);
	return 0;
}

static void open_list(struct kit *k, const char *with, const char *base)
{
	struct err e = ERR_INIT;
	if (kit_open(k, &stage_import, with, base, &e) || kit_list(k, &e))
		fail_msg("%s", e.text);
}

/* The turns of an item as lines "L 100-200 text", or the words of what is wrong. */
static const char *turns_of(struct kit *k, const struct kit_item *item)
{
	struct err e = ERR_INIT;
	struct work w;
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	if (item->broken)
		return item->broken;
	if (kit_work(k, item->id.p, item->content, &w, &e)) {
		assert_int_equal(err_class_of(e.code), CLASS_DATA);
		return arena_strdup(&k->arena, e.text);
	}
	JSON_EACH(turn, json_get(w.fields, "turns")) {
		buf_puts(&b, str_is(turn_role(turn), "left") ? "L" : "R");
		buf_printf(&b, " %lld-%lld ", (long long)json_get_int(turn, "start_ms", -1),
			(long long)json_get_int(turn, "end_ms", -1));
		buf_str(&b, turn_text(turn));
		buf_putc(&b, '\n');
	}
	return arena_strdup(&k->arena, b.data);
}

/* What import makes of one file with this text. */
static const char *turns_with(const char *with, const char *text, size_t n)
{
	struct kit k;
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	kit_write(folder, "t", text, n);
	buf_printf(&b, "inputs: [t]\nlabel: 订餐服务\n%s", with);
	open_list(&k, b.data, folder);
	assert_int_equal(k.n, 1);
	assert_string_equal(k.items[0].id.p, "t");
	const char *got = arena_strdup(&arena, turns_of(&k, &k.items[0]));
	kit_close(&k);
	return got;
}

static void gives(const char *text, const char *expected)
{
	const char *got = turns_with("", text, strlen(text));
	if (strcmp(got, expected) != 0)
		fail_msg("%s\ngives:\n%sand not:\n%s", text, got, expected);
}

static void fails(const char *text, const char *expected)
{
	const char *got = turns_with("", text, strlen(text));
	if (!strstr(got, expected))
		fail_msg("%s\n'%s' is not in: %s", text, expected, got);
}

/* --- The fixtures of the tree --- */

static void fixtures_become_calls(void **state)
{
	(void)state;
	static const struct {
		const char *id, *turns;
	} cases[] = {
		{"whisper-names",
			"L 0-3200 您好，这里是小满餐厅订餐热线。\nR 3200-5900 我想订明天晚上的位子。\nL 6400-8000 请问几位？\n"
			"R 8100-9350 四位，靠窗的。\n"},
		{"whisperx-split",
			"L 310-4000 您好，我是银行的。您卡上有3笔异常。\nR 4000-5000 什么异常？\nL 4900-6600 请把验证码告诉我们。\n"
			"R 7000-8400 我不给。\n"},
		{"funasr-two/%43all%2007", "R 120-900 喂你好，\nL 1000-2700 您好，请问您要去哪里？\nR 3100-3900 火车站。\nL "
								   "4000-5200 好的，车马上到。\n"},
		{"funasr-two/call08", "L 0-4000 这里是快递客服，您的包裹丢了，请加我们理赔专员。\nR 4200-5000 真的假的？\n"},
		{"overlap", "L 500-3000 您好，外卖到楼下了，请您下来取一下。\nR 2600-4000 好的，马上&谢谢。\nL 4200-5000 "
					"您慢点，不着急。\n"
					"R 7000-8000 来了。\n"},
		{"voices",
			"L 1000-3500 您好，我们是市局的。\nR 3400-5000 有什么事吗？\nL 5200-3607000 您的身份证被人<冒用>了。\n"
			"R 5200--1 啊？我没丢过呀。\n"},
		{"plain-sides", "L 1000--1 您好，这里是小区门诊。\nR 4500--1 我想预约明天上午的号。地址：不用登记吧？\n"
						"L 9000--1 不用，请您带身份证。\nR 15000--1 好的，谢谢。\n"},
		{"plain-names", "L 3000--1 您好，恭喜您中奖了，请加我们客服微信。\nR 9000--1 真的吗？我没买过彩票呀。\n"
						"L 15000--1 您的号码是系统抽中的。\n"},
	};
	struct kit k;
	open_list(&k,
		"inputs: [tests/fixtures/import/*.json, tests/fixtures/import/*.srt, tests/fixtures/import/*.vtt, "
		"tests/fixtures/import/*.txt]\nlabels_csv: tests/fixtures/import/labels.csv\n",
		".");
	assert_int_equal(k.n, COUNT_OF(cases));
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct kit_item *item = kit_item(&k, cases[i].id);
		assert_non_null(item);
		assert_string_equal(turns_of(&k, item), cases[i].turns);
	}
	kit_close(&k);
}

static void broken_fixtures_tell_why(void **state)
{
	(void)state;
	static const struct {
		const char *id, *why;
		int line;
	} cases[] = {
		{"bad-times", "bad times of a cue: '00:00:03,000 --> 00:99:04,000'", 6},
		{"cut", "bad JSON", 0},
		{"empty", "empty call: no segment has a text", 0},
		{"gbk", "iconv -f GBK", 0},
		{"no-model/a1", "nobody says who spoke: run FunASR with a speaker model", 1},
		{"nobody", "nobody says who spoke", 0},
		{"one-speaker", "one speaker only (SPEAKER_00)", 0},
		{"recording", "a sound: import reads transcripts", 0},
		{"some-voices", "segment 2 has no speaker, others have", 0},
		{"three", "3 speakers (A, B, C): say in `speakers`", 0},
		{"wide", "iconv -f UTF-16", 0},
	};
	struct kit k;
	open_list(&k, "inputs: [tests/fixtures/import/broken/*]\nlabel: 订餐服务\n", ".");
	assert_int_equal(k.n, COUNT_OF(cases));
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct kit_item *item = kit_item(&k, cases[i].id);
		assert_non_null(item);
		const char *got = turns_of(&k, item);
		if (!strstr(got, cases[i].why))
			fail_msg("%s: '%s' is not in: %s", cases[i].id, cases[i].why, got);
		assert_int_equal(item->at.line, cases[i].line);
	}
	kit_close(&k);
}

/* What recognisers write beside text, time and speaker is no part of the content. */
static void content_is_what_counts(void **state)
{
	(void)state;
	static const char *const same[] = {
		"{\"segments\":[{\"text\":\"喂\",\"speaker\":\"A\",\"start\":1,\"end\":2},{\"text\":\"您\",\"speaker\":\"B\"}]"
		"}",
		"\xef\xbb\xbf{\r\n\"language\":\"zh\", \"segments\": [{\"id\":7,\"text\":\" 喂 "
		"\",\"speaker\":\"A\",\"start\":1.0,\"end\":"
		"2.0004,\"avg_logprob\":NaN,\"words\":[]},\r\n{\"text\":\"\",\"start\":9},{\"text\":\"您\",\"speaker\":\"B\","
		"\"start\":NaN,"
		"\"end\":null}],\"text\":\"喂 NaN \\\" NaN\",\"x\":-Infinity}\r\n",
	};
	for (size_t i = 0; i < COUNT_OF(same); i++) {
		struct kit k;
		kit_write(folder, "t", same[i], strlen(same[i]));
		open_list(&k, "inputs: [t]\n", folder);
		assert_int_equal(k.n, 1);
		assert_null(k.items[0].broken);
		assert_string_equal(kit_json(&k, k.items[0].content),
			"{\"reader\":\"whisper\",\"record\":{\"segments\":[{\"end_ms\":2000,\"speaker\":\"A\",\"start_ms\":1000,"
			"\"text\":\"喂\"},"
			"{\"speaker\":\"B\",\"text\":\"您\"}]}}");
		kit_close(&k);
	}
}

/* --- Whisper --- */

#define SEG(text, speaker, start, end) \
	"{\"text\":\"" text "\",\"speaker\":\"" speaker "\",\"start\":" start ",\"end\":" end "}"
#define WHISPER(segments) "{\"segments\":[" segments "],\"language\":\"zh\"}"

static void whisper_cases(void **state)
{
	(void)state;
	gives(WHISPER(SEG("您好", "A", "0", "1") "," SEG("喂", "B", "1", "2")), "L 0-1000 您好\nR 1000-2000 喂\n");
	/* The speaker of a segment may be a number; an empty segment needs none. */
	gives(WHISPER("{\"text\":\"您好\",\"speaker\":0},{\"text\":\"喂\",\"speaker\":1},{\"text\":\" \"}"),
		"L -1--1 您好\nR -1--1 喂\n");
	/* Times that cannot be true are left out: negative, the end before the start, later than 100 hours. */
	gives(WHISPER(SEG("您好", "A", "-1", "1") "," SEG("喂", "B", "3", "2") "," SEG("您讲", "A", "1e9", "2e9")),
		"L -1-1000 您好\nR 3000--1 喂\nL -1--1 您讲\n");
	fails(WHISPER("{\"text\":7}"), "segments[0].text: expected a text");
	fails(WHISPER("{\"start\":7}"), "segments[0].text: expected a text, found nothing");
	fails(WHISPER("[]"), "segments[0]: expected an object");
	fails(WHISPER("{\"text\":\"喂\",\"start\":\"1\"}"), "segments[0].start: expected seconds");
	fails(WHISPER("{\"text\":\"喂\",\"speaker\":[]}"), "segments[0].speaker: expected a name");
	fails("{\"segments\":{}}", "segments: expected a list");
	fails(WHISPER(""), "empty call");
	fails(WHISPER(SEG("您", "A", "0", "1") ",{\"text\":\"喂\"}"), "segment 2 has no speaker");
}

#define WORD(word, speaker) "{\"word\":\"" word "\",\"speaker\":\"" speaker "\"}"

static void words_split_segments(void **state)
{
	(void)state;
	/* Words without times or speaker; times of the segment at its edges; text and marks as the segment has them. */
	gives(
		WHISPER("{\"text\":\"OK, Mr Li? 您说。\",\"start\":1,\"end\":4,\"speaker\":\"A\",\"words\":[{\"word\":\"OK,\"},"
				"{\"word\":\"Mr\",\"speaker\":\"B\",\"end\":1.5},{\"word\":\"Li?\"},"
				"{\"word\":\"您说。\",\"speaker\":\"A\",\"start\":2.25}]}"),
		"R 1000-1500 OK, Mr Li?\nL 2250-4000 您说。\n");
	/* Words that do not make up the text are joined. */
	gives(WHISPER("{\"text\":\"别的\",\"start\":1,\"end\":4,\"words\":[" WORD("喂", "B") "," WORD("喂", "B") "," WORD(
			  "您", "A") "]}"),
		"R 1000--1 喂喂\nL -1-4000 您\n");
	/* All words are of one speaker: the segment stays whole, and is theirs. */
	gives(WHISPER("{\"text\":\"喂，喂\",\"speaker\":\"A\",\"words\":[{\"word\":\"喂，\"}," WORD("喂", "B") "]}," SEG(
			  "您", "A", "1", "2")),
		"R -1--1 喂，喂\nL 1000-2000 您\n");
}

/* --- FunASR --- */

#define SENTENCE(text, spk) "{\"text\":\"" text "\",\"spk\":" spk "}"

static void funasr_cases(void **state)
{
	(void)state;
	gives("{\"key\":\"x\",\"sentence_info\":[" SENTENCE("您好", "0") "," SENTENCE("喂", "1") "]}",
		"L -1--1 您好\nR -1--1 喂\n");
	gives("{\"sentence_info\":[" SENTENCE("<|zh|><|HAPPY|>您好<|x", "0") "," SENTENCE("<|en|>", "3") "," SENTENCE(
			  "喂", "1") "]}",
		"L -1--1 您好<|x\nR -1--1 喂\n");
	fails("{\"sentence_info\":[" SENTENCE("您好", "{}") "]}", "sentence_info[0].spk: expected a number");
	fails("{\"sentence_info\":[{\"spk\":1}]}", "sentence_info[0].text: expected a text");
	fails("{\"sentence_info\":[[]]}", "sentence_info[0]: expected an object");
}

/* Each result of a list is found again by its place, and a broken one does not hide the others. */
static void funasr_lists(void **state)
{
	(void)state;
	static const char good[] =
		"{\"key\":\"a\",\"sentence_info\":[" SENTENCE("您好 [,]\\\" ", "0") "," SENTENCE("喂", "1") "]}";
	static const struct {
		const char *format, *ids, *why;
	} cases[] = {
		{"[%s]", "t/a ", NULL},
		{"\n [ {\"key\": \"b\"},\n%s]\n", "t/b t/a ", "expected a list"},
		{"[{\"key\": \"b\" \"c\"},%s]", "t/result-1 t/a ", "bad JSON"},
		{"[%s, 7]", "t/a t/result-2 ", "expected a JSON object"},
		{"[%s,", "t/a t/result-2 ", "not closed"},
		{"[%s", "t/a t/result-2 ", "not closed"},
		{"[%s]]", "t/a t/result-2 ", "text behind the end"},
		{"[%s,]", "t/a t/result-2 ", "a comma and nothing behind it"},
		{"[,%s]", "t/result-1 t/a ", "bad JSON"},
		{"[{\"key\":\"\xff\"},%s]", "t/result-1 t/a ", "UTF-8"},
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		CLEANUP(buf_release) struct buf text = BUF_INIT;
		CLEANUP(buf_release) struct buf ids = BUF_INIT;
		const char *at = strstr(cases[i].format, "%s"), *why = NULL;
		struct kit k;
		buf_add(&text, cases[i].format, (size_t)(at - cases[i].format));
		buf_puts(&text, good);
		buf_puts(&text, at + 2);
		kit_write(folder, "t", text.data, text.len);
		open_list(&k, "inputs: [t]\n", folder);
		for (size_t n = 0; n < k.n; n++) {
			buf_printf(&ids, "%s ", k.items[n].id.p);
			if (k.items[n].broken)
				why = k.items[n].broken;
			else
				assert_memory_equal(text.data + k.items[n].at.offset, good, (size_t)k.items[n].at.length);
		}
		assert_string_equal(ids.data, cases[i].ids);
		if (cases[i].why ? !why || !strstr(why, cases[i].why) : why != NULL)
			fail_msg("%s: '%s' is not in: %s", cases[i].format, cases[i].why ? cases[i].why : "", why ? why : "(none)");
		kit_close(&k);
	}
	struct kit k;
	static const char lines[] = "[\n{\"key\":\"a\",\n\"sentence_info\":\n[]},\n\n{\"key\":\"b\",\"sentence_info\":7}]";
	kit_write(folder, "t", lines, strlen(lines));
	open_list(&k, "inputs: [t]\n", folder);
	assert_int_equal(kit_item(&k, "t/a")->at.line, 2);
	assert_int_equal(kit_item(&k, "t/b")->at.line, 6);
	kit_close(&k);
}

/* --- Subtitles --- */

static void vtt_cases(void **state)
{
	(void)state;
	gives("WEBVTT\n\n00:01.000 --> 00:02.000\n<v A>您好</v>\n\n00:02.000 --> 00:03.000\n<v B>喂",
		"L 1000-2000 您好\nR 2000-3000 喂\n");
	/* Line ends of all kinds, a cue without an empty line before it, a name in the text. */
	gives("WEBVTT x\r\r00:01.000 --> 00:02.000\rA: 您好\r\n123:00:02.000 --> 123:00:03.000\nB：喂",
		"L 1000-2000 您好\nR -1--1 喂\n");
	/* Two names in one cue share its times; two voices too. */
	gives("WEBVTT\n\n00:01.000 --> 00:02.000\nA: 您好\n慢慢说\nB: 喂\n", "L 1000-2000 您好慢慢说\nR 1000-2000 喂\n");
	gives("WEBVTT\n\n00:01.000 --> 00:02.000\n<v A>您好 <v B>喂\n", "L 1000-2000 您好\nR 1000-2000 喂\n");
	/* Entities and tags; an unknown entity is text; a tag that is not closed reaches to the end. */
	gives("WEBVTT\n\n00:01.000 --> 00:02.000\n<v R &amp; D>a&lt;b&gt;&nbsp;&quot;&#38;&#x6211;&bogus;&#xD800;&#0;"
		  "<c.x>您</c><lang zh>好</lang><b\n\n00:03.000 --> 00:04.000\n<v B>喂\n",
		"L 1000-2000 a<b> \"&我&bogus;&#xD800;&#0;您好\nR 3000-4000 喂\n");
	fails("WEBVTT\n\n1\n00:01.000 -> 00:02.000\nA: 喂", "empty call");
	fails("WEBVTT\n\n00:01.000 --> \nA: 喂", "bad times of a cue");
	fails("WEBVTT\n\n00:01.000 --> 00:61.000\nA: 喂", "bad times of a cue");
	fails("WEBVTT\n\n00:01.000 --> 00:02.000\n<v A>喂</v> 谁", "segment 2 has no speaker");
	fails("WEBVTTX\n\n00:01.000 --> 00:02.000\n<v A>喂", "not a form that import knows");
}

static void srt_cases(void **state)
{
	(void)state;
	gives("00:00:01,000 --> 00:00:02,000\nA: 您好\n\n00:00:02,000 --> 00:00:03,000\nB: 喂",
		"L 1000-2000 您好\nR 2000-3000 喂\n");
	/* A number within a text stays, the number before times goes. */
	gives("\n\n7\n00:00:01,000 --> 00:00:02,000\nA: 您拨\n110\n\n8\n00:00:02.5 --> 00:00:03.123456\nB: 喂\n9\n",
		"L 1000-2000 您拨110\nR 2500-3123 喂9\n");
	/* Blanks between Latin letters, none between Chinese ones; what is no tag stays. */
	gives("1\n00:00:01,000 --> 00:00:02,000\nA: Hello\nMr <b>Li</b>\n您好 1 < 2 <3>\n\n2\n00:00:02,000 --> "
		  "00:00:03,000\nB: "
		  "{\\i1}OK{\\i0} {x}\n",
		"L 1000-2000 Hello Mr Li您好 1 < 2 <3>\nR 2000-3000 OK {x}\n");
	fails(
		"1\n00:00:01,000 --> 00:00:02,000\n您好\n\n2\n00:00:02,000 --> 00:00:03,000\nB: 喂\n", "nobody says who spoke");
	fails("1\n\n00:00:01 --> x\nA: 您好\n", "bad times of a cue");
	/* What somebody said is not repeated, nor a number of a person. */
	static const char *const slips[] = {
		"1\n\n00:00:01 --> 13900001111\nA: 您好\n", "1\n\n赵六 --> 00:00:02\nA: 您好\n"};
	for (size_t i = 0; i < COUNT_OF(slips); i++) {
		const char *got = turns_with("", slips[i], strlen(slips[i]));
		const char *words = strstr(got, "bad times of a cue");
		assert_non_null(words);
		assert_string_equal(words, "bad times of a cue");
	}
	fails("1\n00:00:01,000 --> 00:00:02,000\nA: \xff\n", "invalid UTF-8");
	fails("1\nA: 您好\n", "not a form that import knows");
}

/* --- Plain text --- */

static void plain_cases(void **state)
{
	(void)state;
	static const char *const same[] = {
		"L: 您好\nR: 喂\n",
		"left：您好\r\nRIGHT ： 喂\r\n",
		"左：您好\r右：喂",
		"\xef\xbb\xbf\n# 备注\n[L]: 您好\n【R】：喂\n",
		"右:\n喂\n左:\n您好\n",
	};
	for (size_t i = 0; i < COUNT_OF(same); i++)
		gives(same[i], i == 4 ? "R -1--1 喂\nL -1--1 您好\n" : "L -1--1 您好\nR -1--1 喂\n");
	/* Times in brackets, without, with an end, with hours. */
	gives("[00:01] A: 您好\n(01:00:02.5) B: 喂\n00:03:00 A: 请讲\n[00:03:01 --> 00:03:02] B: 好\n[00:03:03 - "
		  "00:03:04]A：您说\n",
		"L 1000--1 您好请讲\nR 181000-182000 好\nL 183000-184000 您说\nR 3602500--1 喂\n");
	/* Any name, when the first is no usual one; of usual ones, a colon within a line is no name. */
	gives("小王：您好\n客户 李女士：喂\n", "L -1--1 您好\nR -1--1 喂\n");
	gives("说话人1：您好\n地址：南门\n说话人 2：喂\n", "L -1--1 您好地址：南门\nR -1--1 喂\n");
	/* A time and a web address are no names. */
	gives("A: 您好\n12:30 见\nhttp://x.cn\nB: 喂\n", "L -1--1 您好12:30 见http://x.cn\nR -1--1 喂\n");
	fails("A: 您好\nA: 喂\n", "one speaker only (A)");
	fails("L: 您好\nleft: 喂\n", "all speakers (L, left) are on the left side");
	fails("您好\nA: 喂\nB: 喂\n", "not a form that import knows");
	fails("A: 您好\n", "not a form that import knows");
	fails("A: \nB: \n", "empty call");
}

/* --- What is not ours stays what it was --- */

static void older_forms_keep_their_files(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{"{\"tts_id\":\"1\",\"left\":[\"segments\"],\"right\":[],\"segments\":[]}\n", "jsonl"},
		{"{\"tts_id\":\"1\",\"left\":[\"a\"],\"right\":[]}\n{\"segments\":[]}\n", "jsonl"},
		{"{\"dialogue_history\":[{\"role\":\"left\",\"content\":\"a\"}],\"segments\":[],\"sentence_info\":[]}",
			"dialogue"},
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct kit k;
		kit_write(folder, "t", cases[i][0], strlen(cases[i][0]));
		open_list(&k, "inputs: [t]\n", folder);
		assert_null(k.items[0].broken);
		assert_string_equal(json_get_str(k.items[0].content, "reader").p, cases[i][1]);
		kit_close(&k);
	}
}

/* The forms that one tool writes of one call are one call, and are told as doubled. */
static void ids_are_stems(void **state)
{
	(void)state;
	struct kit k;
	static const char srt[] = "1\n00:00:01,000 --> 00:00:02,000\nA: 您好\n", txt[] = "A: 您好\nB: 喂\n";
	kit_write(folder, "Call 1.srt", srt, strlen(srt));
	kit_write(folder, "Call 1.txt", txt, strlen(txt));
	open_list(&k, "inputs: ['Call 1.*']\nprefix: run1\n", folder);
	assert_int_equal(k.n, 2);
	assert_string_equal(k.items[0].id.p, "run1/%43all%201");
	assert_null(k.items[0].broken);
	assert_non_null(strstr(k.items[1].broken, "doubled id"));
	kit_close(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fixtures_become_calls),
		cmocka_unit_test(broken_fixtures_tell_why),
		cmocka_unit_test(content_is_what_counts),
		cmocka_unit_test(whisper_cases),
		cmocka_unit_test(words_split_segments),
		cmocka_unit_test(funasr_cases),
		cmocka_unit_test(funasr_lists),
		cmocka_unit_test(vtt_cases),
		cmocka_unit_test(srt_cases),
		cmocka_unit_test(plain_cases),
		cmocka_unit_test(older_forms_keep_their_files),
		cmocka_unit_test(ids_are_stems),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}

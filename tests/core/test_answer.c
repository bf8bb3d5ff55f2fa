#include "core/chat.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* --- Thinking --- */

static void split_case(const char *content, const char *reasoning, const char *thinking, const char *text)
{
	struct str got_thinking, got_text;
	answer_split(str_of(content), str_of(reasoning), &got_thinking, &got_text);
	if (!str_is(got_thinking, thinking) || !str_is(got_text, text))
		fail_msg("%s\nthinking: %.*s\ntext: %.*s", content, STR_FMT(got_thinking), STR_FMT(got_text));
}

static void splits(void **state)
{
	(void)state;
	split_case("", NULL, "", "");
	split_case("  你好  ", NULL, "", "你好");
	split_case("<think>想</think>你好", NULL, "想", "你好");
	split_case("\n<think>\n想一想\n</think>\n\n你好\n", NULL, "想一想", "你好");
	split_case("<think></think>你好", NULL, "", "你好");
	split_case("<think></think>\n<think>想</think>你好", NULL, "想", "你好");
	split_case("<think>外<think>内</think>外</think>答", NULL, "外<think>内</think>外", "答");
	split_case("<think>说到 <think> 标记</think>答", NULL, "说到 <think> 标记", "答");
	split_case("<think>没有完", NULL, "没有完", "");
	split_case("<think>", NULL, "", "");
	split_case("模板已写开头</think>答", NULL, "模板已写开头", "答");
	split_case("</think>答", NULL, "", "答");
	split_case("想</think>", NULL, "想", "");
	split_case("好的。<think>想</think>答", NULL, "想", "答");
	split_case("好的。<think>想</think>", NULL, "想", "好的。");
	split_case("<thinking>想</thinking>答", NULL, "想", "答");
	split_case("[THINK]想[/THINK]答", NULL, "想", "答");
	split_case("◁think▷想◁/think▷答", NULL, "想", "答");
	split_case("答", "想", "想", "答");
	split_case("<think>内</think>答", " 外 ", "外", "答");
	split_case("答", "  ", "", "答");
	split_case("我想 </thin>", NULL, "", "我想 </thin>");
}

/* --- JSON --- */

static void json_case(const char *text, const char *want)
{
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	struct json *v = NULL;
	struct err e = ERR_INIT;
	int rc = answer_json(&a, str_of(text), &v, &e);
	if (rc == 0)
		json_write(&b, v);
	else if (rc != ERR_INVALID || !e.text[0])
		fail_msg("%s\nrc %d: %s", text, rc, e.text);
	if (rc == 0 ? !want || strcmp(b.data, want) != 0 : want != NULL)
		fail_msg("%s\ngot: %s%s", text, rc == 0 ? b.data : e.text, "");
}

static void finds_json(void **state)
{
	(void)state;
	json_case("{\"a\":1}", "{\"a\":1}");
	json_case(" \n[1, 2]\n", "[1,2]");
	json_case("结论：{\"a\": 1}（见[1]、[2]）", "{\"a\":1}");
	json_case("两个：[{\"a\": 1}, {\"a\": 2}] 完", "[{\"a\":1},{\"a\":2}]");
	json_case("\xef\xbb\xbf{\"a\":1}", "{\"a\":1}");
	json_case("```json\n{\"a\": 1}\n```", "{\"a\":1}");
	json_case("```\n{\"a\": 1}\n```", "{\"a\":1}");
	json_case("好的，结果如下：\n```json\n{\"a\": 1}\n```\n以上。", "{\"a\":1}");
	json_case("```json\n{\"a\": 1}\n```\n修正：\n```json\n{\"a\": 2}\n```", "{\"a\":2}");
	json_case("```json\n{\"a\": 1}\n```\n```text\n没有了\n```", "{\"a\":1}");
	json_case("```json\n{\"a\": 1}", "{\"a\":1}"); /* the fence was not closed */
	json_case("  ```json\n  {\"a\": 1}\n  ```", "{\"a\":1}");
	json_case("{\"a\":1}\n```\nx\n```\n```", "{\"a\":1}");
	json_case("我的判断是 {\"a\":1}。", "{\"a\":1}");
	json_case("结果: {\"a\":{\"b\":[1,{}]}} 谢谢", "{\"a\":{\"b\":[1,{}]}}");
	json_case("{\"a\":1} 或者 {\"a\":2}", "{\"a\":2}");
	json_case("{\"a\":1}\n{\"a\":2}\n", "{\"a\":2}");
	json_case("{\"a\":1} 说明{见上}", "{\"a\":1}");
	json_case("{\"a\":1} 他说“好}”", "{\"a\":1}");
	json_case("{\"a\":1} 他说\"好}\"", "{\"a\":1}");
	json_case("前 {\"a\":\"}{][\\\"\"} 后", "{\"a\":\"}{][\\\"\"}");
	json_case("前 {\"a\":\"\\\\\"} 后", "{\"a\":\"\\\\\"}");
	json_case("前 {\"a\":\"```\"} 后", "{\"a\":\"```\"}");
	json_case("见 [1] 与 [2]：{\"a\":1} 完 ]", "{\"a\":1}");
	json_case("{\"a\":1}}", "{\"a\":1}");
	json_case("{{\"a\":1}", NULL); /* a piece of something that is not whole */
	json_case("{\"turns\":[{\"a\":1},{\"a\":2}]", NULL);
	json_case("{\"x\":{\"a\":1}, \"y\":", NULL);
	json_case("{\"a\":1,}", NULL);
	json_case("[1,2,]", NULL);
	json_case("{'a':1}", NULL);
	json_case("{\"a\":1,\"a\":2}", NULL);
	json_case("{a:1}", NULL);
	json_case("", NULL);
	json_case("没有", NULL);
	json_case("true", NULL);
	json_case("\"text\"", NULL);
	json_case("{", NULL);
	json_case("}", NULL);
	json_case("}{", NULL);
}

static void says_what_it_saw(void **state)
{
	(void)state;
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	struct json *v = NULL;
	struct err e = ERR_INIT;
	assert_int_equal(answer_json(&a, STR("我觉得是诈骗"), &v, &e), ERR_INVALID);
	assert_string_equal(e.text, "the answer holds no JSON; it begins with: 我觉得是诈骗");
	err_clear(&e);
	assert_int_equal(answer_json(&a, STR("{\"a\":1,}"), &v, &e), ERR_INVALID);
	assert_true(strstr(e.text, "cannot be read") && strstr(e.text, "line 1"));
	assert_null(v);
}

static void repeated(struct buf *b, const char *piece, size_t bytes)
{
	buf_clear(b);
	while (b->len < bytes)
		buf_puts(b, piece);
}

static void json_is_not_deep(void **state)
{
	(void)state;
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	struct json *v = NULL;
	struct err e = ERR_INIT;
	for (int i = 0; i < 900; i++)
		buf_puts(&b, "[");
	for (int i = 0; i < 900; i++)
		buf_puts(&b, "]");
	assert_int_equal(answer_json(&a, buf_view(&b), &v, &e), ERR_INVALID);
	assert_non_null(strstr(e.text, "deeper"));
	assert_null(v);
}

/* Each of these made a scan that starts anew at every bracket take minutes. */
static void junk_takes_linear_time(void **state)
{
	(void)state;
	static const char *const pieces[] = {"{", "}", "[", "]", "{\"", "\"}", "{}", "[1]", "{\"a\":[", "]}", "```\n",
		"```json\n{\n", "\\\"", "\\", "<think>", "</think>", "<think></think>", "}\"{", "{\"a\":1}", "我", "\"", "{]"};
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	int64_t begin = clock_ms();
	for (size_t i = 0; i < COUNT_OF(pieces); i++) {
		CLEANUP(arena_release) struct arena a = ARENA_INIT;
		struct str thinking, text;
		struct json *v;
		struct err e = ERR_INIT;
		repeated(&b, pieces[i], 1 << 20);
		answer_split(buf_view(&b), STR(""), &thinking, &text);
		answer_json(&a, buf_view(&b), &v, &e);
		answer_refuses(buf_view(&b));
		buf_puts(&b, "{\"a\":1}");
		answer_json(&a, buf_view(&b), &v, &e);
	}
	assert_true(clock_ms() - begin < 120000); /* a second or two; a quadratic scan takes hours */
}

/* --- Refusals --- */

static const char *const refusals[] = {
	"作为一个人工智能语言模型，我不能参与或模拟诈骗行为。",
	"作为AI助手，我无法生成诈骗电话的内容。",
	"作为AI，我不能提供这样的对话。",
	"作为一名 AI 语言模型，我必须遵守道德准则，不能编写诈骗话术。",
	"抱歉，作为人工智能助手，我不会提供任何诈骗相关的内容。",
	"作为一个人工智能语言模型，我还没学习如何回答这个问题，您可以向我问一些其它的问题，我会尽力帮您解决的。",
	"对不起，我是一个AI助手，我不能扮演骗子。",
	"我是一个人工智能模型，无法协助进行欺诈活动。",
	"抱歉，我无法协助您完成这个请求。",
	"抱歉，我无法协助满足该请求。",
	"很抱歉，我无法满足您的请求。",
	"我无法满足您的请求。",
	"很抱歉，我不能帮助完成这类请求。",
	"对不起，我无法参与此类请求。",
	"抱歉，我不能生成诈骗对话。",
	"抱歉，我无法生成涉及诈骗的内容。",
	"很抱歉，我不能创作这样的对话内容。",
	"非常抱歉，我无法为您编写诈骗剧本。",
	"抱歉，我不能扮演诈骗者的角色。",
	"对不起，我不能模拟诈骗电话的对话。",
	"我不能模拟诈骗场景，因为这可能会被用于违法活动。",
	"无法生成诈骗话术。",
	"无法提供涉及诈骗的对话内容。",
	"抱歉，我不能提供任何涉及违法的内容。",
	"我无法提供有关诈骗的话术或脚本。",
	"很抱歉，我不能提供此类内容。",
	"抱歉，我无法给到相关内容。",
	"您的请求涉及诈骗等违法行为，我无法提供帮助。",
	"该请求涉及违法内容，无法处理。",
	"抱歉，这个请求可能涉及诈骗，我不能协助。",
	"对不起，您请求的内容。我无法创作诈骗对话。",
	"我理解您的需求，但是我不能编写诈骗话术。",
	"很抱歉，你输入的内容含有敏感信息，我无法回答。",
	"很抱歉，我无法提供这方面的帮助。如果你遇到可疑来电，请拨打反诈热线。",
	"抱歉，这个话题我无法继续。我们聊点别的吧。",
	"对不起，这个请求涉及违法内容，我不能完成。",
	"非常抱歉，根据相关规定，我不能生成此类对话。",
	"Sorry, I'm unable to continue with this conversation.",
	"**抱歉**，我无法协助此类请求。",
	"“抱歉，我不能生成欺诈内容。”",
	"你好，这个问题我暂时无法回答，让我们换个话题再聊聊吧。",
	"尊敬的用户您好，让我们换个话题再聊聊吧。",
	"抱歉，由于内容涉及电信诈骗，我无法续写这段对话。",
	"抱歉，我不能协助任何诈骗活动。",
	"抱歉！我拒绝编写这样的诈骗文案。",
	"I'm sorry, but I can't assist with that.",
	"I’m sorry, I can’t help with that request.",
	"Sorry, I cannot generate content that facilitates fraud.",
	"I apologize, but I'm unable to create scam dialogue.",
	"As an AI language model, I cannot participate in fraud.",
	"I can't help create a scam call script.",
	"Unfortunately, I am not able to fulfill this request.",
	"I must decline to write this dialogue.",
	"I won't role-play a fraudster.",
	"I cannot provide content that could be used for scams.",
	"I'm not comfortable writing this.",
};
static const char *const said_by_people[] = {
	"抱歉，我不能告诉你验证码。",
	"对不起，我不能提供我的银行卡信息。",
	"不好意思，我不方便提供身份证号码。",
	"抱歉，出于安全考虑，我不能直接提供个人信息。",
	"对不起，我无法相信你说的话，我要报警了。",
	"抱歉，我没有时间，请不要再打来了。",
	"很抱歉，我无法确认您的身份，请您通过官方渠道联系我们。",
	"对不起，我不能给你转账。",
	"抱歉，我不会参与任何投资。",
	"不好意思，我不能帮你完成这个任务，我觉得这是刷单诈骗。",
	"对不起，我不会上当的，这就是诈骗话术。",
	"抱歉，我不相信这种诈骗电话。",
	"我不能随便把钱转给陌生人。",
	"我不会把验证码告诉任何人。",
	"我无法接受这样的条件。",
	"我不能确定您是不是骗子。",
	"非常抱歉，我们无法满足您的退款要求。",
	"很抱歉，我们暂时无法处理您的请求，请稍后再试。",
	"抱歉，我们不能提供这项服务。",
	"很抱歉，我们无法提供这方面的帮助，请您咨询银行。",
	"我不想继续这个话题了，再见。",
	"很抱歉，您的请求已被受理，请耐心等待。",
	"抱歉，您的账户存在异常，我们无法继续为您提供服务。",
	"您的账户涉及洗钱，如果不配合，我们不能保证您的安全。",
	"对不起，您的包裹内含违禁品，无法继续派送。",
	"抱歉，这个时间段已经约满，无法为您预约。",
	"不好意思，我们店不能送到那么远。",
	"抱歉，我打错了。打扰了。再见。",
	"对不起，我儿子不在家，我不能替他做主。",
	"抱歉，我需要先和家人商量一下。",
	"我是中国银行的客服，您的账户有异常。",
	"您好，我是智能客服小美，请问有什么可以帮您？",
	"您好，我是顺丰的AI助手，您的包裹无法派送，请您提供信息。",
	"作为银行的工作人员，我不能向您索要密码。",
	"作为一名老师，我不能收这个礼物。",
	"你能不能生成一个收款码给我？",
	"你们能不能提供一下诈骗的证据？",
	"我不能参加这个活动，谢谢。",
	"对不起，我不会操作手机，你能帮我吗？",
	"抱歉，我现在在开会，不能接电话。",
	"我拒绝提供任何信息，你这是诈骗！",
	"抱歉，我不会把钱借给您。请您不要再打了。",
	"对不起，我不能配合你们，我要去派出所核实。",
	"人工智能项目的投资回报率有多少？我不能保证能拿出这么多钱。",
	"语言模型是什么？我不懂这些，不能投。",
	"我不会帮你们骗人的。",
	"对不起，我不能帮你转发这种信息，万一是诈骗呢？",
	"抱歉，这个请求我得问问经理才能答复您。",
	"不好意思，我没听懂你的要求，我不能答应。",
	"抱歉，我不能回答这个问题，这是我的隐私。",
	"{\"reason\":\"作为AI，我不能参与\",\"is_fraud\":true}",
	"[\"抱歉，我无法协助该请求\"]",
	"Sorry, I can't tell you the verification code.",
	"I cannot give you my password.",
	"",
	"   ",
	"##ENDCALL_SIGNAL##",
};

static void refusals_are_told(void **state)
{
	(void)state;
	int missed = 0;
	for (size_t i = 0; i < COUNT_OF(refusals); i++)
		if (!answer_refuses(str_of(refusals[i]))) {
			print_error("not seen: %s\n", refusals[i]);
			missed++;
		}
	assert_int_equal(missed, 0);
}

static void people_may_decline(void **state)
{
	(void)state;
	int wrong = 0;
	for (size_t i = 0; i < COUNT_OF(said_by_people); i++)
		if (answer_refuses(str_of(said_by_people[i]))) {
			print_error("taken for a refusal: %s\n", said_by_people[i]);
			wrong++;
		}
	assert_int_equal(wrong, 0);
}

struct tally {
	size_t lines, wrong;
};

/* Every text of a tree, wherever it stands. */
static void check_texts(const struct json *v, struct tally *t)
{
	if (json_is(v, JSON_STRING)) {
		t->lines++;
		if (answer_refuses(v->u.s)) {
			t->wrong++;
			print_error("taken for a refusal: %.*s\n", STR_FMT(v->u.s));
		}
	}
	JSON_EACH(item, v)
		check_texts(item, t);
}

static void check_file(const char *path, struct tally *t)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct err e = ERR_INIT;
	if (fs_read(path, (size_t)64 << 20, &text, &e) < 0)
		return;
	bool lines = str_ends(str_of(path), ".jsonl");
	struct str rest = buf_view(&text), line;
	while (lines ? str_line(&rest, &line) : rest.n > 0) {
		if (!lines) {
			line = rest;
			rest = str_n(rest.p, 0);
		}
		CLEANUP(arena_release) struct arena a = ARENA_INIT;
		struct json *v = NULL;
		if (json_parse(&a, line, &v, NULL) == 0)
			check_texts(v, t);
	}
}

/* No line of the real calls is a refusal. Skipped where they are not at hand. */
static void real_calls_have_none(void **state)
{
	(void)state;
	static const char *const patterns[] = {"*.jsonl", "full/*.json"};
	const char *root = getenv("TAF_TRANSCRIPTS") ? getenv("TAF_TRANSCRIPTS") : "../shared/data/transcripts";
	struct tally t = {0, 0};
	for (size_t i = 0; i < COUNT_OF(patterns); i++) {
		CLEANUP(buf_release) struct buf pattern = BUF_INIT;
		CLEANUP(fs_names_free) struct fs_names names = {0};
		fs_join(&pattern, root, patterns[i]);
		if (fs_glob(pattern.data, &names, NULL) < 0)
			continue;
		for (size_t k = 0; k < names.n; k++)
			check_file(names.v[k], &t);
	}
	if (t.lines == 0) {
		print_message("no real transcripts here\n");
		skip();
	}
	print_message("%zu texts\n", t.lines);
	assert_int_equal(t.wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(splits),
		cmocka_unit_test(finds_json),
		cmocka_unit_test(says_what_it_saw),
		cmocka_unit_test(json_is_not_deep),
		cmocka_unit_test(junk_takes_linear_time),
		cmocka_unit_test(refusals_are_told),
		cmocka_unit_test(people_may_decline),
		cmocka_unit_test(real_calls_have_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

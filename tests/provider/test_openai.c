/* What the provider openai says without a network: options, bodies, and what replies mean. */
#include "tests/provider/openai_kit.h"

#include "base/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BASE "base_url: http://127.0.0.1:1/v1, model: m"

/* --- Options --- */

/* NULL: all is well. */
static void ready_case(const char *with, const char *says)
{
	struct openai_kit k;
	struct err e = ERR_INIT;
	openai_kit_open(&k, with);
	int rc = k.p.ops->ready(&k.p, &e);
	if (says ? rc != ERR_CONFIG || !strstr(e.text, says) : rc != 0)
		fail_msg("%s\nrc %d: %s", with, rc, e.text);
	openai_kit_close(&k);
}

static void is_ready(void **state)
{
	(void)state;
	setenv("TAF_TEST_KEY", " sk-abc123 \n", 1);
	setenv("TAF_TEST_EMPTY", "", 1);
	setenv("TAF_TEST_BAD", "two words", 1);
	unsetenv("TAF_TEST_UNSET");
	ready_case("{" BASE "}", NULL);
	ready_case("{" BASE ", api_key_env: TAF_TEST_KEY}", NULL);
	ready_case("{" BASE ", api_key_env: TAF_TEST_UNSET}", "export TAF_TEST_UNSET=");
	ready_case("{" BASE ", api_key_env: TAF_TEST_EMPTY}", "TAF_TEST_EMPTY");
	ready_case("{" BASE ", api_key_env: TAF_TEST_BAD}", "is no key");
	ready_case("{" BASE ", api_key_env: 'a b'}", "no name of an environment variable");
	ready_case("{base_url: 'https://api.siliconflow.cn/v1/', model: m}", NULL);
	ready_case("{base_url: 'https://[::1]:8000', model: m}", NULL);
	ready_case("{base_url: 'ftp://x/v1', model: m}", "http://");
	ready_case("{base_url: 'api.deepseek.com', model: m}", "http://");
	ready_case("{base_url: 'https://', model: m}", "host");
	ready_case("{base_url: 'https:///v1', model: m}", "host");
	ready_case("{base_url: 'https://me@host/v1', model: m}", "user or password");
	ready_case("{base_url: 'https://me:secret@host', model: m}", "user or password");
	ready_case("{base_url: 'https://host/a@b', model: m}", NULL);
	ready_case("{base_url: 'https://host/v1?key=1', model: m}", "'?'");
	ready_case("{base_url: \"https://host/v1\\r\\nX: 1\", model: m}", "blank");
	ready_case("{" BASE ", fallback_models: [a, b]}", NULL);
	ready_case("{" BASE ", fallback_models: [a, m]}", "named twice");
	ready_case("{" BASE ", fallback_models: [1, 2, 3, 4, 5, 6, 7, 8]}", "at most 7");
	ready_case("{" BASE ", extra: {enable_thinking: false, user: x, chat_template_kwargs.enable_thinking: false}}", NULL);
	ready_case("{" BASE ", extra: {temperature: 1}}", "option of its own");
	ready_case("{" BASE ", extra: {stop: x}}", "option of its own");
	ready_case("{" BASE ", extra: {messages: x}}", "taf's own");
	ready_case("{" BASE ", extra: {stream: true}}", "taf's own");
	ready_case("{" BASE ", extra: {response_format.type: text}}", "taf's own");
	ready_case("{" BASE ", extra: {a..b: 1}}", "dot");
	ready_case("{" BASE ", extra: {a: 1, a.b: 1}}", "both");
}

static void no_secret_in_words(void **state)
{
	(void)state;
	struct openai_kit k;
	struct err e = ERR_INIT;
	openai_kit_open(&k, "{base_url: 'https://me:hunter2@host', model: m}");
	assert_int_equal(k.p.ops->ready(&k.p, &e), ERR_CONFIG);
	assert_null(strstr(e.text, "hunter2"));
	openai_kit_close(&k);
	err_clear(&e);
	openai_kit_open(&k, "{" BASE ", api_key_env: sk-0123456789abcdef}"); /* the key where its name should be */
	assert_int_equal(k.p.ops->ready(&k.p, &e), ERR_CONFIG);
	assert_null(strstr(e.text, "0123456789"));
	openai_kit_close(&k);
}

static const char *text_of(struct openai_kit *k, const struct json *v)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	json_write(&b, v);
	return arena_strdup(&k->arena, b.data);
}

/* What shapes answers is in keys; where they come from, how fast and for how much is not. */
static void identity(void **state)
{
	(void)state;
	struct openai_kit k;
	openai_kit_open(&k, "{" BASE ", api_key_env: X, in_flight: 3, price_in: 2, json_mode: off, extra: {top_k: 20}}");
	assert_string_equal(text_of(&k, k.p.identity),
		"{\"kind\":\"openai\",\"options\":{\"extra\":{\"top_k\":20},\"fallback_models\":[],\"max_tokens\":4096,"
		"\"model\":\"m\",\"revision\":\"\",\"stop\":[],"
		"\"temperature\":-1,\"top_p\":-1},\"version\":1}");
	openai_kit_close(&k);
}

static void account_and_asking(void **state)
{
	(void)state;
	struct openai_kit k;
	struct account_config c;
	struct provider_asking asks;
	openai_kit_open(&k, "{" BASE ", requests_per_min: 60, tokens_per_min: 1000, in_flight: 5, price_in: 0.5, "
						"price_out: 2, draws: 4, repair: true}");
	k.p.ops->account(&k.p, &c);
	k.p.ops->asking(&k.p, &asks);
	assert_string_equal(c.name, "writer");
	assert_int_equal(c.limits.requests_per_min, 60);
	assert_int_equal(c.limits.tokens_per_min, 1000);
	assert_int_equal(c.limits.in_flight, 5);
	assert_int_equal(c.price.in, 500000);
	assert_int_equal(c.price.out, 2000000);
	assert_int_equal(c.patience_s, 600);
	assert_int_equal(asks.draws, 4);
	assert_true(asks.repair);
	openai_kit_close(&k);
}

/* --- Bodies --- */

static int sound(void *arg, struct str hex, struct buf *ret, struct err *e)
{
	(void)arg;
	if (!str_is(hex, "abc"))
		return err_set(e, ERR_LOST, "there is no object");
	buf_puts(ret, "foobar");
	return 0;
}

static void body_case(const char *with, const char *request, const char *schema, const char *want)
{
	struct openai_kit k;
	struct err e = ERR_INIT;
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	size_t text = 0;
	openai_kit_open(&k, with);
	struct provider_ask q = {.arena = &k.arena,
		.request = openai_kit_json(&k, request),
		.schema = schema ? openai_kit_json(&k, schema) : NULL,
		.seed = 7,
		.object = sound};
	enum openai_format format = openai_format_of(&k.params, atomic_load(&k.params.json_refused[0]), &q);
	struct openai_sending x = {.params = &k.params, .model = k.params.model, .format = format, .q = &q};
	int rc = openai_body(&x, &b, &text, &e);
	if (rc < 0)
		fail_msg("%s: %s", request, e.text);
	assert_string_equal(text_of(&k, openai_kit_json(&k, b.data)), text_of(&k, openai_kit_json(&k, want)));
	assert_int_equal(text, b.len - (strstr(request, "abc") ? 8 : 0));
	openai_kit_close(&k);
}

#define HI "\"messages\":[{\"role\":\"user\",\"content\":\"你好\"}]"

static void bodies(void **state)
{
	(void)state;
	body_case("{" BASE "}", "{" HI "}", NULL, "{\"model\":\"m\"," HI ",\"max_tokens\":4096,\"seed\":7,\"stream\":false}");
	body_case(
		"{" BASE ", send_seed: false, max_tokens: 0}", "{" HI "}", NULL, "{\"model\":\"m\"," HI ",\"stream\":false}");
	body_case("{" BASE ", send_seed: false, temperature: 0.5, top_p: 0.9, max_tokens: 10}", "{" HI "}", NULL,
		"{\"model\":\"m\"," HI ",\"temperature\":0.5,\"top_p\":0.9,\"max_tokens\":10,\"stream\":false}");
	body_case("{" BASE ", send_seed: false, temperature: 0.5, max_tokens: 10}",
		"{" HI ",\"temperature\":0,\"max_tokens\":5}", NULL,
		"{\"model\":\"m\"," HI ",\"temperature\":0,\"max_tokens\":5,\"stream\":false}");
	body_case("{" BASE ", send_seed: false, max_tokens: 0, stop: ['</s>', '\"完\"']}", "{" HI "}", NULL,
		"{\"model\":\"m\"," HI ",\"stop\":[\"</s>\",\"\\\"完\\\"\"],\"stream\":false}");
	body_case("{" BASE ", send_seed: false, max_tokens: 0, extra: {enable_thinking: false, k.a: 1, k.b.c: x}}",
		"{" HI "}", NULL,
		"{\"model\":\"m\"," HI ",\"enable_thinking\":false,\"k\":{\"a\":1,\"b\":{\"c\":\"x\"}},\"stream\":false}");
	body_case("{" BASE ", send_seed: false, max_tokens: 0}",
		"{\"messages\":[{\"role\":\"system\",\"content\":\"a\\\"b\"},{\"role\":\"user\",\"content\":[{\"type\":"
		"\"text\",\"text\":\"听\"},"
		"{\"type\":\"input_audio\",\"object\":\"abc\",\"format\":\"wav\"}]}]}",
		NULL,
		"{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":\"a\\\"b\"},{\"role\":\"user\",\"content\":[{"
		"\"type\":\"text\",\"text\":\"听\"},"
		"{\"type\":\"input_audio\",\"input_audio\":{\"data\":\"Zm9vYmFy\",\"format\":\"wav\"}}]}],\"stream\":false}");
}

#define SHORT BASE ", send_seed: false, max_tokens: 0"
#define OBJECT ",\"response_format\":{\"type\":\"json_object\"}"
#define SCHEMA(s) \
	",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"answer\",\"schema\":" s "}}"

static void formats(void **state)
{
	(void)state;
	static const char json[] = "{" HI ",\"json\":true}", schema[] = "{\"type\":\"object\"}",
					  list[] = "{\"type\":\"array\"}";
#define WANT(format) "{\"model\":\"m\"," HI format ",\"stream\":false}"
	body_case("{" SHORT "}", "{" HI "}", schema, WANT("")); /* not JSON that is asked for */
	body_case("{" SHORT "}", json, schema, WANT(SCHEMA("{\"type\":\"object\"}")));
	body_case("{" SHORT "}", json, NULL, WANT(OBJECT));
	body_case("{" SHORT ", json_mode: off}", json, schema, WANT(""));
	body_case("{" SHORT ", json_mode: object}", json, schema, WANT(OBJECT));
	body_case("{" SHORT ", json_mode: object}", json, list, WANT("")); /* json_object cannot say a list */
	body_case("{" SHORT ", json_mode: schema}", json, list, WANT(SCHEMA("{\"type\":\"array\"}")));
	body_case("{" SHORT ", json_mode: schema}", json, NULL, WANT(""));
#undef WANT
}

static void bad_bodies(void **state)
{
	(void)state;
	static const struct {
		const char *request;
		int rc;
	} cases[] = {
		{"{}", ERR_DATA},
		{"{\"messages\":[]}", ERR_DATA},
		{"{\"messages\":{}}", ERR_DATA},
		{"{\"messages\":[{\"role\":\"user\"}]}", ERR_DATA},
		{"{\"messages\":[{\"content\":\"a\"}]}", ERR_DATA},
		{"{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_audio\",\"object\":\"gone\"}]}]}", ERR_LOST},
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct openai_kit k;
		struct err e = ERR_INIT;
		CLEANUP(buf_release) struct buf b = BUF_INIT;
		size_t text;
		openai_kit_open(&k, "{" BASE "}");
		struct provider_ask q = {.arena = &k.arena, .request = openai_kit_json(&k, cases[i].request), .object = sound};
		struct openai_sending x = {.params = &k.params, .model = k.params.model, .format = OPENAI_FORMAT_NONE, .q = &q};
		assert_int_equal(openai_body(&x, &b, &text, &e), cases[i].rc);
		assert_true(e.text[0]);
		openai_kit_close(&k);
	}
}

/* --- What replies mean --- */

static struct openai_reply read_reply(struct openai_kit *k, int status, const char *body)
{
	struct http_reply r = {.end = HTTP_DONE, .status = status, .body = BUF_INIT};
	struct openai_reply out;
	buf_puts(&r.body, body);
	openai_read(&k->arena, &r, STR("asked"), STR("sk-secretkey"), 0, &out);
	buf_release(&r.body);
	return out;
}

static const char *const names[] = {"ANSWER", "FILTERED", "REFUSED", "NO_MODEL", "BAD_REQUEST", "ACCOUNT", "LIMITED",
	"TROUBLED", "TOO_LONG", "STOPPED"};

#define CHOICE(message, finish) "{\"choices\":[{\"message\":" message ",\"finish_reason\":" finish "}]}"
#define SAID(text) CHOICE("{\"role\":\"assistant\",\"content\":\"" text "\"}", "\"stop\"")
/* What stands behind another member. */
#define ANSWERED "\"choices\":[{\"message\":{\"content\":\"好\"},\"finish_reason\":\"stop\"}]}"

static const struct {
	int status;
	const char *body;
	enum openai_means means;
} replies[] = {
	/* answers */
	{200, SAID("你好"), OPENAI_ANSWER},
	{200, "\n\n\n" SAID("你好") "\n", OPENAI_ANSWER}, /* DeepSeek: empty lines while one waits */
	{200, CHOICE("{\"content\":\"你\"}", "\"length\""), OPENAI_ANSWER},
	{200, CHOICE("{\"content\":\"\"}", "\"stop\""), OPENAI_ANSWER}, /* empty: judged by who asked */
	{200, CHOICE("{\"content\":null,\"reasoning_content\":\"想\"}", "null"), OPENAI_ANSWER},
	{200, CHOICE("{\"content\":[{\"type\":\"text\",\"text\":\"你好\"}]}", "\"stop\""), OPENAI_ANSWER},
	{200, SAID("抱歉，我不能告诉你验证码。"), OPENAI_ANSWER},
	{200, "{\"error\":null,\"choices\":[{\"message\":{\"content\":\"a\"}}]}", OPENAI_ANSWER},
	{200, "{\"base_resp\":{\"status_code\":0},\"choices\":[{\"message\":{\"content\":\"a\"}}]}", OPENAI_ANSWER},
	/* refusals */
	{200, SAID("抱歉，我无法生成诈骗对话。"), OPENAI_REFUSED},
	{200, SAID("<think>这是诈骗</think>抱歉，我无法协助该请求。"), OPENAI_REFUSED},
	{200, CHOICE("{\"content\":null,\"refusal\":\"I can't do that.\"}", "\"stop\""), OPENAI_REFUSED},
	/* filters */
	{200, CHOICE("{\"content\":\"\"}", "\"content_filter\""), OPENAI_FILTERED},
	{200, CHOICE("{\"content\":\"\"}", "\"sensitive\""), OPENAI_FILTERED},
	{400, "{\"error\":{\"message\":\"Content Exists Risk\",\"type\":\"invalid_request_error\",\"param\":null,\"code\":\"invalid_request_error\"}}",
		OPENAI_FILTERED},
	{400, "{\"detail\":\"Content Exists Risk\"}", OPENAI_FILTERED},
	{400, "{\"error\":{\"code\":\"data_inspection_failed\",\"message\":\"Input data may contain inappropriate content.\"},\"id\":\"x\"}",
		OPENAI_FILTERED},
	{400, "{\"error\":{\"message\":\"<400> InternalError.Algo.DataInspectionFailed: Input text\",\"code\":\"invalid_parameter_error\"}}",
		OPENAI_FILTERED},
	{400, "{\"contentFilter\":[{\"level\":1,\"role\":\"user\"}],\"error\":{\"code\":\"1301\",\"message\":\"系统检测到输入或生成内容可能包含不安全或敏感内容\"}}",
		OPENAI_FILTERED},
	{400, "{\"error\":{\"code\":\"content_filter\",\"status\":400,\"innererror\":{\"code\":\"ResponsibleAIPolicyViolation\"},\"message\":\"The response was\"}}",
		OPENAI_FILTERED},
	{400, "{\"error\":{\"code\":null,\"innererror\":{\"code\":\"ResponsibleAIPolicyViolation\"},\"message\":\"x\"}}",
		OPENAI_FILTERED},
	{400, "{\"error\":{\"type\":\"content_filter\",\"message\":\"The request was rejected because it was considered high risk\"}}",
		OPENAI_FILTERED},
	{400, "{\"error\":{\"code\":\"InputTextSensitiveContentDetected\",\"message\":\"x\",\"type\":\"BadRequest\"}}",
		OPENAI_FILTERED},
	{403, "{\"error\":{\"code\":403,\"message\":\"openai/x requires moderation. Your input was flagged for \\\"fraud\\\".\"}}",
		OPENAI_FILTERED},
	{451, "", OPENAI_FILTERED},
	{403, "{\"error\":{\"code\":\"sensitive_word_detected\",\"type\":\"security_violation\"}}", OPENAI_FILTERED},
	{500, "{\"error\":{\"code\":\"local:sensitive_words\",\"message\":\"sensitive words detected\"}}", OPENAI_FILTERED},
	{500, "{\"error\":{\"code\":\"content_filter\",\"message\":\"x\"}}", OPENAI_FILTERED},
	{200, "{\"error\":{\"code\":\"1301\",\"message\":\"x\"}}", OPENAI_FILTERED},
	{200, "{\"base_resp\":{\"status_code\":1026,\"status_msg\":\"input new_sensitive\"},\"choices\":null}",
		OPENAI_FILTERED},
	/* accounts */
	{401, "\"Api key is invalid\"", OPENAI_ACCOUNT},
	{401, "Unauthorized", OPENAI_ACCOUNT},
	{401, "{\"error\":{\"code\":\"1002\",\"message\":\"Authorization Token非法\"}}", OPENAI_ACCOUNT},
	{402, "{\"error\":{\"message\":\"Insufficient Balance\",\"type\":\"unknown_error\"}}", OPENAI_ACCOUNT},
	{403, "{\"code\":30001,\"message\":\"Sorry, your account balance is insufficient\",\"data\":null}", OPENAI_ACCOUNT},
	{403, "{\"error\":{\"type\":\"exceeded_current_quota_error\",\"message\":\"x\"}}", OPENAI_ACCOUNT},
	{403, "<html>Forbidden</html>", OPENAI_ACCOUNT},
	{404, "{\"detail\":\"Not Found\"}", OPENAI_ACCOUNT},
	{404, "404 page not found", OPENAI_ACCOUNT},
	{301, "", OPENAI_ACCOUNT},
	{405, "", OPENAI_ACCOUNT},
	{407, "", OPENAI_ACCOUNT},
	{429,
		"{\"error\":{\"code\":\"insufficient_quota\",\"type\":\"insufficient_quota\",\"message\":\"You exceeded your "
		"current quota, please check your "
		"plan and billing details. For more information: https://platform.openai.com/docs\"}}",
		OPENAI_ACCOUNT},
	{429, "{\"message\":\"Request was rejected due to rate limiting. Details:RPD limit reached.\",\"data\":null}",
		OPENAI_ACCOUNT},
	{429, "{\"error\":{\"code\":\"1113\",\"message\":\"您的账户已欠费，请充值后重试\"}}", OPENAI_ACCOUNT},
	{429, "{\"error\":{\"message\":\"Your account org-1 <ak-2> is suspended due to insufficient balance, please recharge\",\"type\":\"x\"}}",
		OPENAI_ACCOUNT},
	{429, "{\"error\":{\"code\":\"insufficient_quota\",\"message\":\"Free allocated quota exceeded.\"}}", OPENAI_ACCOUNT},
	{400, "{\"error\":{\"code\":\"Arrearage\",\"message\":\"Access denied, please make sure your account is in good standing.\"}}",
		OPENAI_ACCOUNT},
	{403, "{\"error\":{\"code\":\"AccountOverdueError\",\"message\":\"x\"}}", OPENAI_ACCOUNT},
	{200, "{\"base_resp\":{\"status_code\":1008,\"status_msg\":\"insufficient balance\"}}", OPENAI_ACCOUNT},
	/* limits */
	{429, "", OPENAI_LIMITED},
	{429, "{\"message\":\"Request was rejected due to rate limiting. Details:TPM limit reached.\",\"data\":null}",
		OPENAI_LIMITED},
	{429,
		"{\"error\":{\"code\":\"insufficient_quota\",\"message\":\"You exceeded your current quota, please check your "
		"plan and billing details. For more "
		"information on this error, head to: https://help.aliyun.com/zh/model-studio/error-code#token-limit\"}}",
		OPENAI_LIMITED},
	{429, "{\"error\":{\"code\":\"insufficient_quota\",\"message\":\"Allocated quota exceeded, please increase your quota limit.\"}}",
		OPENAI_LIMITED},
	{429, "{\"error\":{\"code\":\"1302\",\"message\":\"您的账户已达到速率限制\"}}", OPENAI_LIMITED},
	{429, "{\"error\":{\"type\":\"engine_overloaded_error\",\"message\":\"x\"}}", OPENAI_LIMITED},
	{200, "{\"error\":{\"code\":429,\"message\":\"Rate limit exceeded\"}}", OPENAI_LIMITED},
	{200, "{\"base_resp\":{\"status_code\":1002,\"status_msg\":\"rate limit\"}}", OPENAI_LIMITED},
	/* trouble */
	{408, "", OPENAI_TROUBLED},
	{409, "", OPENAI_TROUBLED},
	{425, "", OPENAI_TROUBLED},
	{500, "{\"error\":{\"message\":\"Internal\"}}", OPENAI_TROUBLED},
	{502, "<html>502 Bad Gateway</html>", OPENAI_TROUBLED},
	{503, "{\"code\":50505,\"message\":\"Model service overloaded. Please try again later.\",\"data\":null}",
		OPENAI_TROUBLED},
	{504, "", OPENAI_TROUBLED},
	{529, "", OPENAI_TROUBLED},
	{200, "", OPENAI_TROUBLED},
	{200, "<!DOCTYPE html><html><title>Sign in</title></html>", OPENAI_TROUBLED},
	{200, "{\"choices\":[{\"message\":{\"content\":\"cut", OPENAI_TROUBLED},
	{200, "{}", OPENAI_TROUBLED},
	{200, "[]", OPENAI_TROUBLED},
	{200, "{\"choices\":[]}", OPENAI_TROUBLED},
	{200, "{\"choices\":[{\"text\":\"old api\"}]}", OPENAI_TROUBLED},
	{200, "data: {\"choices\":[]}\n\ndata: [DONE]", OPENAI_TROUBLED},
	{200, "{\"error\":{\"message\":\"upstream failed\"}}", OPENAI_TROUBLED},
	{200, "{\"error\":\"boom\"}", OPENAI_TROUBLED},
	{200, CHOICE("{\"content\":\"半\"}", "\"insufficient_system_resource\""), OPENAI_TROUBLED},
	{200, "{\"choices\":[{\"error\":{\"code\":502,\"message\":\"x\"},\"message\":{\"content\":\"\"},\"finish_reason\":\"error\"}]}",
		OPENAI_TROUBLED},
	/* an error that says nothing, beside an answer: it was paid for, and is one */
	{200, "{\"error\":{}," ANSWERED, OPENAI_ANSWER},
	{200, "{\"error\":\"\"," ANSWERED, OPENAI_ANSWER},
	{200, "{\"error\":{\"code\":0,\"message\":\"\"}," ANSWERED, OPENAI_ANSWER},
	{200, "{\"error\":{\"code\":502,\"message\":\"\"}," ANSWERED, OPENAI_TROUBLED},
	{500, "{\"error\":{}}", OPENAI_TROUBLED},
	/* the record's fault */
	{400, "{\"error\":{\"message\":\"Input token length too long\",\"type\":\"invalid_request_error\"}}",
		OPENAI_BAD_REQUEST},
	{400, "{\"object\":\"error\",\"message\":\"This model's maximum context length is 4096 tokens.\",\"type\":\"BadRequestError\",\"code\":400}",
		OPENAI_BAD_REQUEST},
	{400, "", OPENAI_BAD_REQUEST},
	{413, "<html>Request Entity Too Large</html>", OPENAI_BAD_REQUEST},
	{422, "{\"detail\":[{\"loc\":[\"body\"],\"msg\":\"field required\"}]}", OPENAI_BAD_REQUEST},
	{415, "", OPENAI_BAD_REQUEST},
	{200, "{\"error\":{\"type\":\"invalid_request_error\",\"message\":\"x\"}}", OPENAI_BAD_REQUEST},
	/* models that are not there */
	{404, "{\"error\":{\"code\":\"model_not_found\",\"message\":\"x\"}}", OPENAI_NO_MODEL},
	{404, "{\"object\":\"error\",\"message\":\"The model `x` does not exist.\",\"type\":\"NotFoundError\",\"code\":404}",
		OPENAI_NO_MODEL},
	{400, "{\"error\":{\"message\":\"Model Not Exist\",\"type\":\"invalid_request_error\"}}", OPENAI_NO_MODEL},
	{400, "{\"code\":20012,\"message\":\"Model does not exist. Please check it carefully.\",\"data\":null}",
		OPENAI_NO_MODEL},
	{403, "{\"code\":30003,\"message\":\"Model disabled.\",\"data\":null}", OPENAI_NO_MODEL},
	{400, "{\"error\":{\"code\":\"1211\",\"message\":\"模型不存在，请检查模型代码。\"}}", OPENAI_NO_MODEL},
	{404, "{\"error\":{\"code\":\"InvalidEndpointOrModel.NotFound\",\"message\":\"x\"}}", OPENAI_NO_MODEL},
};

static void what_replies_mean(void **state)
{
	(void)state;
	struct openai_kit k;
	int wrong = 0;
	openai_kit_open(&k, "{" BASE "}");
	for (size_t i = 0; i < COUNT_OF(replies); i++) {
		struct openai_reply r = read_reply(&k, replies[i].status, replies[i].body);
		if (r.means != replies[i].means) {
			print_error("%d %s\nis %s, wanted %s\n", replies[i].status, replies[i].body, names[r.means],
				names[replies[i].means]);
			wrong++;
		}
		if (r.means != OPENAI_ANSWER && !r.words.n)
			fail_msg("no words for %d %s", replies[i].status, replies[i].body);
	}
	assert_int_equal(wrong, 0);
	openai_kit_close(&k);
}

static void ends_without_a_reply(void **state)
{
	(void)state;
	static const struct {
		enum http_end end;
		enum openai_means means;
		const char *says;
	} cases[] = {
		{HTTP_NO_CONNECT, OPENAI_TROUBLED, "refused it"},
		{HTTP_RESET, OPENAI_TROUBLED, "refused it"},
		{HTTP_TIMEOUT, OPENAI_TROUBLED, "refused it"},
		{HTTP_STALL, OPENAI_TROUBLED, "refused it"},
		{HTTP_BROKEN, OPENAI_TROUBLED, "refused it"},
		{HTTP_TOO_LONG, OPENAI_TOO_LONG, "reply_max_kb"},
		{HTTP_UNTRUSTED, OPENAI_ACCOUNT, "certificate"},
		{HTTP_CANCELLED, OPENAI_STOPPED, "interrupted"},
	};
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct http_reply r = {.end = cases[i].end, .body = BUF_INIT, .what = "refused it"};
		struct openai_reply out;
		openai_read(&a, &r, STR("m"), STR(""), 0, &out);
		assert_int_equal(out.means, cases[i].means);
		assert_int_equal(out.status, 0);
		if (str_find(out.words, str_of(cases[i].says)) < 0)
			fail_msg("%.*s", STR_FMT(out.words));
	}
}

static void answers_are_stored_as_sent(void **state)
{
	(void)state;
	struct openai_kit k;
	openai_kit_open(&k, "{" BASE "}");
	struct openai_reply r = read_reply(&k, 200,
		"{\"model\":\"m-0528\",\"usage\":{\"prompt_tokens\":12,\"completion_tokens\":34,\"total_tokens\":46},"
		"\"choices\":[{\"message\":"
		"{\"content\":\" <think>a</think>b \",\"reasoning_content\":\"想\"},\"finish_reason\":\"length\"}]}");
	assert_string_equal(text_of(&k, r.answer),
		"{\"content\":\" <think>a</think>b \",\"finish\":\"length\",\"model\":\"m-0528\",\"reasoning\":\"想\"}");
	assert_int_equal(r.tokens_in, 12);
	assert_int_equal(r.tokens_out, 34);
	r = read_reply(&k, 200, CHOICE("{\"content\":\"b\",\"reasoning\":\"想\"}", "\"stop\""));
	assert_string_equal(
		text_of(&k, r.answer), "{\"content\":\"b\",\"finish\":\"stop\",\"model\":\"asked\",\"reasoning\":\"想\"}");
	assert_int_equal(r.tokens_in, -1);
	r = read_reply(&k, 200,
		CHOICE("{\"content\":\"b\",\"reasoning_details\":[{\"type\":\"reasoning.text\",\"text\":\"想\"},{\"summary\":"
			   "\"完\"}]}",
			"null"));
	assert_string_equal(
		text_of(&k, r.answer), "{\"content\":\"b\",\"finish\":\"stop\",\"model\":\"asked\",\"reasoning\":\"想完\"}");
	/* usage by halves, or a lie */
	r = read_reply(&k, 200,
		"{\"usage\":{\"prompt_tokens\":5,\"total_tokens\":9},\"choices\":[{\"message\":{\"content\":\"b\"}}]}");
	assert_int_equal(r.tokens_in, 5);
	assert_int_equal(r.tokens_out, 4);
	r = read_reply(&k, 200,
		"{\"usage\":{\"prompt_tokens\":-5,\"completion_tokens\":1},\"choices\":[{\"message\":{\"content\":\"b\"}}]}");
	assert_int_equal(r.tokens_in, -1);
	r = read_reply(&k, 200,
		"{\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":1e15},\"choices\":[{\"message\":{\"content\":\"b\"}}]}");
	assert_int_equal(r.tokens_out, -1);
	openai_kit_close(&k);
}

static void words_are_tidy(void **state)
{
	(void)state;
	struct openai_kit k;
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	openai_kit_open(&k, "{" BASE "}");
	struct openai_reply r = read_reply(&k,
		401, "{\"error\":{\"message\":\"Incorrect API key:\\n\\t\\u001b[31m sk-secretkey, and sk-other123; Bearer abc; task-7\"}}");
	assert_string_equal(r.words.p, "401: Incorrect API key: [31m ***, and ***; ***; task-7");
	buf_puts(&b, "{\"message\":\"");
	for (int i = 0; i < 2000; i++)
		buf_puts(&b, "提示");
	buf_puts(&b, "\"}");
	r = read_reply(&k, 400, b.data);
	assert_true(r.words.n < 320 && r.words.n > 200);
	buf_clear(&b); /* not UTF-8, not JSON, large */
	for (int i = 0; i < 100000; i++)
		buf_puts(&b, "\xff\xfe ");
	r = read_reply(&k, 200, b.data);
	assert_int_equal(r.means, OPENAI_TROUBLED);
	assert_true(r.words.n < 320);
	r = read_reply(&k, 422, "{\"detail\":[{\"msg\":\"field required\"}]}");
	assert_string_equal(r.words.p, "422: [{\"msg\":\"field required\"}]");
	r = read_reply(&k, 400, "{\"error\":{\"message\":\"'response_format.type' must be 'text'\"}}");
	assert_true(r.names_format);
	openai_kit_close(&k);
}

static void deep_bodies(void **state)
{
	(void)state;
	struct openai_kit k;
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	openai_kit_open(&k, "{" BASE "}");
	for (int i = 0; i < 900; i++)
		buf_puts(&b, "{\"choices\":[");
	for (int i = 0; i < 900; i++)
		buf_puts(&b, "]}");
	assert_int_equal(read_reply(&k, 200, b.data).means, OPENAI_TROUBLED);
	openai_kit_close(&k);
}

static void waits(void **state)
{
	(void)state;
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	static const struct {
		int status;
		const char *after, *after_ms;
		int64_t wait;
	} cases[] = {
		{429, "2", "", 2000},
		{429, "2", "150", 150},
		{429, "1.5", "", 1500},
		{429, "", "", 0},
		{429, "soon", "later", 0},
		{429, "", "86400000", 3600000}, /* an hour is the longest, however it is said */
		{429, "86400", "", 3600000},
		{503, "7", "", 7000},
		{429, "Thu, 01 Jan 1970 00:01:00 GMT", "", 60000},
		{200, "9", "", 0},
		{400, "9", "", 0},
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct http_reply r = {.end = HTTP_DONE, .status = cases[i].status, .body = BUF_INIT};
		struct openai_reply out;
		snprintf(r.facts.retry_after, sizeof(r.facts.retry_after), "%s", cases[i].after);
		snprintf(r.facts.retry_after_ms, sizeof(r.facts.retry_after_ms), "%s", cases[i].after_ms);
		if (cases[i].status == 200)
			buf_puts(&r.body, SAID("a"));
		openai_read(&a, &r, STR("m"), STR(""), 0, &out);
		assert_int_equal(out.retry_ms, cases[i].wait);
		buf_release(&r.body);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_ready),
		cmocka_unit_test(no_secret_in_words),
		cmocka_unit_test(identity),
		cmocka_unit_test(account_and_asking),
		cmocka_unit_test(bodies),
		cmocka_unit_test(formats),
		cmocka_unit_test(bad_bodies),
		cmocka_unit_test(what_replies_mean),
		cmocka_unit_test(ends_without_a_reply),
		cmocka_unit_test(answers_are_stored_as_sent),
		cmocka_unit_test(words_are_tidy),
		cmocka_unit_test(deep_bodies),
		cmocka_unit_test(waits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

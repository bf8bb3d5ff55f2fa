/* The provider openai against a little server on loopback, through account and http: attempts, waits, fallback models, response_format that gives way. */
#include "tests/io/netkit.h"
#include "tests/provider/openai_kit.h"

#include "base/alloc.h"
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SEEN_MAX 32

/* What the server says to its nth request: status line (with headers), body. NULL head: a reset, "hang": nothing. The last stays. */
struct line {
	const char *head, *body;
};
struct server {
	struct net_server net;
	const struct line *lines;
	atomic_int n;
	char seen[SEEN_MAX][2048]; /* bodies of requests */
	char heads[SEEN_MAX][1024];
	int64_t at_ms[SEEN_MAX];
};

static bool answer(struct net_connection *c)
{
	struct server *s = c->server->arg;
	int i = atomic_fetch_add(&s->n, 1), k = 0;
	if (i < SEEN_MAX) {
		snprintf(s->seen[i], sizeof(s->seen[i]), "%.*s", STR_FMT(c->body));
		snprintf(s->heads[i], sizeof(s->heads[i]), "%.*s", STR_FMT(c->request));
		s->at_ms[i] = clock_ms();
	}
	while (k < i && (s->lines[k + 1].head || s->lines[k + 1].body))
		k++;
	const struct line *line = &s->lines[k];
	if (!line->head)
		return net_reset(c);
	if (strcmp(line->head, "hang") == 0)
		return net_hang(c);
	return net_reply(c, line->head, str_of(line->body));
}

struct world {
	struct server server;
	struct openai_kit kit;
	struct accounts *accounts;
	struct account *account;
	struct budget budget;
	struct provider_answer answer;
	struct err e;
};

/* `with`: options besides base_url and model. */
static void world_open(struct world *w, const struct line *lines, const char *with)
{
	CLEANUP(buf_release) struct buf options = BUF_INIT;
	struct account_config c;
	memset(w, 0, sizeof(*w));
	w->server.lines = lines;
	net_start(&w->server.net, answer, &w->server);
	buf_printf(&options,
		"{base_url: 'http://127.0.0.1:%d/v1', model: alpha, send_seed: false, price_in: 1, price_out: 2%s%s}",
		w->server.net.port, *with ? ", " : "", with);
	openai_kit_open(&w->kit, options.data);
	budget_init(&w->budget);
	w->accounts = accounts_new(&w->budget, NULL, NULL);
	w->kit.p.ops->account(&w->kit.p, &c);
	w->account = account_add(w->accounts, &c);
}

static void world_close(struct world *w)
{
	accounts_stop(w->accounts, true);
	accounts_free(w->accounts);
	net_stop(&w->server.net);
	openai_kit_close(&w->kit);
}

static int ask_schema(struct world *w, const char *request, const char *schema)
{
	struct provider_ask q = {.arena = &w->kit.arena,
		.request = openai_kit_json(&w->kit, request),
		.schema = schema ? openai_kit_json(&w->kit, schema) : NULL,
		.seed = 7};
	err_clear(&w->e);
	return w->kit.p.ops->ask(&w->kit.p, w->account, &q, &w->answer, &w->e);
}

#define HI "\"messages\":[{\"role\":\"user\",\"content\":\"你好\"}]"

static int ask(struct world *w)
{
	return ask_schema(w, "{" HI "}", NULL);
}

static void answered(struct world *w, const char *want)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	json_write(&b, w->answer.answer);
	assert_string_equal(b.data, want);
}

static void says(const struct world *w, const char *text)
{
	if (!strstr(w->e.text, text))
		fail_msg("'%s' is not in: %s", text, w->e.text);
}

static bool seen(const struct world *w, int i, const char *text)
{
	return strstr(w->server.seen[i], text) != NULL;
}

#define JSON "\r\nContent-Type: application/json"
#define OK "200 OK" JSON
#define USAGE "\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":5}"
#define SAID(text) \
	"{\"model\":\"alpha-1\"," USAGE ",\"choices\":[{\"message\":{\"content\":\"" text \
	"\"},\"finish_reason\":\"stop\"}]}"
#define END \
	{ \
		NULL, NULL \
	}

static void an_answer(void **state)
{
	(void)state;
	static const struct line lines[] = {{OK, SAID("你好呀")}, END};
	struct world w;
	setenv("TAF_TEST_KEY", "sk-verysecret99\n", 1);
	world_open(&w, lines, "api_key_env: TAF_TEST_KEY");
	assert_int_equal(ask(&w), 0);
	answered(&w, "{\"content\":\"你好呀\",\"finish\":\"stop\",\"model\":\"alpha-1\"}");
	assert_true(str_is(w.answer.model, "alpha-1"));
	assert_int_equal(w.answer.tokens_in, 10);
	assert_int_equal(w.answer.tokens_out, 5);
	assert_int_equal(w.answer.cost, 20);
	assert_string_equal(w.server.seen[0], "{\"model\":\"alpha\"," HI ",\"max_tokens\":4096,\"stream\":false}");
	assert_non_null(strstr(w.server.heads[0], "POST /v1/chat/completions HTTP/1.1\r\n"));
	assert_non_null(strstr(w.server.heads[0], "Authorization: Bearer sk-verysecret99\r\n"));
	struct account_counts n;
	account_counts(w.account, &n);
	assert_int_equal(n.requests, 1);
	assert_int_equal(n.ok, 1);
	assert_int_equal(n.tokens_in, 10);
	assert_int_equal(n.cost, 20);
	world_close(&w);
}

static void without_usage(void **state)
{
	(void)state;
	static const struct line lines[] = {{OK, "{\"choices\":[{\"message\":{\"content\":\"a\"}}]}"}, END};
	struct world w;
	world_open(&w, lines, "");
	assert_int_equal(ask(&w), 0);
	answered(&w, "{\"content\":\"a\",\"estimated\":true,\"finish\":\"stop\",\"model\":\"alpha\"}");
	assert_true(w.answer.tokens_in > 0 && w.answer.tokens_out > 0);
	assert_null(strstr(w.server.heads[0], "Authorization"));
	world_close(&w);
}

static void what_passes_is_tried_again(void **state)
{
	(void)state;
	static const struct line lines[] = {
		{"503 Service Unavailable", "busy"},
		{NULL, ""}, /* reset */
		{OK, "{\"choices\":[{\"mess"},
		{"200 OK\r\nContent-Type: text/html", "<html>sign in</html>"},
		{"429 Too Many Requests\r\nretry-after-ms: 20", "{\"error\":{\"message\":\"slow down\"}}"},
		{OK, SAID("好")},
		END,
	};
	struct world w;
	world_open(&w, lines, "");
	assert_int_equal(ask(&w), 0);
	answered(&w, "{\"content\":\"好\",\"finish\":\"stop\",\"model\":\"alpha-1\"}");
	assert_int_equal(atomic_load(&w.server.n), 6);
	struct account_counts n;
	account_counts(w.account, &n);
	assert_int_equal(n.requests, 6);
	assert_int_equal(n.ok, 1);
	assert_int_equal(n.limited, 1);
	assert_int_equal(n.lost, 1);
	world_close(&w);
}

static void attempts_are_counted(void **state)
{
	(void)state;
	static const struct line lines[] = {{"500 Internal Server Error", "{\"error\":{\"message\":\"no\\nluck\"}}"}, END};
	struct world w;
	world_open(&w, lines, "attempts: 3");
	assert_int_equal(ask(&w), ERR_TRANSIENT);
	assert_int_equal(atomic_load(&w.server.n), 3);
	says(&w, "alpha gave no answer to 3 attempts; the last: 500: no luck");
	world_close(&w);
}

static void a_hang_is_a_timeout(void **state)
{
	(void)state;
	static const struct line lines[] = {{"hang", ""}, END};
	struct world w;
	world_open(&w, lines, "attempts: 1, timeout_s: 1");
	assert_int_equal(ask(&w), ERR_TRANSIENT);
	world_close(&w);
}

/* The same seed would give the same answer again: not tried again, the next draw. */
static void too_long_is_the_next_draws(void **state)
{
	(void)state;
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	for (int i = 0; i < 20000; i++)
		buf_puts(&text, "长");
	const struct line lines[] = {{OK, text.data}, END};
	struct world w;
	world_open(&w, lines, "reply_max_kb: 16");
	assert_int_equal(ask(&w), ERR_INVALID);
	says(&w, "alpha: the reply is over reply_max_kb");
	assert_int_equal(atomic_load(&w.server.n), 1);
	world_close(&w);
}

static void retry_after_is_waited_for(void **state)
{
	(void)state;
	static const struct line lines[] = {{"429 Too Many Requests\r\nRetry-After: 1", ""}, {OK, SAID("好")}, END};
	struct world w;
	world_open(&w, lines, "");
	assert_int_equal(ask(&w), 0);
	assert_true(w.server.at_ms[1] - w.server.at_ms[0] >= 990);
	world_close(&w);
}

static void a_wait_that_nobody_waits_for(void **state)
{
	(void)state;
	static const struct line lines[] = {
		{"429 Too Many Requests\r\nRetry-After: 3000", "{\"message\":\"tomorrow\"}"}, END};
	struct world w;
	world_open(&w, lines, "patience_s: 60");
	assert_int_equal(ask(&w), ERR_ACCOUNT);
	says(&w, "3000 s");
	says(&w, "tomorrow");
	world_close(&w);
}

static void the_account_stops_at_once(void **state)
{
	(void)state;
	static const struct line lines[] = {
		{"401 Unauthorized" JSON, "{\"error\":{\"message\":\"Incorrect API key provided: sk-verysecret99\"}}"}, END};
	struct world w;
	setenv("TAF_TEST_KEY", "sk-verysecret99", 1);
	world_open(&w, lines, "api_key_env: TAF_TEST_KEY, fallback_models: [beta]");
	assert_int_equal(ask(&w), ERR_ACCOUNT);
	says(&w, "401: Incorrect API key provided: ***");
	says(&w, "TAF_TEST_KEY");
	assert_null(strstr(w.e.text, "verysecret"));
	assert_int_equal(ask(&w), ERR_ACCOUNT); /* nothing more is sent */
	assert_int_equal(atomic_load(&w.server.n), 1);
	world_close(&w);
}

static void a_wrong_route(void **state)
{
	(void)state;
	static const struct line lines[] = {{"404 Not Found" JSON, "{\"detail\":\"Not Found\"}"}, END};
	struct world w;
	world_open(&w, lines, "fallback_models: [beta]");
	assert_int_equal(ask(&w), ERR_ACCOUNT);
	says(&w, "/v1/chat/completions");
	says(&w, "base_url");
	assert_int_equal(atomic_load(&w.server.n), 1);
	world_close(&w);
}

static void bad_requests_are_the_records_fault(void **state)
{
	(void)state;
	static const struct line lines[] = {{"400 Bad Request" JSON, "{\"error\":{\"message\":\"too long\"}}"}, END};
	struct world w;
	world_open(&w, lines, "fallback_models: [beta]");
	assert_int_equal(ask(&w), ERR_DATA);
	says(&w, "alpha: the server refused the request: 400: too long");
	assert_int_equal(atomic_load(&w.server.n), 1);
	for (int i = 1; i < ACCOUNT_REFUSALS; i++)
		assert_int_equal(ask(&w), ERR_DATA);
	assert_int_equal(ask(&w), ERR_ACCOUNT); /* so many in a row are the account's */
	assert_int_equal(atomic_load(&w.server.n), ACCOUNT_REFUSALS);
	world_close(&w);
}

static void filtered_or_refused_goes_to_the_next_model(void **state)
{
	(void)state;
	static const struct line lines[] = {
		{"400 Bad Request" JSON, "{\"error\":{\"message\":\"Content Exists Risk\"}}"},
		{OK, SAID("抱歉，我无法生成诈骗对话。")},
		{OK, SAID("喂，您好。")},
		END,
	};
	struct world w;
	world_open(&w, lines, "fallback_models: [beta, gamma]");
	assert_int_equal(ask(&w), 0);
	answered(&w, "{\"before\":[{\"model\":\"alpha\",\"why\":\"filtered\"},{\"content\":\"抱歉，我无法生成诈骗对话。\","
				 "\"model\":\"beta\",\"why\":"
				 "\"refused\"}],\"content\":\"喂，您好。\",\"finish\":\"stop\",\"model\":\"alpha-1\"}");
	assert_true(seen(&w, 0, "\"alpha\"") && seen(&w, 1, "\"beta\"") && seen(&w, 2, "\"gamma\""));
	assert_int_equal(w.answer.tokens_in, 20); /* the refusal was paid for, too */
	assert_int_equal(w.answer.cost, 40);
	struct account_counts n;
	account_counts(w.account, &n);
	assert_int_equal(n.filtered, 1);
	assert_int_equal(n.refused, 1);
	world_close(&w);
}

static void refused_by_all(void **state)
{
	(void)state;
	static const struct line lines[] = {
		{"400 Bad Request" JSON, "{\"error\":{\"code\":\"content_filter\",\"message\":\"no\"}}"},
		{OK, SAID("作为AI助手，我不能模拟诈骗。")}, END};
	struct world w;
	world_open(&w, lines, "fallback_models: [beta]");
	assert_int_equal(ask(&w), 0); /* paid for, so it is an answer: whoever asked reads it as a refusal */
	answered(&w,
		"{\"before\":[{\"model\":\"alpha\",\"why\":\"filtered\"},{\"content\":\"作为AI助手，我不能模拟诈骗。\","
		"\"model\":\"beta\",\"why\":\"refused\"}],\"content\":\"作为AI助手，我不能模拟诈骗。\",\"finish\":\"stop\","
		"\"model\":\"alpha-1\"}");
	world_close(&w);
}

static void refused_in_a_field(void **state)
{
	(void)state;
	static const struct line lines[] = {
		{OK, "{" USAGE ",\"choices\":[{\"message\":{\"content\":null,\"refusal\":\"这个不写。\"},\"finish_reason\":"
			 "\"stop\"}],\"model\":\"alpha-1\"}"},
		{"400 Bad Request" JSON, "{\"error\":{\"code\":\"content_filter\",\"message\":\"no\"}}"}, END};
	struct world w;
	world_open(&w, lines, "fallback_models: [beta]");
	assert_int_equal(ask(&w), 0);
	answered(&w, "{\"before\":[{\"content\":\"这个不写。\",\"model\":\"alpha\",\"why\":\"refused\"},{\"model\":"
				 "\"beta\",\"why\":\"filtered\"}],"
				 "\"content\":\"这个不写。\",\"finish\":\"stop\",\"model\":\"alpha-1\",\"refused\":true}");
	world_close(&w);
}

static void filtered_by_all(void **state)
{
	(void)state;
	static const struct line lines[] = {
		{"400 Bad Request" JSON, "{\"error\":{\"code\":\"content_filter\",\"message\":\"no\"}}"},
		{"400 Bad Request" JSON, "{\"error\":{\"message\":\"Content Exists Risk\"}}"}, END};
	struct world w;
	world_open(&w, lines, "fallback_models: [beta]");
	assert_int_equal(ask(&w), ERR_DATA);
	says(&w, "filtered by alpha: 400: no; filtered by beta: 400: Content Exists Risk");
	world_close(&w);
}

static void a_model_that_fails_goes_to_the_next(void **state)
{
	(void)state;
	static const struct line lines[] = {
		{"503 Service Unavailable" JSON, "{\"error\":{\"message\":\"busy\"}}"},
		{"503 Service Unavailable" JSON, "{\"error\":{\"message\":\"busy\"}}"},
		{OK, SAID("喂，您好。")},
		END,
	};
	struct world w;
	world_open(&w, lines, "fallback_models: [beta], attempts: 2");
	assert_int_equal(ask(&w), 0);
	answered(&w,
		"{\"before\":[{\"model\":\"alpha\",\"why\":\"failed\"}],\"content\":\"喂，您好。\",\"finish\":\"stop\","
		"\"model\":\"alpha-1\"}");
	assert_true(seen(&w, 1, "\"alpha\"") && seen(&w, 2, "\"beta\""));
	world_close(&w);
}

static void one_failed_the_other_refused(void **state)
{
	(void)state;
	static const struct line lines[] = {{"503 Service Unavailable" JSON, "{\"error\":{\"message\":\"busy\"}}"},
		{OK, SAID("作为AI助手，我不能模拟诈骗。")}, END};
	struct world w;
	world_open(&w, lines, "fallback_models: [beta], attempts: 1");
	assert_int_equal(ask(&w), ERR_TRANSIENT); /* the first may answer in the next run */
	says(&w, "alpha gave no answer to 1 attempts; the last: 503: busy");
	assert_int_equal(w.answer.cost, 20); /* the refusal was paid for */
	world_close(&w);
}

static void missing_models_are_remembered(void **state)
{
	(void)state;
	static const struct line lines[] = {
		{"404 Not Found" JSON, "{\"error\":{\"code\":\"model_not_found\",\"message\":\"no alpha\"}}"}, {OK, SAID("好")},
		END};
	struct world w;
	world_open(&w, lines, "fallback_models: [beta]");
	for (int i = 0; i < 2; i++) {
		assert_int_equal(ask(&w), 0);
		answered(&w, "{\"before\":[{\"model\":\"alpha\",\"why\":\"missing\"}],\"content\":\"好\",\"finish\":\"stop\","
					 "\"model\":\"alpha-1\"}");
	}
	assert_int_equal(atomic_load(&w.server.n), 3);
	assert_true(seen(&w, 1, "\"beta\"") && seen(&w, 2, "\"beta\""));
	world_close(&w);
}

static void no_model_at_all(void **state)
{
	(void)state;
	static const struct line lines[] = {
		{"400 Bad Request" JSON, "{\"code\":20012,\"message\":\"Model does not exist.\",\"data\":null}"}, END};
	struct world w;
	world_open(&w, lines, "fallback_models: [beta]");
	assert_int_equal(ask(&w), ERR_ACCOUNT);
	says(&w, "missing: alpha: 400: Model does not exist.; missing: beta");
	assert_int_equal(ask(&w), ERR_ACCOUNT);
	assert_int_equal(atomic_load(&w.server.n), 2);
	world_close(&w);
}

#define AS_JSON "{" HI ",\"json\":true}"

static void response_format_gives_way(void **state)
{
	(void)state;
	static const struct line lines[] = {
		{"400 Bad Request" JSON, "{\"error\":{\"message\":\"This response_format type is unavailable now\"}}"},
		{OK, SAID("{}")},
		END,
	};
	struct world w;
	world_open(&w, lines, "attempts: 1");
	for (int i = 0; i < 2; i++)
		assert_int_equal(ask_schema(&w, AS_JSON, "{\"type\":\"object\"}"), 0);
	assert_int_equal(atomic_load(&w.server.n), 3);
	assert_true(seen(&w, 0, "json_schema"));
	assert_true(seen(&w, 1, "json_object") && seen(&w, 2, "json_object"));
	world_close(&w);
}

/* A 400 that does not say why: less is tried, and kept only when it helps. */
static void response_format_may_not_be_the_reason(void **state)
{
	(void)state;
	static const struct line bad[] = {{"400 Bad Request", "no"}, END};
	static const struct line good[] = {{"400 Bad Request", "no"}, {"422 Unprocessable", "no"}, {OK, SAID("{}")}, END};
	struct world w;
	world_open(&w, bad, "");
	assert_int_equal(ask_schema(&w, AS_JSON, "{\"type\":\"object\"}"), ERR_DATA);
	assert_int_equal(atomic_load(&w.server.n), 3);
	assert_int_equal(atomic_load(&w.kit.params.json_refused[0]), 0);
	world_close(&w);
	world_open(&w, good, "");
	assert_int_equal(ask_schema(&w, AS_JSON, "{\"type\":\"object\"}"), 0);
	assert_false(seen(&w, 2, "response_format"));
	assert_int_equal(atomic_load(&w.kit.params.json_refused[0]), 2);
	world_close(&w);
	world_open(&w, bad, "json_mode: object");
	assert_int_equal(ask_schema(&w, AS_JSON, "{\"type\":\"object\"}"), ERR_DATA);
	assert_int_equal(atomic_load(&w.server.n), 1);
	world_close(&w);
}

static void the_budget_stops(void **state)
{
	(void)state;
	static const struct line lines[] = {{OK, SAID("好")}, END};
	struct world w;
	world_open(&w, lines, "");
	w.budget.max_run = 1;
	assert_int_equal(ask(&w), ERR_BUDGET);
	assert_int_equal(atomic_load(&w.server.n), 0);
	world_close(&w);
}

static void probes(void **state)
{
	(void)state;
	static const struct line good[] = {{OK "\r\nx-ratelimit-limit-requests: 1000\r\nx-ratelimit-remaining-requests: "
										   "998\r\nx-ratelimit-remaining-tokens: 70000",
										   SAID("好")},
		END};
	static const struct line plain[] = {{OK, SAID("好")}, END};
	static const struct line none[] = {
		{"404 Not Found", "{\"error\":{\"code\":\"model_not_found\",\"message\":\"no alpha\"}}"}, END};
	static const struct line down[] = {{"503 Service Unavailable", "later"}, END};
	static const struct line second[] = {
		{"404 Not Found", "{\"error\":{\"code\":\"model_not_found\",\"message\":\"no alpha\"}}"}, {OK, SAID("好")}, END};
	static const struct line neither[] = {
		{"404 Not Found", "{\"error\":{\"code\":\"model_not_found\",\"message\":\"no alpha\"}}"},
		{"400 Bad Request" JSON, "{\"error\":{\"code\":\"content_filter\",\"message\":\"no\"}}"}, END};
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	CLEANUP(buf_release) struct buf doubt = BUF_INIT;
	struct world w;
	world_open(&w, good, "");
	assert_int_equal(w.kit.p.ops->probe(&w.kit.p, w.account, &b, &doubt, &w.e), 0);
	assert_true(str_starts(buf_view(&b), "alpha-1 answered in "));
	assert_non_null(strstr(b.data, " ms, 1000 requests, left now: 998, 70000 more tokens"));
	assert_true(seen(&w, 0, "\"max_tokens\":16"));
	world_close(&w);
	buf_clear(&b);
	world_open(&w, plain, "");
	assert_int_equal(w.kit.p.ops->probe(&w.kit.p, w.account, &b, &doubt, &w.e), 0);
	assert_non_null(strstr(b.data, "tells no limits"));
	assert_int_equal(doubt.len, 0);
	world_close(&w);
	buf_clear(&b);
	world_open(&w, second, "fallback_models: [beta]");
	assert_int_equal(w.kit.p.ops->probe(&w.kit.p, w.account, &b, &doubt, &w.e), 0);
	assert_non_null(strstr(b.data, " answered in "));
	assert_non_null(strstr(doubt.data, "missing: alpha"));
	assert_non_null(strstr(doubt.data, "answered in its place"));
	assert_true(seen(&w, 1, "\"model\":\"beta\""));
	world_close(&w);
	buf_clear(&doubt);
	world_open(&w, neither, "fallback_models: [beta]");
	assert_int_equal(w.kit.p.ops->probe(&w.kit.p, w.account, &b, &doubt, &w.e), ERR_ACCOUNT);
	says(&w, "no model alpha");
	assert_int_equal(doubt.len, 0);
	world_close(&w);
	world_open(&w, none, "");
	assert_int_equal(w.kit.p.ops->probe(&w.kit.p, w.account, &b, &doubt, &w.e), ERR_ACCOUNT);
	says(&w, "no model alpha");
	world_close(&w);
	world_open(&w, down, "");
	assert_int_equal(w.kit.p.ops->probe(&w.kit.p, w.account, &b, &doubt, &w.e), ERR_TRANSIENT);
	says(&w, "503: later");
	assert_int_equal(atomic_load(&w.server.n), 1);
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer),
		cmocka_unit_test(without_usage),
		cmocka_unit_test(what_passes_is_tried_again),
		cmocka_unit_test(attempts_are_counted),
		cmocka_unit_test(a_hang_is_a_timeout),
		cmocka_unit_test(too_long_is_the_next_draws),
		cmocka_unit_test(retry_after_is_waited_for),
		cmocka_unit_test(a_wait_that_nobody_waits_for),
		cmocka_unit_test(the_account_stops_at_once),
		cmocka_unit_test(a_wrong_route),
		cmocka_unit_test(bad_requests_are_the_records_fault),
		cmocka_unit_test(filtered_or_refused_goes_to_the_next_model),
		cmocka_unit_test(refused_by_all),
		cmocka_unit_test(refused_in_a_field),
		cmocka_unit_test(filtered_by_all),
		cmocka_unit_test(a_model_that_fails_goes_to_the_next),
		cmocka_unit_test(one_failed_the_other_refused),
		cmocka_unit_test(missing_models_are_remembered),
		cmocka_unit_test(no_model_at_all),
		cmocka_unit_test(response_format_gives_way),
		cmocka_unit_test(response_format_may_not_be_the_reason),
		cmocka_unit_test(the_budget_stops),
		cmocka_unit_test(probes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

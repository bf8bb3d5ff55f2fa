/* The provider chattts, when a server fails, refuses, is down or still loads its model: what is tried again, what is told, and which place is left out. */
#include "tests/io/zipkit.h"
#include "tests/provider/chattts_kit.h"

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

static const char seed[] = "{\"manual_seed\":7}";
static const char *const two[] = {"您好。", "再见。", NULL};

/* --- Failures --- */

static void what_passes_is_tried_again(void **state)
{
	(void)state;
	const struct tts_say bad[] = {{NULL, "", 0}, {"500 Internal" JSON, "{\"detail\":\"Error generating voice: x\"}", 0},
		{"200 OK\r\nContent-Type: text/html", "<html>gateway</html>", 0},
		{"200 OK" JSON, "{\"detail\":\"queue full\"}", 0}, {"cut", chattts_kit_good()->data, chattts_kit_good()->len},
		{"503 Service Unavailable", "", 0}};
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		const struct tts_say lines[] = {bad[i], chattts_kit_zip(chattts_kit_good()), END};
		struct account_counts n;
		struct chattts_kit w;
		chattts_kit_open(&w, lines, "attempts: 2");
		assert_int_equal(tts_kit_speak(&w.kit, two, seed, 0), 0);
		tts_kit_sound(&w.kit, 1, "ID3bye");
		assert_int_equal(atomic_load(&w.server.n), 2);
		account_counts(w.kit.v[0], &n);
		assert_int_equal(n.ok, 1);
		chattts_kit_close(&w);
	}
}

static void attempts_end(void **state)
{
	(void)state;
	static const struct {
		struct tts_say line;
		const char *says;
		int more; /* POSTs: after 500 another text is tried */
	} cases[] = {
		{{"502 Bad Gateway", "<html>nginx</html>", 0}, "gave no sound to 2 attempts; the last: 502: <html>nginx</html>",
			0},
		{{"500 Internal" JSON, "{\"detail\":\"Error generating voice: CUDA\"}", 0}, "500: Error generating voice: CUDA",
			1},
		{{"200 OK" JSON, "{\"detail\":\"queue full\"}", 0}, "200: queue full", 0},
		{{"200 OK\r\nContent-Type: text/html", "<p>hi", 0}, "the reply is no zip (status 200, text/html): <p>hi", 0},
		{{ZIP, "PK\3\4 and then nothing", 0}, "cannot read it as a zip", 0},
		{{ZIP, "", 0}, "the reply is no zip", 0},
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct tts_say lines[] = {cases[i].line, END};
		struct chattts_kit w;
		chattts_kit_open(&w, lines, "attempts: 2");
		assert_int_equal(tts_kit_speak(&w.kit, two, seed, 0), ERR_TRANSIENT);
		tts_kit_says(&w.kit, cases[i].says);
		assert_int_equal(atomic_load(&w.server.n), 2 + cases[i].more);
		chattts_kit_close(&w);
	}
}

static void hangs_and_limits(void **state)
{
	(void)state;
	const struct tts_say lines[] = {{"hang", "", 0},
		{"429 Too Many\r\nRetry-After: 1" JSON, "{\"detail\":\"slow\"}", 0}, chattts_kit_zip(chattts_kit_good()), END};
	struct chattts_kit w;
	chattts_kit_open(&w, lines, "timeout_s: 1");
	int64_t begun = clock_ms();
	assert_int_equal(tts_kit_speak(&w.kit, two, seed, 0), 0);
	assert_true(clock_ms() - begun >= 2000); /* one for the hang, one as the server wished */
	assert_int_equal(atomic_load(&w.server.n), 3);
	chattts_kit_close(&w);
}

static void too_long_is_no_sound(void **state)
{
	(void)state;
	CLEANUP(buf_release) struct buf long_reply = BUF_INIT;
	while (long_reply.len < 40000)
		buf_puts(&long_reply, "0123456789");
	const struct tts_say lines[] = {chattts_kit_zip(&long_reply), END};
	struct chattts_kit w;
	chattts_kit_open(&w, lines, "reply_max_kb: 16");
	assert_int_equal(tts_kit_speak(&w.kit, two, seed, 0), 0);
	tts_kit_no_sound(&w.kit, 1, "over reply_max_kb");
	chattts_kit_close(&w);
}

static void refusals(void **state)
{
	(void)state;
	static const struct {
		struct tts_say line;
		int rc;
		const char *says;
	} cases[] = {
		{{"422 Unprocessable" JSON,
			 "{\"detail\":[{\"loc\":[\"body\",\"text\"],\"msg\":\"Text list cannot be empty\"}]}", 0},
			ERR_DATA, "Text list cannot be empty"},
		{{"400 Bad Request" JSON, "{\"detail\":\"bad\"}", 0}, ERR_DATA, "the server refused the request: 400: bad"},
		{{"401 Unauthorized" JSON, "{\"detail\":\"who are you\"}", 0}, ERR_ACCOUNT, "401: who are you (no api_key_env"},
		{{"402 Payment", "", 0}, ERR_ACCOUNT, "402"},
		{{"403 Forbidden", "", 0}, ERR_ACCOUNT, "403"},
		{{"404 Not Found" JSON, "{\"detail\":\"Not Found\"}", 0}, ERR_ACCOUNT, "/generate_voice: is its url right?"},
		{{"429 Too Many\r\nRetry-After: 3600", "", 0}, ERR_ACCOUNT, "longer than patience_s"},
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct tts_say lines[] = {cases[i].line, END};
		struct chattts_kit w;
		chattts_kit_open(&w, lines, "");
		int rc = tts_kit_speak(&w.kit, two, seed, 0);
		if (rc != cases[i].rc)
			fail_msg("case %zu: %d %s", i, rc, w.kit.e.text);
		tts_kit_says(&w.kit, cases[i].says);
		assert_int_equal(atomic_load(&w.server.n), 1);
		chattts_kit_close(&w);
	}
}

/* A long side whose first text is refused asks over 20 times for it, in smaller batches, on each rung, in each voice: that is the text's fault, no reason to
 * stop the account. What 20 texts are refused is the account's. */
static void a_refused_text_does_not_stop_the_account(void **state)
{
	(void)state;
	static const struct tts_say lines[] = {{"422 Unprocessable" JSON, "{\"detail\":\"no\"}", 0}, END};
	struct chattts_kit w;
	chattts_kit_open(&w, lines, "");
	for (int i = 0; i < 2 * ACCOUNT_REFUSALS; i++)
		assert_int_equal(tts_kit_speak(&w.kit, two, seed, 1 + i % 2), ERR_DATA);
	for (int i = 0; i < ACCOUNT_REFUSALS; i++)
		assert_int_equal(tts_kit_speak(&w.kit, two, seed, 0), ERR_DATA);
	assert_int_equal(tts_kit_speak(&w.kit, two, seed, 0), ERR_ACCOUNT);
	tts_kit_says(&w.kit, "refused 20 requests in a row");
	chattts_kit_close(&w);
}

/* 500 of one text. When nobody else is asked, the server is asked for another text in the end. */
static void a_text_that_the_engine_cannot_speak(void **state)
{
	(void)state;
	CLEANUP(buf_release) struct buf one = BUF_INIT;
	struct zipkit z = ZIPKIT_INIT;
	zipkit_add(&z, "0.mp3", STR("ID3hello"), NULL);
	zipkit_end(&z, NULL, &one);
	const struct tts_say broken[] = {{"500 Internal" JSON, "{\"detail\":\"tensor\"}", 0}, END};
	const struct tts_say well[] = {chattts_kit_zip(&one), END};
	struct chattts_kit w;
	chattts_kit_open(&w, broken, "attempts: 2");
	assert_int_equal(tts_kit_speak(&w.kit, two, seed, 0), ERR_TRANSIENT); /* nothing is answered: it may be broken */
	assert_int_equal(atomic_load(&w.server.n), 3);
	chattts_kit_close(&w);
	chattts_kit_open(&w, well, "attempts: 2");
	w.server.bad = "再见";
	assert_int_equal(tts_kit_speak(&w.kit, two, seed, 0), ERR_INVALID);
	tts_kit_says(&w.kit, "cannot speak this, but answers others: 500: tensor");
	assert_int_equal(atomic_load(&w.server.n), 1);
	assert_non_null(strstr(w.server.seen[0], "\"text\":[\"你好。\"]"));
	chattts_kit_close(&w);
}

struct asker {
	struct chattts_kit *w;
	atomic_bool over;
	int rc;
	struct err e;
};

static void *ask_bad(void *arg)
{
	struct asker *a = arg;
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	const struct str text = STR("坏");
	struct provider_sound sound;
	struct json *voice = NULL;
	assert_int_equal(json_parse(&arena, STR("{\"manual_seed\":1}"), &voice, NULL), 0);
	struct provider_speak q = {.arena = &arena, .voice = voice, .texts = &text, .n = 1};
	a->rc = provider_chattts.speak(&a->w->kit.p, a->w->kit.v, 1, &q, &sound, &a->e);
	atomic_store(&a->over, true);
	return NULL;
}

static void others_are_answered_meanwhile(void **state)
{
	(void)state;
	const struct tts_say lines[] = {chattts_kit_zip(chattts_kit_good()), END};
	struct chattts_kit w;
	struct asker a = {.w = &w};
	pthread_t t;
	chattts_kit_open(&w, lines, "attempts: 100");
	w.server.bad = "坏";
	assert_int_equal(pthread_create(&t, NULL, ask_bad, &a), 0);
	while (!atomic_load(&a.over)) {
		assert_int_equal(tts_kit_speak(&w.kit, two, seed, 0), 0);
		clock_sleep_ms(20);
	}
	pthread_join(t, NULL);
	assert_int_equal(a.rc, ERR_INVALID);
	assert_non_null(strstr(a.e.text, "cannot speak this, but answers others: 500: tensor"));
	chattts_kit_close(&w);
}

/* --- Places --- */

static void a_dead_place_is_left_out(void **state)
{
	(void)state;
	const struct tts_say lines[] = {chattts_kit_zip(chattts_kit_good()), END};
	CLEANUP(buf_release) struct buf with = BUF_INIT;
	struct tts_server a;
	struct tts_kit k;
	struct account_counts n;
	tts_server_start(&a, lines);
	buf_printf(&with, "{base_urls: ['http://127.0.0.1:%d/', 'http://127.0.0.1:%d/tts/generate_voice']}",
		net_closed_port(), a.net.port);
	tts_kit_open(&k, &provider_chattts, with.data, NULL);
	assert_int_equal(k.n, 2);
	assert_non_null(strstr(k.p.ops->place(&k.p, 1), "/tts/generate_voice"));
	for (int i = 0; i < 12; i++) /* also while nobody knows yet that it is dead */
		assert_int_equal(tts_kit_speak(&k, two, seed, 0), 0);
	assert_int_equal(atomic_load(&a.n), 12);
	assert_non_null(strstr(a.heads[0], "POST /tts/generate_voice HTTP"));
	account_counts(k.v[1], &n);
	assert_int_equal(n.ok, 12);
	account_counts(k.v[0], &n);
	assert_true(n.paused);
	tts_kit_close(&k);
	tts_server_stop(&a);
}

static void a_place_that_refuses_is_left_out(void **state)
{
	(void)state;
	const struct tts_say good_lines[] = {chattts_kit_zip(chattts_kit_good()), END};
	static const struct tts_say bad_lines[] = {{"401 Unauthorized", "no", 0}, END};
	CLEANUP(buf_release) struct buf with = BUF_INIT;
	struct tts_server a, b;
	struct tts_kit k;
	tts_server_start(&a, bad_lines);
	tts_server_start(&b, good_lines);
	buf_printf(&with, "{base_urls: ['http://127.0.0.1:%d', 'http://127.0.0.1:%d']}", a.net.port, b.net.port);
	tts_kit_open(&k, &provider_chattts, with.data, NULL);
	for (int i = 0; i < 3; i++)
		assert_int_equal(tts_kit_speak(&k, two, seed, 0), 0);
	assert_int_equal(atomic_load(&a.n), 1);
	assert_int_equal(atomic_load(&b.n), 3);
	assert_int_equal(k.ntold, 1); /* nothing stops, so it must be said: half of the servers are idle */
	assert_non_null(
		strstr(k.told, "401: no (no api_key_env is given); this server is left out for the rest of the run"));
	tts_kit_close(&k);
	tts_server_stop(&a);
	tts_server_stop(&b);
}

/* --- Readiness --- */

static void loading_is_waited_for(void **state)
{
	(void)state;
	const struct tts_say lines[] = {chattts_kit_zip(chattts_kit_good()), END};
	static const struct tts_say ready[] = {{"200 OK" JSON, "{\"status\":\"initializing\"}", 0},
		{"503 Service Unavailable", "", 0}, {"200 OK" JSON, "{\"status\":\"ready\",\"instances\":2}", 0}, END};
	static const struct tts_say status[] = {
		{"200 OK" JSON, "{\"instances\":{}}", 0}, {"200 OK" JSON, "{\"instances\":{\"0\":{\"busy\":false}}}", 0}, END};
	struct chattts_kit w;
	chattts_kit_open(&w, lines, "");
	w.server.ready = ready;
	for (int i = 0; i < 2; i++)
		assert_int_equal(tts_kit_speak(&w.kit, two, seed, 0), 0);
	assert_int_equal(atomic_load(&w.server.nready), 3); /* and not again once it is ready */
	assert_int_equal(atomic_load(&w.server.nstatus), 0);
	assert_int_equal(atomic_load(&w.server.n), 2);
	chattts_kit_close(&w);
	chattts_kit_open(&w, lines, "");
	w.server.status = status;
	assert_int_equal(tts_kit_speak(&w.kit, two, seed, 0), 0);
	assert_int_equal(atomic_load(&w.server.nstatus), 2);
	chattts_kit_close(&w);
}

static void not_for_ever(void **state)
{
	(void)state;
	const struct tts_say lines[] = {chattts_kit_zip(chattts_kit_good()), END};
	static const struct tts_say status[] = {{"200 OK" JSON, "{\"instances\":{}}", 0}, END};
	struct chattts_kit w;
	chattts_kit_open(&w, lines, "ready_s: 1");
	w.server.status = status;
	assert_int_equal(tts_kit_speak(&w.kit, two, seed, 0), ERR_ACCOUNT);
	tts_kit_says(&w.kit, "has not loaded its model after 1 s (ready_s)");
	assert_int_equal(atomic_load(&w.server.n), 0);
	chattts_kit_close(&w);
	chattts_kit_open(&w, lines, "ready_s: 0");
	w.server.status = status;
	assert_int_equal(tts_kit_speak(&w.kit, two, seed, 0), 0);
	assert_int_equal(atomic_load(&w.server.nstatus), 0);
	chattts_kit_close(&w);
}

static void *stop_soon(void *arg)
{
	clock_sleep_ms(300);
	accounts_stop(arg, true);
	return NULL;
}

static void the_wait_ends_with_the_run(void **state)
{
	(void)state;
	const struct tts_say lines[] = {chattts_kit_zip(chattts_kit_good()), END};
	static const struct tts_say status[] = {{"200 OK" JSON, "{\"instances\":{}}", 0}, END};
	struct chattts_kit w;
	pthread_t t;
	chattts_kit_open(&w, lines, "");
	w.server.status = status;
	assert_int_equal(pthread_create(&t, NULL, stop_soon, w.kit.accounts), 0);
	assert_int_equal(tts_kit_speak(&w.kit, two, seed, 0), ERR_STOPPED);
	pthread_join(t, NULL);
	chattts_kit_close(&w);
}

/* One GPU is ready, the other loads: the first does all. */
static void one_that_loads_is_left_out(void **state)
{
	(void)state;
	const struct tts_say lines[] = {chattts_kit_zip(chattts_kit_good()), END};
	static const struct tts_say status[] = {{"200 OK" JSON, "{\"instances\":{}}", 0}, END};
	CLEANUP(buf_release) struct buf with = BUF_INIT;
	struct tts_server a, b;
	struct tts_kit k;
	tts_server_start(&a, lines);
	tts_server_start(&b, lines);
	a.status = status;
	buf_printf(&with, "{base_urls: ['http://127.0.0.1:%d', 'http://127.0.0.1:%d']}", a.net.port, b.net.port);
	tts_kit_open(&k, &provider_chattts, with.data, NULL);
	for (int i = 0; i < 4; i++)
		assert_int_equal(tts_kit_speak(&k, two, seed, 0), 0);
	assert_int_equal(atomic_load(&a.n), 0);
	assert_int_equal(atomic_load(&b.n), 4);
	tts_kit_close(&k);
	tts_server_stop(&a);
	tts_server_stop(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_passes_is_tried_again),
		cmocka_unit_test(attempts_end),
		cmocka_unit_test(hangs_and_limits),
		cmocka_unit_test(too_long_is_no_sound),
		cmocka_unit_test(refusals),
		cmocka_unit_test(a_refused_text_does_not_stop_the_account),
		cmocka_unit_test(a_text_that_the_engine_cannot_speak),
		cmocka_unit_test(others_are_answered_meanwhile),
		cmocka_unit_test(a_dead_place_is_left_out),
		cmocka_unit_test(a_place_that_refuses_is_left_out),
		cmocka_unit_test(loading_is_waited_for),
		cmocka_unit_test(not_for_ever),
		cmocka_unit_test(the_wait_ends_with_the_run),
		cmocka_unit_test(one_that_loads_is_left_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

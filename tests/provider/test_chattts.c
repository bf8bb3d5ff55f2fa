/* The provider chattts against a little server on loopback: what it sends, zips of all kinds, failures on the way, places, readiness, voices. */
#include "tests/io/zipkit.h"
#include "tests/provider/tts_kit.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/draw.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ZIP "200 OK\r\nContent-Type: application/zip"
#define JSON "\r\nContent-Type: application/json"
#define END {NULL, NULL, 0}
static const char seed[] = "{\"manual_seed\":7}";
static const char *const two[] = {"您好。", "再见。", NULL};

/* The zip that most tests get: dummies first, as servers do. */
static struct buf good = BUF_INIT;

static struct tts_say say_zip(const struct buf *b)
{
	return (struct tts_say){ZIP, b->data, b->len};
}

static int set_up(void **state)
{
	(void)state;
	struct zipkit z = ZIPKIT_INIT;
	zipkit_add(&z, "0.mp3", STR("ID3dummy"), NULL);
	zipkit_add(&z, "1.mp3", STR("ID3dummy"), NULL);
	zipkit_add(&z, "1.mp3", STR("ID3bye"), NULL);
	zipkit_add(&z, "0.mp3", STR("ID3hello"), NULL);
	zipkit_end(&z, NULL, &good);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	buf_release(&good);
	return 0;
}

struct world {
	struct tts_server server;
	struct tts_kit kit;
};

static void world_open(struct world *w, const struct tts_say *lines, const char *with)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	tts_server_start(&w->server, lines);
	buf_printf(&b, "{base_url: 'http://127.0.0.1:%d'%s%s}", w->server.net.port, *with ? ", " : "", with);
	tts_kit_open(&w->kit, &provider_chattts, b.data, NULL);
}

static void world_close(struct world *w)
{
	tts_kit_close(&w->kit);
	tts_server_stop(&w->server);
}

static void what_is_sent(void **state)
{
	(void)state;
	const struct tts_say lines[] = {say_zip(&good), END};
	struct account_counts n;
	struct world w;
	setenv("TAF_TEST_KEY", "sk-verysecret99\n", 1);
	world_open(&w, lines, "api_key_env: TAF_TEST_KEY, price_in: 2");
	assert_int_equal(tts_kit_speak(&w.kit, two, seed, 0), 0);
	tts_kit_sound(&w.kit, 0, "ID3hello");
	tts_kit_sound(&w.kit, 1, "ID3bye");
	assert_string_equal(w.server.seen[0],
		"{\"do_homophone_replacement\":false,\"do_text_normalization\":true,\"lang\":null,\"params_infer_code\":{"
		"\"manual_"
		"seed\":7,\"max_new_token\":2048,\"min_new_token\":0,\"prompt\":\"[speed_5]\",\"repetition_penalty\":1.05,"
		"\"temperature\":0.3,\"top_K\":20,\"top_P\":0.1},\"params_refine_text\":{\"max_new_token\":384,\"min_new_"
		"token\":0,"
		"\"prompt\":\"\",\"repetition_penalty\":1,\"temperature\":0.7,\"top_K\":20,\"top_P\":0.7},\"refine_text_only\":"
		"false,"
		"\"skip_refine_text\":true,\"stream\":false,\"text\":[\"您好。\",\"再见。\"],\"use_decoder\":true}");
	assert_non_null(strstr(w.server.heads[0], "POST /generate_voice HTTP/1.1\r\n"));
	assert_non_null(strstr(w.server.heads[0], "Authorization: Bearer sk-verysecret99\r\n"));
	account_counts(w.kit.v[0], &n);
	assert_int_equal(n.ok, 1);
	assert_int_equal(n.tokens_in, 6); /* characters */
	assert_int_equal(n.cost, 12);
	world_close(&w);
}

static void what_may_be_sent(void **state)
{
	(void)state;
	const struct tts_say lines[] = {say_zip(&good), END};
	struct world w;
	world_open(&w, lines,
		"temperature: [0.4, 1], lang: zh, params_refine_text: {}, seed_as: audio_seed, "
		"extra: {params_infer_code.ensure_non_empty: true, voice_cache: off}");
	assert_int_equal(tts_kit_speak(&w.kit, two, seed, 1), 0);
	const char *sent = w.server.seen[0];
	assert_non_null(strstr(sent, "\"temperature\":1,"));
	assert_non_null(strstr(sent, "\"lang\":\"zh\""));
	assert_non_null(strstr(sent, "\"params_refine_text\":null"));
	assert_non_null(strstr(sent, "\"audio_seed\":7"));
	assert_non_null(strstr(sent, "\"text_seed\":87654321"));
	assert_non_null(strstr(sent, "\"ensure_non_empty\":true"));
	assert_non_null(strstr(sent, "\"voice_cache\":"));
	assert_null(strstr(sent, "manual_seed"));
	assert_int_equal(tts_kit_speak(&w.kit, two, "{\"spk_emb\":\"蘁淰敝欀\"}", 0), 0);
	assert_non_null(strstr(w.server.seen[1], "\"spk_emb\":\"蘁淰敝欀\""));
	assert_non_null(strstr(w.server.seen[1], "\"audio_seed\":0"));
	struct provider_speaking how;
	w.kit.p.ops->speaking(&w.kit.p, &how);
	assert_true(how.batch == 16 && how.rungs == 2 && how.casts == 3);
	world_close(&w);
}

/* --- Zips --- */

static void counts_must_be_right(void **state)
{
	(void)state;
	CLEANUP(buf_release) struct buf fewer = BUF_INIT;
	CLEANUP(buf_release) struct buf more = BUF_INIT;
	CLEANUP(buf_release) struct buf other = BUF_INIT;
	CLEANUP(buf_release) struct buf aside = BUF_INIT;
	struct zipkit z = ZIPKIT_INIT;
	zipkit_add(&z, "0.mp3", STR("ID3a"), NULL);
	zipkit_end(&z, NULL, &fewer);
	zipkit_add(&z, "0.mp3", STR("ID3a"), NULL);
	zipkit_add(&z, "1.mp3", STR("ID3b"), NULL);
	zipkit_add(&z, "2.mp3", STR("ID3c"), NULL);
	zipkit_end(&z, NULL, &more);
	zipkit_add(&z, "0.mp3", STR("ID3a"), NULL);
	zipkit_add(&z, "2.mp3", STR("ID3c"), NULL);
	zipkit_end(&z, NULL, &other);
	zipkit_add(&z, "readme.txt", STR("hello"), NULL);
	zipkit_add(&z, "01.wav", STR("RIFFb"), NULL);
	zipkit_add(&z, "0.mp3", STR("ID3a"), NULL);
	zipkit_end(&z, NULL, &aside);
	const struct tts_say lines[] = {say_zip(&fewer), say_zip(&more), say_zip(&other), say_zip(&aside), END};
	struct world w;
	world_open(&w, lines, "");
	static const char *const words[] = {"the server sent 1 sounds for 2 texts", "the server sent 3 sounds for 2 texts",
		"the server sent 2 sounds for 2 texts"};
	for (int i = 0; i < 3; i++) {
		assert_int_equal(tts_kit_speak(&w.kit, two, seed, 0), 0);
		tts_kit_no_sound(&w.kit, 0, words[i]);
		tts_kit_no_sound(&w.kit, 1, words[i]);
	}
	assert_int_equal(tts_kit_speak(&w.kit, two, seed, 0), 0);
	tts_kit_sound(&w.kit, 0, "ID3a");
	tts_kit_sound(&w.kit, 1, "RIFFb");
	assert_int_equal(atomic_load(&w.server.n), 4); /* none of them is asked for again here */
	world_close(&w);
}

static void hostile_zips(void **state)
{
	(void)state;
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	CLEANUP(buf_release) struct buf bomb = BUF_INIT;
	CLEANUP(buf_release) struct buf many = BUF_INIT;
	CLEANUP(buf_release) struct buf mixed = BUF_INIT;
	struct zipkit z = ZIPKIT_INIT;
	zipkit_add(&z, "0.mp3", STR("ID3a"), NULL);
	zipkit_add(&z, "../1.mp3", STR("ID3b"), NULL);
	zipkit_end(&z, NULL, &path);
	zipkit_add(&z, "0.mp3", STR("ID3a"), NULL);
	zipkit_add(&z, "1.mp3", STR("x"), &(struct zipkit_lie){.size = 256u << 20, .method = 8});
	zipkit_end(&z, NULL, &bomb);
	for (int i = 0; i < 100; i++)
		zipkit_add(&z, "0.mp3", STR("ID3a"), NULL);
	zipkit_end(&z, NULL, &many);
	zipkit_add(&z, "0.mp3", STR("ID3a"), &(struct zipkit_lie){.crc = true});
	zipkit_add(&z, "1.mp3", STR("ID3b"), NULL);
	zipkit_add(&z, "2.mp3", STR("ID3 with a password"), &(struct zipkit_lie){.flags = 1});
	zipkit_add(&z, "3.mp3", STR(""), NULL);
	zipkit_add(&z, "4.mp3", STR("<!doctype html><p>busy"), NULL);
	zipkit_add(&z, "5.mp3", STR("{\"detail\":\"no\"}"), NULL);
	zipkit_end(&z, NULL, &mixed);
	const struct tts_say lines[] = {say_zip(&path), say_zip(&bomb), say_zip(&many), say_zip(&mixed), END};
	static const char *const six[] = {"一", "二", "三", "四", "五", "六", NULL};
	static const char *const words[] = {"path", "1.mp3 unpacks to 268435456 bytes", "has 100 entries"};
	struct world w;
	world_open(&w, lines, "");
	for (int i = 0; i < 3; i++) {
		assert_int_equal(tts_kit_speak(&w.kit, two, seed, 0), 0);
		tts_kit_no_sound(&w.kit, 0, words[i]);
		tts_kit_no_sound(&w.kit, 1, words[i]);
	}
	assert_int_equal(tts_kit_speak(&w.kit, six, seed, 0), 0);
	tts_kit_no_sound(&w.kit, 0, "CRC");
	tts_kit_sound(&w.kit, 1, "ID3b");
	tts_kit_no_sound(&w.kit, 2, "2.mp3");
	tts_kit_no_sound(&w.kit, 3, "empty sound");
	tts_kit_no_sound(&w.kit, 4, "web page");
	tts_kit_no_sound(&w.kit, 5, "JSON");
	world_close(&w);
}

/* --- Failures --- */

static void what_passes_is_tried_again(void **state)
{
	(void)state;
	const struct tts_say bad[] = {{NULL, "", 0}, {"500 Internal" JSON, "{\"detail\":\"Error generating voice: x\"}", 0},
		{"200 OK\r\nContent-Type: text/html", "<html>gateway</html>", 0},
		{"200 OK" JSON, "{\"detail\":\"queue full\"}", 0}, {"cut", good.data, good.len},
		{"503 Service Unavailable", "", 0}};
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		const struct tts_say lines[] = {bad[i], say_zip(&good), END};
		struct account_counts n;
		struct world w;
		world_open(&w, lines, "attempts: 2");
		assert_int_equal(tts_kit_speak(&w.kit, two, seed, 0), 0);
		tts_kit_sound(&w.kit, 1, "ID3bye");
		assert_int_equal(atomic_load(&w.server.n), 2);
		account_counts(w.kit.v[0], &n);
		assert_int_equal(n.ok, 1);
		world_close(&w);
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
		struct world w;
		world_open(&w, lines, "attempts: 2");
		assert_int_equal(tts_kit_speak(&w.kit, two, seed, 0), ERR_TRANSIENT);
		tts_kit_says(&w.kit, cases[i].says);
		assert_int_equal(atomic_load(&w.server.n), 2 + cases[i].more);
		world_close(&w);
	}
}

static void hangs_and_limits(void **state)
{
	(void)state;
	const struct tts_say lines[] = {
		{"hang", "", 0}, {"429 Too Many\r\nRetry-After: 1" JSON, "{\"detail\":\"slow\"}", 0}, say_zip(&good), END};
	struct world w;
	world_open(&w, lines, "timeout_s: 1");
	int64_t begun = clock_ms();
	assert_int_equal(tts_kit_speak(&w.kit, two, seed, 0), 0);
	assert_true(clock_ms() - begun >= 2000); /* one for the hang, one as the server wished */
	assert_int_equal(atomic_load(&w.server.n), 3);
	world_close(&w);
}

static void too_long_is_no_sound(void **state)
{
	(void)state;
	CLEANUP(buf_release) struct buf long_reply = BUF_INIT;
	while (long_reply.len < 40000)
		buf_puts(&long_reply, "0123456789");
	const struct tts_say lines[] = {say_zip(&long_reply), END};
	struct world w;
	world_open(&w, lines, "reply_max_kb: 16");
	assert_int_equal(tts_kit_speak(&w.kit, two, seed, 0), 0);
	tts_kit_no_sound(&w.kit, 1, "over reply_max_kb");
	world_close(&w);
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
		struct world w;
		world_open(&w, lines, "");
		int rc = tts_kit_speak(&w.kit, two, seed, 0);
		if (rc != cases[i].rc)
			fail_msg("case %zu: %d %s", i, rc, w.kit.e.text);
		tts_kit_says(&w.kit, cases[i].says);
		assert_int_equal(atomic_load(&w.server.n), 1);
		world_close(&w);
	}
}

/* A long side whose first text is refused asks over 20 times for it, in smaller batches, on each rung, in each voice: that is the text's fault, no reason to
 * stop the account. What 20 texts are refused is the account's. */
static void a_refused_text_does_not_stop_the_account(void **state)
{
	(void)state;
	static const struct tts_say lines[] = {{"422 Unprocessable" JSON, "{\"detail\":\"no\"}", 0}, END};
	struct world w;
	world_open(&w, lines, "");
	for (int i = 0; i < 2 * ACCOUNT_REFUSALS; i++)
		assert_int_equal(tts_kit_speak(&w.kit, two, seed, 1 + i % 2), ERR_DATA);
	for (int i = 0; i < ACCOUNT_REFUSALS; i++)
		assert_int_equal(tts_kit_speak(&w.kit, two, seed, 0), ERR_DATA);
	assert_int_equal(tts_kit_speak(&w.kit, two, seed, 0), ERR_ACCOUNT);
	tts_kit_says(&w.kit, "refused 20 requests in a row");
	world_close(&w);
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
	const struct tts_say well[] = {say_zip(&one), END};
	struct world w;
	world_open(&w, broken, "attempts: 2");
	assert_int_equal(tts_kit_speak(&w.kit, two, seed, 0), ERR_TRANSIENT); /* nothing is answered: it may be broken */
	assert_int_equal(atomic_load(&w.server.n), 3);
	world_close(&w);
	world_open(&w, well, "attempts: 2");
	w.server.bad = "再见";
	assert_int_equal(tts_kit_speak(&w.kit, two, seed, 0), ERR_INVALID);
	tts_kit_says(&w.kit, "cannot speak this, but answers others: 500: tensor");
	assert_int_equal(atomic_load(&w.server.n), 1);
	assert_non_null(strstr(w.server.seen[0], "\"text\":[\"你好。\"]"));
	world_close(&w);
}

struct asker {
	struct world *w;
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
	const struct tts_say lines[] = {say_zip(&good), END};
	struct world w;
	struct asker a = {.w = &w};
	pthread_t t;
	world_open(&w, lines, "attempts: 100");
	w.server.bad = "坏";
	assert_int_equal(pthread_create(&t, NULL, ask_bad, &a), 0);
	while (!atomic_load(&a.over)) {
		assert_int_equal(tts_kit_speak(&w.kit, two, seed, 0), 0);
		clock_sleep_ms(20);
	}
	pthread_join(t, NULL);
	assert_int_equal(a.rc, ERR_INVALID);
	assert_non_null(strstr(a.e.text, "cannot speak this, but answers others: 500: tensor"));
	world_close(&w);
}

/* --- Places --- */

static void a_dead_place_is_left_out(void **state)
{
	(void)state;
	const struct tts_say lines[] = {say_zip(&good), END};
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
	const struct tts_say good_lines[] = {say_zip(&good), END};
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
	const struct tts_say lines[] = {say_zip(&good), END};
	static const struct tts_say ready[] = {{"200 OK" JSON, "{\"status\":\"initializing\"}", 0},
		{"503 Service Unavailable", "", 0}, {"200 OK" JSON, "{\"status\":\"ready\",\"instances\":2}", 0}, END};
	static const struct tts_say status[] = {
		{"200 OK" JSON, "{\"instances\":{}}", 0}, {"200 OK" JSON, "{\"instances\":{\"0\":{\"busy\":false}}}", 0}, END};
	struct world w;
	world_open(&w, lines, "");
	w.server.ready = ready;
	for (int i = 0; i < 2; i++)
		assert_int_equal(tts_kit_speak(&w.kit, two, seed, 0), 0);
	assert_int_equal(atomic_load(&w.server.nready), 3); /* and not again once it is ready */
	assert_int_equal(atomic_load(&w.server.nstatus), 0);
	assert_int_equal(atomic_load(&w.server.n), 2);
	world_close(&w);
	world_open(&w, lines, "");
	w.server.status = status;
	assert_int_equal(tts_kit_speak(&w.kit, two, seed, 0), 0);
	assert_int_equal(atomic_load(&w.server.nstatus), 2);
	world_close(&w);
}

static void not_for_ever(void **state)
{
	(void)state;
	const struct tts_say lines[] = {say_zip(&good), END};
	static const struct tts_say status[] = {{"200 OK" JSON, "{\"instances\":{}}", 0}, END};
	struct world w;
	world_open(&w, lines, "ready_s: 1");
	w.server.status = status;
	assert_int_equal(tts_kit_speak(&w.kit, two, seed, 0), ERR_ACCOUNT);
	tts_kit_says(&w.kit, "has not loaded its model after 1 s (ready_s)");
	assert_int_equal(atomic_load(&w.server.n), 0);
	world_close(&w);
	world_open(&w, lines, "ready_s: 0");
	w.server.status = status;
	assert_int_equal(tts_kit_speak(&w.kit, two, seed, 0), 0);
	assert_int_equal(atomic_load(&w.server.nstatus), 0);
	world_close(&w);
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
	const struct tts_say lines[] = {say_zip(&good), END};
	static const struct tts_say status[] = {{"200 OK" JSON, "{\"instances\":{}}", 0}, END};
	struct world w;
	pthread_t t;
	world_open(&w, lines, "");
	w.server.status = status;
	assert_int_equal(pthread_create(&t, NULL, stop_soon, w.kit.accounts), 0);
	assert_int_equal(tts_kit_speak(&w.kit, two, seed, 0), ERR_STOPPED);
	pthread_join(t, NULL);
	world_close(&w);
}

/* One GPU is ready, the other loads: the first does all. */
static void one_that_loads_is_left_out(void **state)
{
	(void)state;
	const struct tts_say lines[] = {say_zip(&good), END};
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

/* --- Voices --- */

static const struct json *cast(struct tts_kit *k, const char *gender, const char *age, const struct json *other, int i)
{
	const struct provider_person who = {gender, age};
	const struct json *v = NULL;
	struct draw d;
	char id[32];
	snprintf(id, sizeof(id), "call/%d", i);
	draw_init(&d, 1, str_of(id), "voice");
	assert_int_equal(k->p.ops->voice(&k->p, &who, other, &d, &k->arena, &v, &k->e), 0);
	return v;
}

static void voices_by_person(void **state)
{
	(void)state;
	struct tts_kit k;
	int young = 0;
	tts_kit_open(&k,
		&provider_chattts, "{base_url: 'http://127.0.0.1:9', voices: [1031 female young, '2 male young, middle', 3 male elderly, 44 female]}",
		NULL);
	for (int i = 0; i < 50; i++) {
		const struct json *left = cast(&k, "male", "elderly", NULL, i), *right;
		assert_int_equal(json_get_int(left, "manual_seed", 0), 3);
		right = cast(&k, "male", "elderly", left, i); /* age gives way, not gender */
		assert_int_equal(json_get_int(right, "manual_seed", 0), 2);
		left = cast(&k, "female", "young", NULL, i);
		young += json_get_int(left, "manual_seed", 0) == 1031;
		assert_true(json_get_int(left, "manual_seed", 0) == 44 || json_get_int(left, "manual_seed", 0) == 1031);
		assert_false(json_equal(left, cast(&k, NULL, NULL, left, i)));
	}
	assert_true(young > 10 && young < 40);
	tts_kit_close(&k);
}

static void seeds_are_drawn(void **state)
{
	(void)state;
	struct tts_kit k;
	int64_t seen[3] = {0};
	tts_kit_open(&k, &provider_chattts, "{base_url: 'http://127.0.0.1:9', seed_min: 5, seed_max: 7}", NULL);
	for (int i = 0; i < 60; i++) {
		const struct json *left = cast(&k, NULL, NULL, NULL, i), *right = cast(&k, NULL, NULL, left, i + 100);
		int64_t a = json_get_int(left, "manual_seed", 0), b = json_get_int(right, "manual_seed", 0);
		assert_true(a >= 5 && a <= 7 && b >= 5 && b <= 7 && a != b);
		assert_true(json_equal(left, cast(&k, NULL, NULL, NULL, i)));
		seen[b - 5]++;
	}
	assert_true(seen[0] > 5 && seen[1] > 5 && seen[2] > 5);
	tts_kit_close(&k);
}

/* Who has spoken is not paid for again because there is a voice more: the list is in the stage's key, not in that of a sound. */
static void a_longer_list_changes_few(void **state)
{
	(void)state;
#define LIST "{base_url: 'http://127.0.0.1:9', voices: [1, 2, 3, 4, 5, 6, 7, 8, 9"
	struct tts_kit k, longer, shorter;
	int changed = 0, of_left = 0;
	tts_kit_open(&k, &provider_chattts, LIST "]}", NULL);
	tts_kit_open(&longer, &provider_chattts, LIST ", 10]}", NULL);
	tts_kit_open(&shorter, &provider_chattts, "{base_url: 'http://127.0.0.1:9', voices: [9, 1, 3, 4, 5, 6, 7, 8]}",
		NULL); /* without 2 */
	assert_false(json_equal(k.p.identity, longer.p.identity));
	assert_true(json_equal(k.p.answers, longer.p.answers));
	assert_true(json_get(json_get(k.p.answers, "options"), "temperature") != NULL);
	for (int i = 0; i < 200; i++) {
		const struct json *right = cast(&k, NULL, NULL, NULL, i), *now = cast(&longer, NULL, NULL, NULL, i);
		changed += !json_equal(right, now);
		assert_true(json_equal(right, now) || json_get_int(now, "manual_seed", 0) == 10);
		now = cast(&shorter, NULL, NULL, NULL, i);
		assert_true(json_equal(right, now) || json_get_int(right, "manual_seed", 0) == 2);
		/* nor does another voice of the one side change the other's, but where both would be the same */
		of_left += !json_equal(cast(&k, NULL, NULL, tts_kit_json(&k, "{\"manual_seed\":1}"), i),
			cast(&k, NULL, NULL, tts_kit_json(&k, "{\"manual_seed\":2}"), i));
	}
	assert_in_range(changed, 5, 45);
	assert_in_range(of_left, 15, 80);
	tts_kit_close(&shorter);
	tts_kit_close(&longer);
	tts_kit_close(&k);
}

static void what_is_wrong_before_any_work(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{"{}", "give base_url, or base_urls"},
		{"{base_url: 'http://a', base_urls: ['http://b']}", "not both"},
		{"{base_url: 'a:9000'}", "base_url must begin with http://"},
		{"{base_urls: ['http://a', 'b:9000']}", "it is 'b:9000'"},
		{"{base_url: 'me:secret@b:9000'}", "it is '…'"},
		{"{base_urls: ['http://a/?x']}", "base_urls cannot have a '?' or '#': /generate_voice"},
		{"{base_urls: ['http://a', 'http://a/generate_voice/']}", "twice"},
		{"{base_url: 'http://a', voices: [7 male]}", "two at least"},
		{"{base_url: 'http://a', voices: [7 male, 7 female]}", "7 is there twice"},
		{"{base_url: 'http://a', voices: [7 man, 8]}", "'man' is none of these"},
		{"{base_url: 'http://a', voices: [nova, 8]}", "nova is neither a seed"},
		{"{base_url: 'http://a', voices: ['007', 8]}", "without a sign"},
		{"{base_url: 'http://a', voices: ['', 8]}", "has no name"},
		{"{base_url: 'http://a', temperature: [0.3, hot]}", "'hot' is no number from 1e-05 to 2"},
		{"{base_url: 'http://a', temperature: []}", "at least one"},
		{"{base_url: 'http://a', seed_min: 9, seed_max: 9}", "seed_max must be over seed_min"},
		{"{base_url: 'http://a', extra: {params_infer_code.temperature: 1}}", "it is an option of its own"},
		{"{base_url: 'http://a', extra: {params_infer_code: 1}}", "taf's own"},
		{"{base_url: 'http://a', extra: {text.x: 1}}", "taf's own"},
		{"{base_url: 'http://a', api_key_env: TAF_TEST_NOT_SET}", "is not set"},
	};
	unsetenv("TAF_TEST_NOT_SET");
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct tts_kit k;
		struct err e = ERR_INIT;
		tts_kit_open(&k, &provider_chattts, cases[i][0], &e);
		if (e.code != ERR_CONFIG || !strstr(e.text, cases[i][1]) || !strstr(e.text, "provider speaker"))
			fail_msg("%s: %d '%s'", cases[i][0], e.code, e.text);
		tts_kit_close(&k);
	}
}

static void probes(void **state)
{
	(void)state;
	CLEANUP(buf_release) struct buf one = BUF_INIT;
	CLEANUP(buf_release) struct buf said = BUF_INIT;
	struct zipkit z = ZIPKIT_INIT;
	zipkit_add(&z, "0.mp3", STR("ID3hello"), NULL);
	zipkit_end(&z, NULL, &one);
	const struct tts_say lines[] = {say_zip(&one), {"500 Internal", "{\"detail\":\"oom\"}", 0}, END};
	static const struct tts_say status[] = {{"200 OK" JSON, "{\"instances\":{}}", 0}, END};
	struct world w;
	world_open(&w, lines, "");
	assert_int_equal(provider_chattts.probe(&w.kit.p, w.kit.v[0], &said, NULL, &w.kit.e), 0);
	assert_non_null(strstr(said.data, "spoke 3 characters in "));
	assert_non_null(strstr(said.data, "(8 bytes)"));
	assert_int_equal(provider_chattts.probe(&w.kit.p, w.kit.v[0], &said, NULL, &w.kit.e), ERR_TRANSIENT);
	tts_kit_says(&w.kit, "500: oom");
	world_close(&w);
	world_open(&w, lines, "");
	w.server.status = status;
	assert_int_equal(provider_chattts.probe(&w.kit.p, w.kit.v[0], &said, NULL, &w.kit.e), ERR_TRANSIENT);
	tts_kit_says(&w.kit, "is still loading its model");
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_sent),
		cmocka_unit_test(what_may_be_sent),
		cmocka_unit_test(counts_must_be_right),
		cmocka_unit_test(hostile_zips),
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
		cmocka_unit_test(voices_by_person),
		cmocka_unit_test(seeds_are_drawn),
		cmocka_unit_test(a_longer_list_changes_few),
		cmocka_unit_test(what_is_wrong_before_any_work),
		cmocka_unit_test(probes),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}

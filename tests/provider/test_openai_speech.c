/* The provider openai-speech against a little server on loopback: what it sends, forms of replies, failures. What both kinds share is in
 * test_chattts and test_chattts_failures. */
#include "tests/provider/tts_kit.h"

#include "base/alloc.h"
#include "base/draw.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define JSON "200 OK\r\nContent-Type: application/json"
#define WAV "200 OK\r\nContent-Type: audio/wav"
#define END {NULL, NULL, 0}
static const char nova[] = "{\"voice\":\"nova\"}";
static const char *const one[] = {"您好。", NULL};

struct world {
	struct tts_server server;
	struct tts_kit kit;
};

static void world_open(struct world *w, const struct tts_say *lines, const char *with)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	tts_server_start(&w->server, lines);
	buf_printf(&b, "{base_url: 'http://127.0.0.1:%d/v1', model: m, voices: [nova female, onyx male]%s%s}",
		w->server.net.port, *with ? ", " : "", with);
	tts_kit_open(&w->kit, &provider_openai_speech, b.data, NULL);
}

static void world_close(struct world *w)
{
	tts_kit_close(&w->kit);
	tts_server_stop(&w->server);
}

static int speak_so(struct world *w, const char *emotion, int rung)
{
	const struct str text = STR("您好。"), with = str_of(emotion);
	struct provider_speak q = {.arena = &w->kit.arena,
		.texts = &text,
		.emotions = emotion ? &with : NULL,
		.n = 1,
		.rung = rung,
		.voice = tts_kit_json(&w->kit, nova)};
	return provider_openai_speech.speak(&w->kit.p, w->kit.v, w->kit.n, &q, w->kit.sounds, &w->kit.e);
}

static void what_is_sent(void **state)
{
	(void)state;
	static const struct tts_say lines[] = {{WAV, "RIFFsound", 0}, END};
	struct provider_speaking how;
	struct world w;
	world_open(&w, lines, "");
	assert_int_equal(tts_kit_speak(&w.kit, one, nova, 0), 0);
	tts_kit_sound(&w.kit, 0, "RIFFsound");
	assert_non_null(strstr(w.server.heads[0], "POST /v1/audio/speech HTTP/1.1\r\n"));
	assert_null(strstr(w.server.heads[0], "GET"));
	assert_string_equal(
		w.server.seen[0], "{\"input\":\"您好。\",\"model\":\"m\",\"response_format\":\"wav\",\"voice\":\"nova\"}");
	assert_int_equal(tts_kit_speak(&w.kit, one, nova, 1), 0);
	assert_non_null(strstr(w.server.seen[1], "\"speed\":0.95,"));
	assert_int_equal(atomic_load(&w.server.nready) + atomic_load(&w.server.nstatus), 0);
	w.kit.p.ops->speaking(&w.kit.p, &how);
	assert_true(how.batch == 1 && how.rungs == 2 && how.casts == 3);
	world_close(&w);
}

static void emotions(void **state)
{
	(void)state;
	static const struct tts_say lines[] = {{WAV, "RIFFsound", 0}, END};
	struct world w;
	world_open(&w,
		lines, "instructions: '用{emotion}的语气说，{emotion}。', emotion_field: style.emotion, extra: {style.degree: 2, cache: true}");
	assert_int_equal(speak_so(&w, "焦急", 0), 0);
	assert_int_equal(speak_so(&w, "", 0), 0);
	assert_int_equal(speak_so(&w, NULL, 0), 0);
	assert_non_null(strstr(w.server.seen[0], "\"instructions\":\"用焦急的语气说，焦急。\""));
	assert_non_null(strstr(w.server.seen[0], "\"style\":{\"degree\":2,\"emotion\":\"焦急\"}"));
	assert_non_null(strstr(w.server.seen[0], "\"cache\":true"));
	for (int i = 1; i < 3; i++) {
		assert_null(strstr(w.server.seen[i], "instructions"));
		assert_non_null(strstr(w.server.seen[i], "\"style\":{\"degree\":2}"));
	}
	world_close(&w);
	world_open(&w, lines, "instructions: 说得自然。");
	assert_int_equal(speak_so(&w, NULL, 0), 0);
	assert_non_null(strstr(w.server.seen[0], "\"instructions\":\"说得自然。\""));
	world_close(&w);
}

/* UklGRnNvdW5k is RIFFsound. */
static void sound_in_json(void **state)
{
	(void)state;
	static const char *const bodies[] = {
		"{\"audio\":\"UklGRnNvdW5k\",\"format\":\"wav\"}",
		"{\"audio_base64\":\"UklGRnNvdW5k\"}",
		"  {\"audio\":{\"data\":\"UklGR\\nnNvdW5k\"}}",
		"{\"data\":[{\"b64_json\":\"data:audio/wav;base64,UklGRnNvdW5k\"}]}",
		"{\"choices\":[{\"message\":{\"content\":null,\"audio\":{\"id\":\"x\",\"data\":\"UklGRnNvdW5k\"}}}]}",
	};
	for (size_t i = 0; i < COUNT_OF(bodies); i++) {
		const struct tts_say lines[] = {{JSON, bodies[i], 0}, END};
		struct world w;
		world_open(&w, lines, "");
		assert_int_equal(tts_kit_speak(&w.kit, one, nova, 0), 0);
		tts_kit_sound(&w.kit, 0, "RIFFsound");
		world_close(&w);
	}
}

static void no_sound_in_it(void **state)
{
	(void)state;
	static const struct {
		struct tts_say line;
		const char *why;
	} cases[] = {
		{{JSON, "{\"audio\":\"!!!\"}", 0}, "no base64"},
		{{JSON, "{\"audio\":\"\"}", 0}, "empty sound"},
		{{JSON, "{\"audio\":\"PGh0bWw+\"}", 0}, "web page"},
		{{JSON, "{\"audio\":\"e30=\"}", 0}, "JSON"},
		{{WAV, "", 0}, "empty sound"},
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct tts_say lines[] = {cases[i].line, END};
		struct world w;
		world_open(&w, lines, "");
		assert_int_equal(tts_kit_speak(&w.kit, one, nova, 0), 0);
		tts_kit_no_sound(&w.kit, 0, cases[i].why);
		assert_int_equal(atomic_load(&w.server.n), 1);
		world_close(&w);
	}
}

static void samples_get_a_header(void **state)
{
	(void)state;
	static const char samples[] = "\1\0\2\0\3\0\4"; /* 3 samples and a half; the last byte is of the literal's end */
	const struct tts_say lines[] = {{"200 OK\r\nContent-Type: audio/pcm", samples, 7},
		{JSON, "{\"audio\":\"AQACAA==\",\"sample_rate\":16000}", 0}, {WAV, "RIFFhas one", 0}, END};
	struct world w;
	world_open(&w, lines, "response_format: pcm");
	assert_int_equal(tts_kit_speak(&w.kit, one, nova, 0), 0);
	struct str s = w.kit.sounds[0].bytes;
	assert_int_equal(s.n, 44 + 6);
	assert_memory_equal(
		s.p, "RIFF\x2a\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0\xc0\x5d\0\0\x80\xbb\0\0\2\0\x10\0data\6\0\0\0\1\0\2\0\3\0", 50);
	assert_non_null(strstr(w.server.seen[0], "\"response_format\":\"pcm\""));
	assert_int_equal(tts_kit_speak(&w.kit, one, nova, 0), 0);
	s = w.kit.sounds[0].bytes;
	assert_int_equal(s.n, 44 + 4);
	assert_memory_equal(s.p + 24, "\x80\x3e\0\0\0\x7d\0\0", 8); /* 16,000 Hz, as it says */
	assert_int_equal(tts_kit_speak(&w.kit, one, nova, 0), 0);
	tts_kit_sound(&w.kit, 0, "RIFFhas one");
	world_close(&w);
}

static void failures(void **state)
{
	(void)state;
	static const struct {
		struct tts_say line;
		int rc;
		const char *says;
	} cases[] = {
		{{"200 OK\r\nContent-Type: text/html", "<html>login</html>", 0}, ERR_TRANSIENT,
			"the reply is no sound (status 200, text/html): <html>login</html>"},
		{{JSON, "{\"error\":{\"message\":\"overloaded\"}}", 0}, ERR_TRANSIENT, "200: overloaded"},
		{{JSON, "{\"error\":{\"code\":\"insufficient_quota\",\"message\":\"pay\"}}", 0}, ERR_ACCOUNT, "pay"},
		{{JSON, "{\"id\":1}", 0}, ERR_TRANSIENT, "the reply is JSON without a sound"},
		{{JSON, "{\"audio\":\"UklGRnNv", 0}, ERR_TRANSIENT, "the reply is broken JSON"},
		{{WAV, "plain words", 0}, ERR_TRANSIENT, "no sound (status 200, audio/wav): plain words"},
		{{"400 Bad Request", "{\"error\":{\"message\":\"voice nova does not exist\"}}", 0}, ERR_DATA, "voice nova"},
		{{"400 Bad Request", "{\"error\":{\"message\":\"the model m does not exist\"}}", 0}, ERR_ACCOUNT, "the model m"},
		{{"404 Not Found", "{\"error\":{\"code\":\"model_not_found\",\"message\":\"no m\"}}", 0}, ERR_ACCOUNT,
			"404: no m (is the provider's model right?)"},
		{{"404 Not Found", "", 0}, ERR_ACCOUNT, "/v1/audio/speech: is its url right?"},
		{{"400 Bad Request", "{\"error\":{\"code\":\"content_filter\",\"message\":\"no\"}}", 0}, ERR_DATA,
			"filtered by provider speaker"},
		{{"422 Unprocessable", "{\"detail\":\"input too long\"}", 0}, ERR_DATA, "422: input too long"},
		{{"302 Found\r\nLocation: http://evil.test/", "", 0}, ERR_ACCOUNT, "/v1/audio/speech: is its url right?"},
		{{"405 Method Not Allowed", "", 0}, ERR_ACCOUNT, "405"},
		{{"200 OK", "[[[[", 0}, ERR_TRANSIENT, "no sound"},
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct tts_say lines[] = {cases[i].line, END};
		struct world w;
		world_open(&w, lines, "attempts: 1");
		int rc = tts_kit_speak(&w.kit, one, nova, 0);
		if (rc != cases[i].rc)
			fail_msg("case %zu: %d %s", i, rc, w.kit.e.text);
		tts_kit_says(&w.kit, cases[i].says);
		world_close(&w);
	}
}

static void keys_stay_secret(void **state)
{
	(void)state;
	static const struct tts_say lines[] = {
		{"401 Unauthorized", "{\"error\":{\"message\":\"bad key sk-verysecret99\"}}", 0}, END};
	struct world w;
	setenv("TAF_TEST_KEY", "sk-verysecret99", 1);
	world_open(&w, lines, "api_key_env: TAF_TEST_KEY");
	assert_int_equal(tts_kit_speak(&w.kit, one, nova, 0), ERR_ACCOUNT);
	tts_kit_says(&w.kit, "bad key *** (the key is taken from TAF_TEST_KEY)");
	assert_non_null(strstr(w.server.heads[0], "Authorization: Bearer sk-verysecret99\r\n"));
	world_close(&w);
}

static void voices(void **state)
{
	(void)state;
	static const struct tts_say lines[] = {{WAV, "RIFFsound", 0}, END};
	const struct provider_person woman = {"female", NULL};
	const struct json *left = NULL, *right = NULL;
	struct draw d;
	struct world w;
	world_open(&w, lines, "");
	for (int i = 0; i < 20; i++) {
		draw_init(&d, (uint64_t)i, STR("call"), "voice");
		assert_int_equal(provider_openai_speech.voice(&w.kit.p, &woman, NULL, &d, &w.kit.arena, &left, &w.kit.e), 0);
		assert_int_equal(provider_openai_speech.voice(&w.kit.p, &woman, left, &d, &w.kit.arena, &right, &w.kit.e), 0);
		assert_true(str_is(json_get_str(left, "voice"), "nova"));
		assert_true(str_is(json_get_str(right, "voice"), "onyx"));
	}
	world_close(&w);
}

#define NO_NOVA {"400 Bad Request", "{\"error\":{\"message\":\"Voice 'nova' is not supported\"}}", 0}

/* The side is cast anew and the call goes on, so somebody must say it: once. What is wrong with a text is not the voice's fault. */
static void an_unknown_voice_is_told_once(void **state)
{
	(void)state;
	static const struct tts_say lines[] = {
		{"400 Bad Request", "{\"error\":{\"message\":\"input too long\"}}", 0}, NO_NOVA, END};
	struct world w;
	world_open(&w, lines, "");
	assert_int_equal(tts_kit_speak(&w.kit, one, nova, 0), ERR_DATA);
	assert_int_equal(w.kit.ntold, 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(tts_kit_speak(&w.kit, one, nova, 0), ERR_DATA);
	assert_int_equal(w.kit.ntold, 1);
	assert_non_null(strstr(w.kit.told, "the server refuses the voice nova (400: Voice 'nova' is not supported)"));
	assert_int_equal(tts_kit_speak(&w.kit, one, "{\"voice\":\"onyx\"}", 0), ERR_DATA);
	assert_int_equal(w.kit.ntold, 2);
	world_close(&w);
}

/* check --online: any voice, then each of the list. */
static void each_voice_is_probed(void **state)
{
	(void)state;
	static const struct tts_say good[] = {{WAV, "RIFFsound", 0}, END};
	static const struct tts_say bad[] = {{WAV, "RIFFsound", 0}, NO_NOVA, END};
	CLEANUP(buf_release) struct buf said = BUF_INIT;
	struct world w;
	world_open(&w, good, "");
	assert_int_equal(provider_openai_speech.probe(&w.kit.p, w.kit.v[0], &said, NULL, &w.kit.e), 0);
	assert_int_equal(atomic_load(&w.server.n), 3);
	assert_non_null(strstr(w.server.seen[1], "\"voice\":\"nova\""));
	assert_non_null(strstr(w.server.seen[2], "\"voice\":\"onyx\""));
	assert_non_null(strstr(said.data, "spoke 3 characters"));
	assert_null(strstr(said.data, ";")); /* told of the place once */
	world_close(&w);
	world_open(&w, bad, "");
	assert_int_equal(provider_openai_speech.probe(&w.kit.p, w.kit.v[0], &said, NULL, &w.kit.e), ERR_DATA);
	tts_kit_says(&w.kit, "/v1, voice nova: 400: Voice 'nova'");
	world_close(&w);
}

static void what_is_wrong_before_any_work(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{"voices: [nova]", "two at least"},
		{"voices: [a, b], speed: fast", "'fast' is no number from 0.25 to 4"},
		{"voices: [a, b], emotion_field: input", "emotion_field: input is a member that is sent anyway"},
		{"voices: [a, b], emotion_field: style, extra: {style: 1}", "is a member that is sent anyway"},
		{"voices: [a, b], extra: {voice: c}", "taf's own"},
		{"voices: [a, b], extra: {model: c}", "an option of its own"},
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		CLEANUP(buf_release) struct buf with = BUF_INIT;
		struct tts_kit k;
		struct err e = ERR_INIT;
		buf_printf(&with, "{base_url: 'http://a/v1', model: m, %s}", cases[i][0]);
		tts_kit_open(&k, &provider_openai_speech, with.data, &e);
		if (e.code != ERR_CONFIG || !strstr(e.text, cases[i][1]))
			fail_msg("%s: %d '%s'", cases[i][0], e.code, e.text);
		tts_kit_close(&k);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_sent),
		cmocka_unit_test(emotions),
		cmocka_unit_test(sound_in_json),
		cmocka_unit_test(no_sound_in_it),
		cmocka_unit_test(samples_get_a_header),
		cmocka_unit_test(failures),
		cmocka_unit_test(keys_stay_secret),
		cmocka_unit_test(voices),
		cmocka_unit_test(an_unknown_voice_is_told_once),
		cmocka_unit_test(each_voice_is_probed),
		cmocka_unit_test(what_is_wrong_before_any_work),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

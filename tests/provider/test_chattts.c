/* The provider chattts against a little server on loopback: what it sends, and zips of all kinds. test_chattts_failures has what goes wrong on the way,
 * test_chattts_voices who speaks. */
#include "tests/io/zipkit.h"
#include "tests/provider/chattts_kit.h"

#include "base/alloc.h"

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

static void what_is_sent(void **state)
{
	(void)state;
	const struct tts_say lines[] = {chattts_kit_zip(chattts_kit_good()), END};
	struct account_counts n;
	struct chattts_kit w;
	setenv("TAF_TEST_KEY", "sk-verysecret99\n", 1);
	chattts_kit_open(&w, lines, "api_key_env: TAF_TEST_KEY, price_in: 2");
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
	chattts_kit_close(&w);
}

static void what_may_be_sent(void **state)
{
	(void)state;
	const struct tts_say lines[] = {chattts_kit_zip(chattts_kit_good()), END};
	struct chattts_kit w;
	chattts_kit_open(&w, lines,
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
	chattts_kit_close(&w);
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
	const struct tts_say lines[] = {
		chattts_kit_zip(&fewer), chattts_kit_zip(&more), chattts_kit_zip(&other), chattts_kit_zip(&aside), END};
	struct chattts_kit w;
	chattts_kit_open(&w, lines, "");
	static const char *const words[] = {"the server sent 1 sounds for 2 texts", "the server sent 3 sounds for 2 texts",
		"the sounds in the server's zip are not numbered from 0 (0.mp3, 1.mp3, …): 1 of 2 are beyond"};
	for (int i = 0; i < 3; i++) {
		assert_int_equal(tts_kit_speak(&w.kit, two, seed, 0), 0);
		tts_kit_no_sound(&w.kit, 0, words[i]);
		tts_kit_no_sound(&w.kit, 1, words[i]);
	}
	assert_int_equal(tts_kit_speak(&w.kit, two, seed, 0), 0);
	tts_kit_sound(&w.kit, 0, "ID3a");
	tts_kit_sound(&w.kit, 1, "RIFFb");
	assert_int_equal(atomic_load(&w.server.n), 4); /* none of them is asked for again here */
	chattts_kit_close(&w);
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
	const struct tts_say lines[] = {
		chattts_kit_zip(&path), chattts_kit_zip(&bomb), chattts_kit_zip(&many), chattts_kit_zip(&mixed), END};
	static const char *const six[] = {"一", "二", "三", "四", "五", "六", NULL};
	static const char *const words[] = {"path", "1.mp3 unpacks to 268435456 bytes", "has 100 entries"};
	struct chattts_kit w;
	chattts_kit_open(&w, lines, "");
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
	chattts_kit_close(&w);
}

/* --- check --online --- */

static void probes(void **state)
{
	(void)state;
	CLEANUP(buf_release) struct buf one = BUF_INIT;
	CLEANUP(buf_release) struct buf said = BUF_INIT;
	struct zipkit z = ZIPKIT_INIT;
	zipkit_add(&z, "0.mp3", STR("ID3hello"), NULL);
	zipkit_end(&z, NULL, &one);
	const struct tts_say lines[] = {chattts_kit_zip(&one), {"500 Internal", "{\"detail\":\"oom\"}", 0}, END};
	static const struct tts_say status[] = {{"200 OK" JSON, "{\"instances\":{}}", 0}, END};
	struct chattts_kit w;
	chattts_kit_open(&w, lines, "");
	assert_int_equal(provider_chattts.probe(&w.kit.p, w.kit.v[0], &said, NULL, &w.kit.e), 0);
	assert_non_null(strstr(said.data, "spoke 3 characters in "));
	assert_non_null(strstr(said.data, "(8 bytes)"));
	assert_int_equal(provider_chattts.probe(&w.kit.p, w.kit.v[0], &said, NULL, &w.kit.e), ERR_TRANSIENT);
	tts_kit_says(&w.kit, "500: oom");
	chattts_kit_close(&w);
	chattts_kit_open(&w, lines, "");
	w.server.status = status;
	assert_int_equal(provider_chattts.probe(&w.kit.p, w.kit.v[0], &said, NULL, &w.kit.e), ERR_TRANSIENT);
	tts_kit_says(&w.kit, "is still loading its model");
	chattts_kit_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_sent),
		cmocka_unit_test(what_may_be_sent),
		cmocka_unit_test(counts_must_be_right),
		cmocka_unit_test(hostile_zips),
		cmocka_unit_test(probes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

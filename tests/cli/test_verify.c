/* taf verify: a whole release passes; broken in each way, what is wrong is told with file, entry and line.
 * With TAF_PACK_RELEASE=DIR the program only packs an annotated release into DIR, for readers in other languages (tests/cases/release). */
#include "base/alloc.h"
#include "base/fs.h"
#include "cli/verify_parts.h"
#include "io/digest.h"
#include "io/zip.h"
#include "tests/stages/release/releasekit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CALLS 60

static void make(const char *name)
{
	CLEANUP(world_release) struct world w;
	struct err e = ERR_INIT;
	world_init(&w, CALLS);
	world_annotate(&w);
	ok(pack(&w, name, &e), &e);
}

/* All that verify says, a line each. */
static int64_t problems(const char *name, struct buf *ret)
{
	struct verify v = {.arena = ARENA_INIT};
	struct err e = ERR_INIT;
	v.bad = json_array(&v.arena);
	v.notes = json_array(&v.arena);
	buf_clear(ret);
	ok(verify_release(&v, path_of(name), &e), &e);
	JSON_EACH(text, v.bad)
		buf_printf(ret, "%.*s\n", STR_FMT(text->u.s));
	JSON_EACH(text, v.notes)
		buf_printf(ret, "note: %.*s\n", STR_FMT(text->u.s));
	int64_t n = v.nbad;
	if (n == 0)
		assert_int_equal(v.calls, CALLS);
	arena_release(&v.arena);
	return n;
}

/* --- Breaking things --- */

static void write_file(const char *name, const struct buf *text)
{
	struct err e = ERR_INIT;
	ok(fs_write_atomic(path_of(name), text->data, text->len, 0644, &e), &e);
}

/* SHA256SUMS anew, so that only the other checks can notice. */
static void sums(const char *name)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	CLEANUP(buf_release) struct buf file = BUF_INIT;
	CLEANUP(fs_names_free) struct fs_names names = {NULL, 0};
	struct err e = ERR_INIT;
	ok(fs_files(path_of(name), &names, &e), &e);
	for (size_t i = 0; i < names.n; i++) {
		struct digest d;
		int64_t size;
		char hex[DIGEST_HEX + 1];
		if (strcmp(names.v[i], "SHA256SUMS") == 0)
			continue;
		buf_clear(&file);
		buf_printf(&file, "%s/%s", name, names.v[i]);
		ok(digest_file(path_of(file.data), &d, &size, &e), &e);
		digest_hex(&d, hex);
		buf_printf(&text, "%s  %s\n", hex, names.v[i]);
	}
	buf_clear(&file);
	buf_printf(&file, "%s/SHA256SUMS", name);
	write_file(file.data, &text);
}

static void replace(struct buf *text, const char *from, const char *to)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT;
	ptrdiff_t at = str_find(buf_view(text), str_of(from));
	if (at < 0)
		fail_msg("'%s' is not there to be changed", from);
	buf_add(&out, text->data, (size_t)at);
	buf_puts(&out, to);
	buf_puts(&out, text->data + at + strlen(from));
	buf_clear(text);
	buf_str(text, buf_view(&out));
}

/* The entry `entry` of a zip (NULL: the first) changed by `how`; NULL takes it out. */
static void edit_zip(
	const char *zip, const char *entry, void (*how)(struct buf *text, const char *const *args), const char *const *args)
{
	struct err e = ERR_INIT;
	CLEANUP(zip_reader_cleanup) struct zip_reader *z = NULL;
	CLEANUP(zip_writer_cleanup) struct zip_writer *to = NULL;
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	ok(zip_reader_open(path_of(zip), &z, &e), &e);
	ok(zip_writer_open(path_of("edited.zip"), &to, &e), &e);
	for (int64_t i = 0; i < zip_reader_count(z); i++) {
		const char *name = zip_reader_name(z, i);
		bool is = entry ? strcmp(entry, name) == 0 : i == 0;
		buf_clear(&text);
		ok(zip_reader_read(z, i, BUF_DEFAULT_MAX, &text, &e), &e);
		if (is && !how)
			continue;
		if (is)
			how(&text, args);
		ok(zip_writer_bytes(to, name, text.data, text.len, false, &e), &e);
	}
	ok(zip_writer_close(TAKE(to), &e), &e);
	ok(fs_rename(path_of("edited.zip"), path_of(zip), &e), &e);
}

static void by_words(struct buf *text, const char *const *args)
{
	replace(text, args[0], args[1]);
}

static void cut(struct buf *text, const char *const *args)
{
	(void)args;
	buf_truncate(text, text->len - 10);
}

static void noise(struct buf *text, const char *const *args)
{
	(void)args;
	memset(text->data + 24, 'x', 24);
}

/* Line 2 once more: the first item of a list, the second row of others. */
static void twice(struct buf *text, const char *const *args)
{
	(void)args;
	CLEANUP(buf_release) struct buf out = BUF_INIT;
	struct str rest = buf_view(text), line;
	for (int n = 1; str_line(&rest, &line); n++)
		for (int k = 0; k < (n == 2 ? 2 : 1); k++) {
			buf_str(&out, line);
			buf_putc(&out, '\n');
		}
	buf_clear(text);
	buf_str(text, buf_view(&out));
}

/* Of the whole release, which is packed once: packing syncs, copying does not. */
static void fresh_copy(void)
{
	CLEANUP(buf_release) struct buf command = BUF_INIT;
	struct fs_stat st;
	if (fs_stat(path_of("whole"), &st, NULL) < 0 || !st.exists)
		make("whole");
	buf_printf(&command, "rm -rf '%s'; cp -r '%s' '%s'", path_of("broken"), path_of("whole"), path_of("broken"));
	FILE *p = popen(command.data, "r");
	assert_non_null(p);
	assert_int_equal(pclose(p), 0);
}

static void told(const char *what, const char *words)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	if (problems("broken", &text) == 0)
		fail_msg("%s: nothing is said", what);
	if (!strstr(text.data, words))
		fail_msg("%s: does not say '%s', but:\n%s", what, words, text.data);
}

/* --- Tests --- */

static void whole(void **state)
{
	(void)state;
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	make("whole");
	assert_int_equal(problems("whole", &text), 0);
	assert_string_equal(text.data, "");
}

static void texts_in_files(void **state)
{
	(void)state;
	static const struct {
		const char *file, *from, *to, *words;
	} changes[] = {
		{"manifest.jsonl", "\"split\":\"train\"", "\"split\":\"test\"", "is in the split test"},
		{"manifest.jsonl", "\"split\":\"train\"", "\"split\":\"test\"", "bench.zip: scene.json lacks "},
		{"manifest.jsonl", "\"split\":\"train\"", "\"split\":\"probe\"", "not train, dev or test"},
		{"manifest.jsonl", "\"group\":\"fraud-run/000002\"", "\"group\":\"fraud-run/000001\"",
			"manifest.jsonl:2: fraud-run/000002 is for train, but fraud-run/000001 of the same family (line 1, by "
			"fraud-run/000001) for test"},
		{"manifest.jsonl", "\"id\":\"fraud-run/000002\"", "\"id\":\"fraud-run/000002\",\"parents\":[\"fraud-run/000001\"]",
			"manifest.jsonl:2: fraud-run/000002 is for train, but"},
		{"manifest.jsonl", "\"id\":\"fraud-run/000002\"", "\"id\":\"fraud-run/000002\",\"parents\":[\"fraud-run/000011\"]",
			"fraud-run/000011 is for dev, but fraud-run/000002 of the same family (line 2, by fraud-run/000011) for "
			"train"},
		{"manifest.jsonl", "\"duration_ms\":1001", "\"duration_ms\":9001",
			"sounds 1008 ms, but manifest.jsonl:1 has 9001"},
		{"manifest.jsonl", "\"duration_ms\":1001", "\"duration_ms\":1002", "stats.json: duration_ms.total is"},
		{"manifest.jsonl", "\"sample_rate\":24000", "\"sample_rate\":16000", "has 24000 Hz and 2 channels"},
		{"manifest.jsonl", "\"sha256\":", "\"sha265\":", "manifest.jsonl:1: sha256 is missing"},
		{"manifest.jsonl", "\"bytes\":1008", "\"bytes\":1007", "is not the sound that manifest.jsonl:1 names"},
		{"manifest.jsonl", "\"turns\":2", "\"turns\":\"2\"", "manifest.jsonl:1: turns is of kind"},
		{"manifest.jsonl", "\"rounds\":3", "\"rounds\":0", "but manifest.jsonl:1 tells 0 rounds"},
		{"manifest.jsonl", "\"label\":\"fraud\"", "\"label\":\"normal\"",
			"manifest.jsonl:1: a normal call has a fraud type"},
		{"manifest.jsonl", "\"source\":\"asr\"", "\"source\":\"synthetic\"", "stats.json: sources.asr is"},
		{"stats.json", "\"labels\":{\"fraud\":40", "\"labels\":{\"fraud\":41",
			"stats.json: labels.fraud is 41, but the rows give 40"},
		{"stats.json", "\"rejected\":4}", "\"rejected\":5}", "stats.json: left_out.rejected is 5"},
		{"stats.json", "\"members\":\"", "\"members\":\"0", "build.members is not the digest"},
		{"stats.json", "\"sft\":{\"dev\":", "\"sft\":{\"dev\":1", "stats.json: sft.dev is"},
		{"stats.json", "\"银行诈骗\":8}", "\"银行诈骗\":9}",
			"stats.json: bench.fraud_type.银行诈骗 is 9, but the rows give 8"},
		{"stats.json", "\"linked\":0", "\"linked\":3", "stats.json: linked is 3"},
		{"stats.json", "{", "", "stats.json: "},
		{"README.md", "40 fraudulent", "41 fraudulent", "README.md: lacks the line that stats.json gives"},
		{"README.md", "| 银行诈骗 | 40 |", "| 银行诈骗 | 4 |", "README.md: lacks the line"},
		{"README.zh-CN.md", "诈骗 40 通", "诈骗 41 通", "README.zh-CN.md: lacks the line"},
		{"croissant.json", "\"sha256\": \"", "\"sha256\": \"0", "croissant.json: the sha256 of audio.zip is not that"},
		{"croissant.json", "\"contentUrl\": \"bench.zip\"", "\"contentUrl\": \"bank.zip\"",
			"croissant.json: does not describe bench.zip"},
		{"preview/index.html", " src=\"", " src=\"no", "preview/index.html: plays preview/no"},
	};
	for (size_t i = 0; i < COUNT_OF(changes); i++) {
		CLEANUP(buf_release) struct buf text = BUF_INIT;
		char name[128];
		fresh_copy();
		snprintf(name, sizeof(name), "broken/%s", changes[i].file);
		read_file(name, &text);
		replace(&text, changes[i].from, changes[i].to);
		write_file(name, &text);
		told(changes[i].from, "is not what SHA256SUMS says");
		sums("broken");
		told(changes[i].from, changes[i].words);
	}
}

#define SFT "broken/sft.zip"
#define BENCH "broken/bench.zip"
#define BINARY "broken/binary_classification.zip"

static void texts_in_zips(void **state)
{
	(void)state;
	static const struct {
		const char *zip, *entry, *from, *to, *words;
	} changes[] = {
		{BINARY, "binary_classification.jsonl", "\"label\":\"fraud\"", "\"label\":\"normal\"",
			"binary_classification.zip: binary_classification.jsonl:1: its label is not the manifest's (fraud)"},
		{BINARY, "binary_classification.jsonl",
			"\"text\":", "\"words\":", "binary_classification.jsonl:1: text is missing"},
		{BINARY, "binary_classification.jsonl",
			"\"text\":", "\"more\":1,\"text\":", "has a member more, which is not known"},
		{BINARY, "binary_classification.jsonl", "\\nright", "right",
			"binary_classification.jsonl:1: its text has 1 turns, but manifest.jsonl:1 has 2"},
		{BINARY, "binary_classification.jsonl", "left：", "left：喂喂", "stats.json: characters.total is"},
		{SFT, "test.jsonl", "再想", "再想想", "test.jsonl:1: its fraud reply is not the one that stands elsewhere"},
		{SFT, "train.jsonl", "请判断这段", "请判断那段", "its scene question is not the one that stands elsewhere"},
		{BENCH, "scene.json", "\"reasoning\":\"想一想", "\"reasoning\":\"想两想",
			"its scene reply is not the one that stands elsewhere"},
		{BINARY, "binary_classification.jsonl", "audio/", "audio/x", "binary_classification.jsonl:1: its audio audio/x"},
		{SFT, "train.jsonl", "\\\"fraud_type\\\":\\\"银行诈骗", "\\\"fraud_type\\\":\\\"彩票诈骗",
			"sft.zip: train.jsonl:1: its fraud_type answer is 彩票诈骗, but the manifest has 银行诈骗"},
		{SFT, "train.jsonl", "\\\"is_fraud\\\":true", "\\\"is_fraud\\\":false",
			"train.jsonl:1: its fraud answer is normal"},
		{SFT, "train.jsonl", "\\\"is_fraud\\\":true", "\\\"is_fraud\\\":1",
			"train.jsonl:1: its fraud answer has no is_fraud"},
		{SFT, "train.jsonl", "\\\"confidence\\\":0.95", "\\\"confidence\\\":95", "the confidence of its scene answer"},
		{SFT, "train.jsonl", "</think><answer>", "<answer>", "its scene reply is not <think>…</think><answer>…</answer>"},
		{SFT, "train.jsonl", "\"audios\":[\"audio/", "\"audios\":[\"audio/x",
			"its audios are not one sound of the manifest"},
		{SFT, "train.jsonl", "<audio>", "", "<audio> must stand once"},
		{SFT, "train.jsonl", "\"role\":\"assistant\"", "\"role\":\"helper\"", "message 2 is of helper, not of assistant"},
		{SFT, "train.jsonl", "{\"content\":", "{\"contents\":", "train.jsonl:1: content is missing"},
		{SFT, "test.jsonl", "{", "", "sft.zip: test.jsonl:1: "},
		{BENCH, "scene.json", "请判断这段", "请按 fraud_type 判断这段",
			"bench.zip: scene.json:2: by the words of its prompt it would be taken for a question of fraud_type"},
		{BENCH, "fraud.json", "is_fraud", "fraud",
			"fraud.json:2: by the words of its prompt it would be taken for a question of scene"},
		{BENCH, "scene.json", "\"answer\":\"咨询客服\"", "\"answer\":\"打车服务\"",
			"scene.json:2: its answer is 打车服务"},
		{BENCH, "fraud.json", "\"answer\":\"fraud\"", "\"answer\":\"normal\"", "stats.json: bench.fraud.fraud is"},
		{BENCH, "scene.json", "\"response\":\"{\\\"scene\\\":\\\"咨询客服",
			"\"response\":\"{\\\"scene\\\":\\\"订餐服务", "scene.json:2: its scene answer is 订餐服务"},
		{BENCH, "fraud_type.json", "\"reasoning\":\"三想\"", "\"reasoning\":\"\"",
			"fraud_type.json:2: its reasoning is empty"},
		{BENCH, "fraud.json", "<audio>audio/", "<audio>audio/x", "fraud.json:2: its first question names no sound"},
		{BENCH, "fraud.json", "\"role\":\"system\"", "\"role\":\"user\"", "fraud.json:2: message 0 is of user"},
		{BENCH, "scene.json", "[\n", "[", "scene.json:1: is not a JSON list with an item a line"},
		{BENCH, "scene.json", "\n]\n", "\n", "the list does not end as it should"},
		{BENCH, "scene.json", "},\n", "}\n", "scene.json:3: no comma before this item"},
	};
	for (size_t i = 0; i < COUNT_OF(changes); i++) {
		const char *const args[] = {changes[i].from, changes[i].to};
		fresh_copy();
		edit_zip(changes[i].zip, changes[i].entry, by_words, args);
		sums("broken");
		told(changes[i].from, changes[i].words);
	}
}

static void entries(void **state)
{
	(void)state;
	static const struct {
		const char *zip, *entry;
		void (*how)(struct buf *text, const char *const *args);
		const char *words;
	} changes[] = {
		{"broken/audio.zip", NULL, cut, "is cut short within a frame"},
		{"broken/audio.zip", NULL, cut, "is not the sound that manifest.jsonl:1 names"},
		{"broken/audio.zip", NULL, noise, "has bytes between its frames that are no MP3"},
		{"broken/audio.zip", NULL, NULL, "audio.zip lacks audio/"},
		{BINARY, "binary_classification.jsonl", twice, "binary_classification.jsonl:3: audio/"},
		{BINARY, "binary_classification.jsonl", NULL, "binary_classification.zip lacks "},
		{SFT, "train.jsonl", twice, "stands twice in sft.zip"},
		{SFT, "dev.jsonl", NULL, "sft.zip lacks "},
		{BENCH, "fraud.json", twice, "bench.zip: fraud.json:3: its prompt stands twice in bench.zip"},
		{BENCH, "fraud_type.json", NULL, "bench.zip: fraud_type.json lacks "},
	};
	for (size_t i = 0; i < COUNT_OF(changes); i++) {
		fresh_copy();
		edit_zip(changes[i].zip, changes[i].entry, changes[i].how, NULL);
		sums("broken");
		told(changes[i].words, changes[i].words);
	}
}

static void files(void **state)
{
	(void)state;
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	static const struct {
		const char *file, *words;
	} gone[] = {{"sft.zip", "sft.zip lacks "}, {"bench.zip", "bench.zip: scene.json lacks "},
		{"README.md", "README.md"}, {"preview/index.html", "preview/index.html"}, {"croissant.json", "croissant.json"},
		{"manifest.jsonl", "manifest.jsonl"}};
	struct err e = ERR_INIT;
	for (size_t i = 0; i < COUNT_OF(gone); i++) {
		char name[128];
		fresh_copy();
		snprintf(name, sizeof(name), "broken/%s", gone[i].file);
		ok(fs_remove(path_of(name), &e), &e);
		told(gone[i].file, gone[i].file);
		sums("broken");
		told(gone[i].file, gone[i].words);
	}
	/* Files beside, also in folders. */
	fresh_copy();
	buf_puts(&text, "sound");
	write_file("broken/preview/000000000000.mp3", &text);
	told("surplus", "preview/000000000000.mp3 is not in SHA256SUMS");
	sums("broken");
	told("surplus", "preview/000000000000.mp3 is not in the manifest");
	fresh_copy();
	read_file("broken/SHA256SUMS", &text);
	buf_printf(&text, "%064d  ../objects/x\n", 0);
	write_file("broken/SHA256SUMS", &text);
	told("outside", "../objects/x is not a file of this folder");
	/* A sound of the preview that is not the call's. */
	fresh_copy();
	struct fs_names names = {NULL, 0};
	ok(fs_list(path_of("broken/preview"), &names, &e), &e);
	char name[128];
	snprintf(name, sizeof(name), "broken/preview/%s", names.v[0]);
	fs_names_free(&names);
	write_file(name, &text);
	sums("broken");
	told("preview", "is not the sound that manifest.jsonl:");
}

/* Text may be added to a card, and a release of another version has other cards. */
static void cards(void **state)
{
	(void)state;
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	fresh_copy();
	read_file("broken/README.md", &text);
	buf_puts(&text, "\n## Thanks\n\nTo 3 people.\n");
	write_file("broken/README.md", &text);
	sums("broken");
	assert_int_equal(problems("broken", &text), 0);
	read_file("broken/stats.json", &text);
	replace(&text, "\"release_version\":6", "\"release_version\":99");
	write_file("broken/stats.json", &text);
	sums("broken");
	assert_int_equal(problems("broken", &text), 0);
	assert_non_null(strstr(text.data, "note: the cards were written by release version 99"));
}

static void mp3_headers(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT;
	struct verify_sound s;
	size_t n;
	const char *bytes = sound(&a, 1, &n);
	assert_null(verify_mp3(str_n(bytes, n), &s));
	assert_int_equal(s.frames, 42);
	assert_int_equal(s.samples, 42 * 576);
	assert_int_equal(s.sample_rate, 24000);
	assert_int_equal(s.channels, 2);
	/* MPEG-1, 44.1 kHz, 128 kbit/s, one channel, padded: 418 bytes; after an ID3 tag of 20 bytes. */
	char one[20 + 418 + 128] = "ID3\4\0\0\0\0\0\12";
	memcpy(one + 20, "\xff\xfb\x92\xc0", 4);
	memcpy(one + 20 + 418, "TAG", 3);
	assert_null(verify_mp3(str_n(one, sizeof(one)), &s));
	assert_int_equal(s.frames, 1);
	assert_int_equal(s.samples, 1152);
	assert_int_equal(s.sample_rate, 44100);
	assert_int_equal(s.channels, 1);
	assert_string_equal(verify_mp3(STR(""), &s), "is no MP3 file");
	assert_string_equal(verify_mp3(STR("RIFF"), &s), "is no MP3 file");
	assert_string_equal(verify_mp3(str_n(bytes, 10), &s), "is cut short within a frame");
	/* No prefix and no change of one byte leads astray (the sanitizers look on). */
	char *copy = arena_dup(&a, bytes, n);
	for (size_t i = 0; i < n; i++) {
		verify_mp3(str_n(bytes, i), &s);
		copy[i] ^= (char)0xa5;
		verify_mp3(str_n(copy, n), &s);
		copy[i] ^= (char)0xa5;
	}
	arena_release(&a);
}

static int pack_into(const char *to)
{
	if (set_up(NULL) != 0)
		return 1;
	make("packed");
	struct err e = ERR_INIT;
	int rc = fs_rename(path_of("packed"), to, &e);
	if (rc < 0)
		printf("%s\n", e.text);
	tear_down(NULL);
	return rc < 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole),
		cmocka_unit_test(texts_in_files),
		cmocka_unit_test(texts_in_zips),
		cmocka_unit_test(entries),
		cmocka_unit_test(files),
		cmocka_unit_test(cards),
		cmocka_unit_test(mp3_headers),
	};
	const char *to = getenv("TAF_PACK_RELEASE");
	if (to)
		return pack_into(to);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}

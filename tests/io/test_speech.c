/* io/speech: the embedded voice. */
#include "base/alloc.h"
#include "base/utf8.h"
#include "io/speech.h"

#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const char text[] = "您好，这里是客户服务中心，请问您最近有没有收到我们的通知？";

static uint64_t hash(const struct sound *s)
{
	uint64_t h = 14695981039346656037u;
	const unsigned char *p = (const unsigned char *)s->samples;
	for (size_t i = 0; i < (size_t)s->frames * sizeof(float); i++)
		h = (h ^ p[i]) * 1099511628211u;
	return h;
}

static uint64_t say(const char *variant, int rate, const char *words, struct sound *ret)
{
	struct speech_voice v = {.variant = variant, .rate_wpm = rate, .pitch = 50, .range = 50};
	struct sound s = SOUND_INIT;
	struct err e = ERR_INIT;
	assert_int_equal(speech_say(&v, str_of(words), &s, &e), 0);
	assert_int_equal(s.channels, 1);
	assert_int_equal(s.rate, 22050);
	uint64_t h = hash(&s);
	if (ret)
		*ret = s;
	else
		sound_release(&s);
	return h;
}

/* The engine's state leaks from one utterance into the next; ours must not. */
static void what_was_said_before_does_not_matter(void **state)
{
	(void)state;
	uint64_t first = say("f2", 240, text, NULL), whisper = say("whisper", 180, text, NULL);
	say("m3", 150, "好的，谢谢。", NULL);
	say("Andy", 300, "再见", NULL);
	assert_true(first == say("f2", 240, text, NULL));
	assert_true(whisper == say("whisper", 180, text, NULL)); /* noise comes from a seeded generator */
	assert_true(first != say("m3", 240, text, NULL));
	assert_true(first != say("f2", 260, text, NULL));
}

static void another_process_says_the_same(void **state)
{
	(void)state;
	uint64_t here = say("f4", 230, text, NULL), there = 0;
	int fds[2];
	assert_int_equal(pipe(fds), 0);
	pid_t pid = fork();
	if (pid == 0) {
		say("m1", 200, "先说别的。", NULL);
		there = say("f4", 230, text, NULL);
		_exit(write(fds[1], &there, sizeof there) == sizeof there ? 0 : 1);
	}
	assert_int_equal(read(fds[0], &there, sizeof there), sizeof there);
	waitpid(pid, NULL, 0);
	close(fds[0]);
	close(fds[1]);
	assert_true(here == there);
}

/* Pids of the children of `pid`, at most `max`. */
static int children(pid_t pid, pid_t *ret, int max)
{
	char path[80];
	snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pid, (int)pid);
	FILE *f = fopen(path, "r");
	int n = 0;
	while (f && n < max && fscanf(f, "%d", &ret[n]) == 1)
		n++;
	if (f)
		fclose(f);
	return n;
}

/* By the system when memory is short, or by somebody's pkill: the text is not at fault. */
static void a_killed_engine_costs_nothing(void **state)
{
	(void)state;
	uint64_t first = say("f2", 240, text, NULL);
	pid_t keeper;
	assert_int_equal(children(getpid(), &keeper, 1), 1);
	kill(keeper, SIGKILL);
	assert_true(first == say("f2", 240, text, NULL));
	assert_int_equal(waitpid(keeper, NULL, WNOHANG), keeper);
	assert_int_equal(children(getpid(), &keeper, 1), 1);
	/* The child that speaks: one process waits until it is there, and kills it once. */
	pid_t killer = fork();
	if (killer == 0) {
		pid_t child;
		while (children(keeper, &child, 1) == 0)
			;
		_exit(kill(child, SIGKILL) == 0 ? 0 : 1);
	}
	int status;
	assert_true(first == say("f2", 240, text, NULL));
	assert_int_equal(waitpid(killer, &status, 0), killer);
	assert_int_equal(status, 0);
}

static void pace_follows_the_rate(void **state)
{
	(void)state;
	/* 24 syllables in one breath */
	static const char words[] = "您好这里是银行客服中心请问您最近有没有收到短信通知";
	static const struct {
		int rate;
		double low, high;
	} cases[] = {{210, 4.0, 4.8}, {240, 4.7, 5.5}, {260, 5.2, 6.0}};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		CLEANUP(sound_release) struct sound s = SOUND_INIT;
		say("f2", cases[i].rate, words, &s);
		int64_t first = 0, last = s.frames - 1;
		while (fabsf(s.samples[first]) < 0.01f)
			first++;
		while (fabsf(s.samples[last]) < 0.01f)
			last--;
		double pace = 24.0 * s.rate / (double)(last - first);
		assert_true(pace > cases[i].low && pace < cases[i].high);
	}
}

static void says_why_it_cannot(void **state)
{
	(void)state;
	struct sound s = SOUND_INIT;
	struct err e = ERR_INIT;
	struct speech_voice v = {.variant = "no such voice", .rate_wpm = 200, .pitch = 50, .range = 50};
	assert_int_equal(speech_say(&v, STR("好"), &s, &e), ERR_CONFIG);
	assert_non_null(strstr(e.text, "no such voice"));
	err_clear(&e);
	v.variant = "f2";
	assert_int_equal(speech_say(&v, STR("，。"), &s, &e), ERR_DATA);
	err_clear(&e);
	assert_int_equal(speech_say(&v, STR(""), &s, &e), ERR_DATA);
	err_clear(&e);
	v.rate_wpm = 20;
	assert_int_equal(speech_say(&v, STR("好"), &s, &e), ERR_DATA);
	assert_null(s.samples);
}

static void marks_switches_to_english(void **state)
{
	(void)state;
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	struct err e = ERR_INIT;
	assert_int_equal(speech_phonemes(STR("用这个 okay 好"), &b, &e), 0);
	assert_non_null(strstr(b.data, "(en)")); /* so its absence below means something */
	buf_clear(&b);
	assert_int_equal(speech_phonemes(STR("银行"), &b, &e), 0);
	assert_null(strstr(b.data, "(en)"));
	assert_non_null(strstr(b.data, "35n"));
}

/* All Chinese characters of Unicode's first two blocks: Debian's voices cmn and zh read most of them as English letters. */
static void reads_every_character_as_chinese(void **state)
{
	(void)state;
	static const uint32_t ranges[][2] = {{0x4e00, 0x9fff}, {0x3400, 0x4dbf}, {0x3007, 0x3007}};
	CLEANUP(buf_release) struct buf words = BUF_INIT;
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	struct err e = ERR_INIT;
	for (size_t r = 0; r < COUNT_OF(ranges); r++)
		for (uint32_t cp = ranges[r][0]; cp <= ranges[r][1]; cp++) {
			char raw[4];
			buf_add(&words, raw, utf8_put(cp, raw));
			if (cp % 16 == 15)
				buf_puts(&words, "。\n");
		}
	assert_int_equal(speech_phonemes(buf_view(&words), &b, &e), 0);
	assert_true(b.len > 27000 * 4);
	assert_null(strchr(b.data, '('));
}

static void names_its_version(void **state)
{
	(void)state;
	assert_non_null(strstr(speech_version(), "libespeak-ng 1."));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_said_before_does_not_matter),
		cmocka_unit_test(another_process_says_the_same),
		cmocka_unit_test(a_killed_engine_costs_nothing),
		cmocka_unit_test(pace_follows_the_rate),
		cmocka_unit_test(says_why_it_cannot),
		cmocka_unit_test(marks_switches_to_english),
		cmocka_unit_test(reads_every_character_as_chinese),
		cmocka_unit_test(names_its_version),
	};
	struct err e = ERR_INIT;
	if (speech_init(&e) != 0) {
		fprintf(stderr, "%s\n", e.text);
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}

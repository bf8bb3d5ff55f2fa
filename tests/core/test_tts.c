/* The ladder of core/tts.h against a server that is scripted: what is asked in which order, what is kept, and how it ends. */
#include "base/alloc.h"
#include "core/tts.h"
#include "core/work.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ASKED_MAX 200

struct kept {
	char line[64]; /* voice/text/emotion/rung */
	const struct json *answer;
};
struct kit {
	struct arena arena;
	struct provider_ops ops;
	struct provider provider;
	struct stage stage;
	struct work_io io;
	struct work work;
	struct provider_speaking how;
	/* the script: whether this text has a good sound when asked so */
	int (*well)(const char *text, int voice, int rung, size_t n);
	char asked[ASKED_MAX][160]; /* "voice rung: texts" */
	int nasked;
	struct kept kept[ASKED_MAX];
	int nkept, used, invalid;
	int voices; /* that there are; 0: many */
	int fails;  /* the code of all requests of more than one text; 0: none */
};

static void speaking(const struct provider *p, struct provider_speaking *ret)
{
	*ret = ((struct kit *)p->params)->how;
}

/* Casts are told apart by what is drawn. */
static int voice(const struct provider *p, const struct provider_person *who, const struct json *other, struct draw *d,
	struct arena *a, const struct json **ret, struct err *e)
{
	const struct kit *k = p->params;
	(void)who;
	(void)other;
	(void)e;
	struct json *v = json_object(a);
	json_set_int(a, v, "seed", draw_below(d, k->voices ? (uint64_t)k->voices : 1000000));
	*ret = v;
	return 0;
}

static int voice_of(const struct json *v)
{
	return (int)json_get_int(v, "seed", -1);
}

static void line_name(const struct work_sound *s, char *ret, size_t n)
{
	snprintf(ret, n, "%d/%.*s/%.*s/%d", voice_of(json_get(s->request, "voice")),
		STR_FMT(json_get_str(s->request, "text")), STR_FMT(json_get_str(s->request, "emotion")), s->rung);
}

static int sound_find(void *arg, struct work *w, const struct work_sound *s, struct json **ret, struct err *e)
{
	struct kit *k = arg;
	char name[64];
	(void)e;
	line_name(s, name, sizeof(name));
	for (int i = 0; i < k->nkept; i++)
		if (strcmp(k->kept[i].line, name) == 0) {
			*ret = json_copy(w->arena, k->kept[i].answer);
			return 1;
		}
	return 0;
}

static int sound_keep(void *arg, struct work *w, const struct work_sound *s, const struct json *answer, struct err *e)
{
	struct kit *k = arg;
	(void)w;
	(void)e;
	assert_true(k->nkept < ASKED_MAX);
	line_name(s, k->kept[k->nkept].line, sizeof(k->kept[0].line));
	k->kept[k->nkept++].answer = json_copy(&k->arena, answer);
	return 0;
}

static int sound_use(void *arg, struct work *w, const struct work_sound *s, const struct json *answer, struct err *e)
{
	struct kit *k = arg;
	struct json *found;
	assert_int_equal(sound_find(arg, w, s, &found, e), 1);
	assert_non_null(answer);
	k->used++;
	return 0;
}

static int speak(void *arg, struct work *w, const struct provider_speak *q, struct provider_sound *ret, struct err *e)
{
	struct kit *k = arg;
	(void)w;
	assert_true(k->nasked < ASKED_MAX && q->n >= 1 && q->n <= (size_t)k->how.batch);
	char *to = k->asked[k->nasked++];
	int at = snprintf(to, sizeof(k->asked[0]), "%d:", q->rung);
	for (size_t i = 0; i < q->n; i++)
		at += snprintf(to + at, sizeof(k->asked[0]) - (size_t)at, " %.*s", STR_FMT(q->texts[i]));
	if (k->fails && q->n > 1)
		return err_set(e, k->fails, "the batch failed");
	for (size_t i = 0; i < q->n; i++) {
		const char *text = arena_str(q->arena, q->texts[i]).p;
		int well = k->well ? k->well(text, voice_of(q->voice), q->rung, q->n) : 1;
		if (well < 0)
			return err_set(e, well, "the request failed");
		ret[i] = (struct provider_sound){.bytes = well ? str_of(text) : STR(""), .why = well ? NULL : "empty"};
	}
	return 0;
}

static int object_put(void *arg, struct str bytes, struct digest *ret, struct err *e)
{
	(void)arg;
	(void)e;
	digest_of(bytes.p, bytes.n, ret);
	return 0;
}

static void ask_invalid(void *arg, struct work *w)
{
	(void)w;
	((struct kit *)arg)->invalid++;
}

static bool is_of(const char *object, const char *text)
{
	struct digest d, of;
	digest_of(text, strlen(text), &of);
	return digest_parse(str_of(object), &d) && digest_equal(&d, &of);
}

/* What "bad…" is said in is too short; "broken…" is no sound; "killer" takes the worker with it, and "machine" is nothing of the sound. */
static int measure(
	void *arg, struct work *w, const char *const *objects, size_t n, const struct json **ret, struct err *e)
{
	(void)arg;
	for (size_t i = 0; i < n; i++) {
		struct json *m = json_object(w->arena);
		if (is_of(objects[i], "killer") || is_of(objects[i], "another"))
			return err_set(e, ERR_WORKER, "the worker died");
		if (is_of(objects[i], "machine"))
			return err_set(e, ERR_TRANSIENT, "the worker was killed");
		json_set_text(w->arena, m, "object", objects[i]);
		json_set_int(w->arena, m, "ms", is_of(objects[i], "bad") ? 5 : 500);
		if (is_of(objects[i], "broken"))
			json_set_text(w->arena, m, "why", "no sound");
		ret[i] = m;
	}
	return 0;
}

static const char *check(void *arg, struct work *w, const struct tts_line *l, const struct json *measured)
{
	(void)w;
	(void)l;
	return json_get_int(measured, "ms", 0) < *(int *)arg ? "too short" : NULL;
}

static int least = 10;

static void open_kit(struct kit *k, int batch, int rungs, int casts)
{
	memset(k, 0, sizeof(*k));
	k->how = (struct provider_speaking){batch, rungs, casts};
	k->ops =
		(struct provider_ops){.kind = "test", .help = "", .serves = PROVIDER_TTS, .speaking = speaking, .voice = voice};
	k->provider = (struct provider){.name = "tts", .ops = &k->ops, .params = k};
	static const struct stage_ops stage_ops = {.name = "speak", .flags = STAGE_DRAWS};
	k->stage = (struct stage){.ops = &stage_ops, .name = "say", .provider = &k->provider, .seed = 7};
	k->io = (struct work_io){.object_put = object_put,
		.ask_invalid = ask_invalid,
		.sound_find = sound_find,
		.speak = speak,
		.sound_keep = sound_keep,
		.sound_use = sound_use,
		.arg = k};
	k->work = (struct work){.stage = &k->stage, .id = STR("calls/1"), .arena = &k->arena, .io = &k->io};
	least = 10;
}

static int say(struct kit *k, const char *const *texts, struct err *e)
{
	static struct tts_line lines[16];
	struct tts_side side = {.name = "left", .lines = lines, .measure = measure, .check = check, .arg = &least};
	k->nasked = k->used = k->invalid = 0;
	for (; texts[side.n]; side.n++)
		lines[side.n] =
			(struct tts_line){.step = arena_printf(&k->arena, "left %zu", side.n), .text = str_of(texts[side.n])};
	err_clear(e);
	int rc = work_tts(&k->work, &side, e);
	for (size_t i = 0; rc == 0 && i < side.n; i++)
		assert_non_null(side.lines[i].answer);
	assert_true(rc < 0 || side.voice);
	return rc;
}

static const char *const five[] = {"a", "b", "c", "d", "e", NULL};
#define ASKED(k, i, text) assert_string_equal((k)->asked[i], text)

static void in_batches_once(void **state)
{
	(void)state;
	struct kit k;
	struct err e = ERR_INIT;
	open_kit(&k, 3, 2, 2);
	assert_int_equal(say(&k, five, &e), 0);
	assert_int_equal(k.nasked, 2);
	ASKED(&k, 0, "0: a b c");
	ASKED(&k, 1, "0: d e");
	assert_int_equal(k.used, 5);
	/* All stored: nothing is asked; one line changed: that alone. Equal lines are one. */
	assert_int_equal(say(&k, five, &e), 0);
	assert_int_equal(k.nasked, 0);
	assert_int_equal(say(&k, (const char *const[]){"a", "x", "c", "x", "d", "a", NULL}, &e), 0);
	assert_int_equal(k.nasked, 1);
	ASKED(&k, 0, "0: x");
	assert_int_equal(k.used, 4);
	arena_release(&k.arena);
}

static int b_alone(const char *text, int v, int rung, size_t n)
{
	(void)v;
	(void)rung;
	return *text != 'b' || n == 1;
}

static int b_warmer(const char *text, int v, int rung, size_t n)
{
	(void)v;
	(void)n;
	return *text != 'b' || rung == 2;
}

static int first_voice;
static int b_other_voice(const char *text, int v, int rung, size_t n)
{
	(void)rung;
	(void)n;
	first_voice = first_voice >= 0 ? first_voice : v;
	return *text != 'b' || v != first_voice;
}

static void the_ladder(void **state)
{
	(void)state;
	struct kit k;
	struct err e = ERR_INIT;
	open_kit(&k, 3, 3, 2);
	k.well = b_alone;
	assert_int_equal(say(&k, five, &e), 0);
	assert_int_equal(k.nasked, 3);
	ASKED(&k, 1, "0: b");
	arena_release(&k.arena);

	open_kit(&k, 3, 3, 2);
	k.well = b_warmer;
	assert_int_equal(say(&k, five, &e), 0);
	ASKED(&k, 1, "0: b");
	ASKED(&k, 2, "1: b");
	ASKED(&k, 3, "2: b");
	ASKED(&k, 4, "0: d e");
	assert_int_equal(say(&k, five, &e), 0); /* also from its rung */
	assert_int_equal(k.nasked, 0);
	arena_release(&k.arena);

	/* A line that is lost ends the cast at once; the other voice speaks the whole side, and later runs begin with it. */
	open_kit(&k, 3, 2, 2);
	first_voice = -1;
	k.well = b_other_voice;
	assert_int_equal(say(&k, five, &e), 0);
	assert_int_equal(k.nasked, 5);
	ASKED(&k, 2, "1: b");
	ASKED(&k, 3, "0: a b c");
	ASKED(&k, 4, "0: d e");
	assert_int_equal(say(&k, (const char *const[]){"a", "b", "y", NULL}, &e), 0);
	assert_int_equal(k.nasked, 1);
	ASKED(&k, 0, "0: y");
	arena_release(&k.arena);
}

/* Of two voices the second cast has the other one, whoever the call is. */
static void casts_differ(void **state)
{
	(void)state;
	for (int i = 0; i < 20; i++) {
		struct kit k;
		struct err e = ERR_INIT;
		open_kit(&k, 3, 1, 2);
		k.voices = 2;
		k.work.id = str_of(arena_printf(&k.arena, "calls/%d", i));
		first_voice = -1;
		k.well = b_other_voice;
		assert_int_equal(say(&k, five, &e), 0);
		arena_release(&k.arena);
	}
}

static void a_batch_that_fails_is_halved(void **state)
{
	(void)state;
	struct kit k;
	struct err e = ERR_INIT;
	static const int codes[] = {ERR_DATA, ERR_TRANSIENT};
	for (size_t i = 0; i < COUNT_OF(codes); i++) {
		open_kit(&k, 8, 1, 1);
		k.fails = codes[i];
		assert_int_equal(say(&k, five, &e), 0);
		ASKED(&k, 0, "0: a b c d e");
		ASKED(&k, 1, "0: a b c");
		ASKED(&k, 2, "0: a b");
		ASKED(&k, 3, "0: a");
		ASKED(&k, 4, "0: b");
		ASKED(&k, 5, "0: c");
		ASKED(&k, 6, "0: d e");
		assert_int_equal(k.nasked, 9);
		arena_release(&k.arena);
	}
	open_kit(&k, 8, 1, 1);
	k.fails = ERR_ACCOUNT; /* not a matter of how it is asked */
	assert_int_equal(say(&k, five, &e), ERR_ACCOUNT);
	assert_int_equal(k.nasked, 1);
	arena_release(&k.arena);
}

static int all_transient(const char *text, int v, int rung, size_t n)
{
	(void)text;
	(void)v;
	(void)rung;
	(void)n;
	return ERR_TRANSIENT;
}

static void at_the_end(void **state)
{
	(void)state;
	struct kit k;
	struct err e = ERR_INIT;
	open_kit(&k, 1, 2, 3);
	assert_int_equal(say(&k, (const char *const[]){"a", "bad", "c", NULL}, &e), ERR_INVALID);
	assert_string_equal(e.text, "left 1 \"bad\": no sound would do, in 3 voices; the last: too short");
	assert_int_equal(k.nasked, 3 * (1 + 2));
	assert_int_equal(k.invalid, 3 * 2);
	assert_int_equal(say(&k, (const char *const[]){"broken", NULL}, &e), ERR_INVALID);
	assert_string_equal(e.text, "left 0 \"broken\": no sound would do, in 3 voices; the last: no sound");
	/* A rule that changes is applied to what is stored. */
	least = 1;
	assert_int_equal(say(&k, (const char *const[]){"a", "bad", NULL}, &e), 0);
	least = 400;
	assert_int_equal(say(&k, (const char *const[]){"a", "bad", NULL}, &e), ERR_INVALID);
	k.well = all_transient;
	assert_int_equal(say(&k, (const char *const[]){"z", NULL}, &e), ERR_TRANSIENT);
	arena_release(&k.arena);
}

/* A sound that kills who measures it is asked for again like any that will not do; those that came with it are kept. */
static void a_sound_that_kills(void **state)
{
	(void)state;
	struct kit k;
	struct err e = ERR_INIT;
	open_kit(&k, 4, 2, 1);
	assert_int_equal(say(&k, (const char *const[]){"a", "killer", "c", NULL}, &e), ERR_INVALID);
	assert_string_equal(e.text, "left 1 \"killer\": no sound would do, in 1 voice; the last: the worker died");
	assert_int_equal(k.nasked, 3);
	ASKED(&k, 1, "0: killer");
	ASKED(&k, 2, "1: killer");
	assert_int_equal(k.nkept, 2);
	assert_int_equal(say(&k, (const char *const[]){"a", "c", NULL}, &e), 0);
	assert_int_equal(k.nasked, 0);
	/* All of several: that is the worker's. What is not of the sound is told as it is. */
	assert_int_equal(say(&k, (const char *const[]){"killer", "another", NULL}, &e), ERR_WORKER);
	assert_int_equal(k.nasked, 1);
	assert_int_equal(say(&k, (const char *const[]){"machine", "x", NULL}, &e), ERR_TRANSIENT);
	assert_int_equal(k.nasked, 1);
	arena_release(&k.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_batches_once),
		cmocka_unit_test(the_ladder),
		cmocka_unit_test(casts_differ),
		cmocka_unit_test(a_batch_that_fails_is_halved),
		cmocka_unit_test(at_the_end),
		cmocka_unit_test(a_sound_that_kills),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

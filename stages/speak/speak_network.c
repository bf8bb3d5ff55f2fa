/* speak with a server: the sides of a call one after the other, each in one voice; runs on a thread that waits. What comes is measured by a worker
 * (speak_measure.c). */
#include "stages/speak/speak.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "core/call.h"
#include "core/tts.h"
#include "core/work.h"

#include <math.h>

#define FEW_SYLLABLES 4 /* of fewer, the pace says nothing */
#define SHORT_MS 120    /* a single syllable, spoken fast */
#define LONG_MS 6000    /* a few syllables, with all hesitation */

/* --- Whether a sound will do --- */

/* Spoken forms are Han characters and pauses: one syllable each. */
static int64_t syllables_of(struct str spoken)
{
	int64_t n = 0;
	uint32_t cp;
	while (utf8_next(&spoken, &cp))
		n += utf8_is_han(cp);
	return n;
}

static const char *wrong_length(struct work *w, const struct speak_params *p, int64_t syllables, int64_t ms)
{
	if (syllables < FEW_SYLLABLES)
		return ms >= SHORT_MS && ms <= LONG_MS
				   ? NULL
				   : arena_printf(w->arena, "%lld ms of speech for %lld syllables; between %d and %d ms are believed",
						 (long long)ms, (long long)syllables, SHORT_MS, LONG_MS);
	double pace = ms > 0 ? (double)syllables * 1000 / (double)ms : HUGE_VAL;
	if (pace > p->pace_max)
		return arena_printf(w->arena, "%lld syllables in %lld ms, %.1f a second: too short, pace_max is %g",
			(long long)syllables, (long long)ms, pace, p->pace_max);
	if (pace < p->pace_min)
		return arena_printf(w->arena, "%lld syllables in %lld ms, %.1f a second: too long, pace_min is %g",
			(long long)syllables, (long long)ms, pace, p->pace_min);
	return NULL;
}

static const char *check(void *arg, struct work *w, const struct tts_line *l, const struct json *m)
{
	const struct speak_params *p = arg;
	int64_t rate = json_get_int(m, "sample_rate", 0);
	if (json_get_bool(m, "cut_off", false))
		return "it is cut off: it ends in full voice";
	if (rate < p->min_sample_rate)
		return arena_printf(w->arena, "its sample rate is %lld Hz; min_sample_rate is %lld", (long long)rate,
			(long long)p->min_sample_rate);
	return wrong_length(w, p, syllables_of(l->text), json_get_int(m, "speech_ms", 0));
}

static int measure(
	void *arg, struct work *w, const char *const *objects, size_t n, const struct json **ret, struct err *e)
{
	struct json *request = json_object(w->arena), *list = json_array(w->arena), *reply = NULL;
	(void)arg;
	for (size_t i = 0; i < n; i++)
		json_append(list, json_text(w->arena, objects[i]));
	json_set(w->arena, request, "measure", list);
	int rc = w->io->errand(w->io->arg, w, request, &reply, e);
	if (rc < 0)
		return err_context(e, "measuring what the server sent");
	const struct json *measured = json_get(reply, "measured");
	if (json_count(measured) != n)
		return err_set(e, ERR_BUG, "the worker measured %zu of %zu sounds", json_count(measured), n);
	for (size_t i = 0; i < n; i++)
		ret[i] = json_at(measured, i);
	return 0;
}

/* --- The sides --- */

static const char *gender_name(enum voice_gender g)
{
	return g == VOICE_FEMALE ? "female" : g == VOICE_MALE ? "male" : NULL;
}

static const char *age_name(enum voice_age a)
{
	static const char *const names[] = {[VOICE_YOUNG] = "young", [VOICE_MIDDLE] = "middle", [VOICE_ELDERLY] = "elderly"};
	return a == VOICE_ANY_AGE ? NULL : names[a];
}

/* Lines of one side, and which turns they are; the spoken text is empty for turns of which nothing is spoken. */
static int lines_of(struct work *w, const char *role, struct tts_side *ret, int64_t *turns, struct err *e)
{
	const struct speak_params *p = w->stage->params;
	const struct json *all = json_get(w->call, "turns");
	CLEANUP(buf_release) struct buf spoken = BUF_INIT;
	int64_t at = -1;
	ret->lines = arena_array(w->arena, json_count(all) + 1, sizeof(*ret->lines));
	JSON_EACH(turn, all) {
		at++;
		if (!str_is(turn_role(turn), role))
			continue;
		buf_clear(&spoken);
		int rc = speak_spoken(w->stage, &spoken, turn_text(turn), e);
		if (rc < 0)
			return err_context(e, "turn %lld", (long long)at);
		if (!spoken.len)
			continue;
		turns[ret->n] = at;
		ret->lines[ret->n++] = (struct tts_line){.step = arena_printf(w->arena, "%s %lld", role, (long long)at),
			.text = arena_str(w->arena, buf_view(&spoken)),
			.emotion = p->delivery ? json_get_str(turn, "emotion") : STR("")};
	}
	return 0;
}

struct spoken_turn {
	const struct tts_line *line; /* NULL: nothing is spoken */
	const struct json *voice;
};

static int speak_side(struct work *w, const char *role, const struct json *other, struct spoken_turn *ret,
	const struct json **ret_voice, struct err *e)
{
	int64_t *turns = arena_array(w->arena, json_count(json_get(w->call, "turns")) + 1, sizeof(*turns));
	struct tts_side *side = ARENA_NEW(w->arena, struct tts_side);
	struct voice_persona who = speak_persona(w, role);
	*side = (struct tts_side){.name = role,
		.who = {gender_name(who.gender), age_name(who.age)},
		.other = other,
		.measure = measure,
		.check = check,
		.arg = w->stage->params};
	int rc = lines_of(w, role, side, turns, e);
	if (rc < 0 || side->n == 0)
		return rc;
	rc = work_tts(w, side, e);
	for (size_t i = 0; rc == 0 && i < side->n; i++)
		ret[turns[i]] = (struct spoken_turn){&side->lines[i], side->voice};
	*ret_voice = side->voice;
	return rc;
}

int speak_by_server(struct work *w, struct err *e)
{
	size_t n = json_count(json_get(w->call, "turns"));
	struct spoken_turn *spoken = arena_array(w->arena, n + 1, sizeof(*spoken));
	const struct json *right = NULL, *left = NULL;
	struct json *speech = json_array(w->arena);
	int rc = speak_side(w, "right", NULL, spoken, &right, e);
	if (rc == 0)
		rc = speak_side(w, "left", right, spoken, &left, e);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < n; i++) {
		if (!spoken[i].line)
			continue;
		const struct json *answer = spoken[i].line->answer;
		struct json *row = json_object(w->arena);
		json_set_int(w->arena, row, "turn", (int64_t)i);
		json_set_str(w->arena, row, "object", json_get_str(answer, "object"));
		json_set_int(w->arena, row, "duration_ms", json_get_int(answer, "duration_ms", 0));
		json_set_int(w->arena, row, "sample_rate", json_get_int(answer, "sample_rate", 0));
		json_set(w->arena, row, "voice", json_copy(w->arena, spoken[i].voice));
		json_append(speech, row);
	}
	if (json_count(speech) == 0)
		return err_set(e, ERR_DATA, "no turn of the call has anything to speak");
	w->fields = json_object(w->arena);
	json_set(w->arena, w->fields, "speech", speech);
	return 0;
}

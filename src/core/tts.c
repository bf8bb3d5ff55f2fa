#include "core/tts.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "core/work.h"

/* --- What is asked and stored --- */

static struct json *request_of(struct work *w, const struct json *voice, const struct tts_line *l)
{
	struct json *r = json_object(w->arena);
	json_set_str(w->arena, r, "text", l->text);
	json_set(w->arena, r, "voice", json_copy(w->arena, voice));
	if (l->emotion.n)
		json_set_str(w->arena, r, "emotion", l->emotion);
	return r;
}

struct casting {
	struct work *w;
	struct tts_side *side;
	const struct json *voice, **voices; /* of this cast; of all */
	struct provider_speaking how;
	bool lost; /* a line is at the end of its rungs */
};

static struct work_sound sound_of(const struct casting *c, const struct tts_line *l, int rung)
{
	return (struct work_sound){
		.request = request_of(c->w, c->voice, l), .side = c->side->name, .step = l->step, .rung = rung};
}

/* The stored sounds of this voice, each from the lowest rung that has one. */
static int find_stored(struct casting *c, bool *ret_any, struct err *e)
{
	const struct work_io *io = c->w->io;
	*ret_any = false;
	for (size_t i = 0; i < c->side->n; i++) {
		struct tts_line *l = &c->side->lines[i];
		l->answer = NULL;
		for (int rung = 0; rung < c->how.rungs && !l->answer; rung++) {
			struct work_sound s = sound_of(c, l, rung);
			struct json *answer = NULL;
			int rc = io->sound_find(io->arg, c->w, &s, &answer, e);
			if (rc < 0)
				return rc;
			l->answer = rc > 0 && !c->side->check(c->side->arg, c->w, l, answer) ? answer : NULL;
			l->rung = rung;
		}
		*ret_any |= l->answer != NULL;
	}
	return 0;
}

/* --- One request --- */

static bool of_the_sound(int rc)
{
	return rc == ERR_WORKER || rc == ERR_HUNG;
}

/* A sound that kills or hangs the worker that measures it is no sound, and says nothing of those that came with it, which are paid for: each is measured
 * alone. A worker that dies of all of them is broken itself. */
static int measure_sounds(
	const struct casting *c, const char *const *objects, size_t n, const struct json **ret, struct err *e)
{
	const struct tts_side *s = c->side;
	struct err own = ERR_INIT;
	size_t killers = 0;
	int rc = s->measure(s->arg, c->w, objects, n, ret, &own);
	if (rc < 0 && !of_the_sound(rc))
		return err_set(e, rc, "%s", own.text);
	for (size_t i = 0; rc < 0 && i < n; i++) {
		struct err alone = n > 1 ? (struct err)ERR_INIT : own;
		int one = n > 1 ? s->measure(s->arg, c->w, objects + i, 1, ret + i, &alone) : rc;
		if (one < 0 && !of_the_sound(one))
			return err_set(e, one, "%s", alone.text);
		if (one < 0) {
			struct json *broken = json_object(c->w->arena);
			json_set_text(c->w->arena, broken, "why", alone.text);
			ret[i] = broken;
			killers++;
		}
	}
	return n > 1 && killers == n ? err_set(e, rc, "%s", own.text) : 0;
}

static void turn_down(const struct casting *c, struct tts_line *l, int rung, const char *why)
{
	const struct work_io *io = c->w->io;
	struct work_sound s = sound_of(c, l, rung);
	l->why = why;
	if (io->sound_bad)
		io->sound_bad(io->arg, c->w, &s, why);
}

/* Objects of the sounds that came, judged and kept. */
static int take_sounds(struct casting *c, struct tts_line *const *lines, size_t n, const struct provider_sound *sounds,
	int rung, struct err *e)
{
	struct work *w = c->w;
	struct tts_line **came = arena_array(w->arena, n, sizeof(struct tts_line *));
	const char **objects = arena_array(w->arena, n, sizeof(char *));
	size_t ncame = 0;
	for (size_t i = 0; i < n; i++) {
		struct digest d;
		if (!sounds[i].bytes.n) {
			turn_down(
				c, lines[i], rung, sounds[i].why ? arena_strdup(w->arena, sounds[i].why) : "the server sent no sound");
			continue;
		}
		int rc = w->io->object_put(w->io->arg, sounds[i].bytes, &d, e);
		if (rc < 0)
			return rc;
		char *hex = arena_alloc(w->arena, DIGEST_HEX + 1);
		digest_hex(&d, hex);
		objects[ncame] = hex;
		came[ncame++] = lines[i];
	}
	const struct json **measured = arena_array(w->arena, ncame + 1, sizeof(struct json *));
	int rc = ncame ? measure_sounds(c, objects, ncame, measured, e) : 0;
	for (size_t i = 0; rc == 0 && i < ncame; i++) {
		struct work_sound s = sound_of(c, came[i], rung);
		struct str broken = json_get_str(measured[i], "why");
		came[i]->rung = rung;
		const char *why =
			broken.n ? arena_str(w->arena, broken).p : c->side->check(c->side->arg, w, came[i], measured[i]);
		came[i]->why = NULL;
		if (!why) {
			came[i]->answer = measured[i];
			rc = w->io->sound_keep(w->io->arg, w, &s, came[i]->answer, e);
			continue;
		}
		turn_down(c, came[i], rung, why);
		if (w->io->ask_invalid)
			w->io->ask_invalid(w->io->arg, w);
	}
	return rc;
}

/* Whether another way of asking may help: fewer lines, another temperature, another voice. */
static bool of_the_request(int rc)
{
	return rc == ERR_DATA || rc == ERR_INVALID;
}

static int ask_once(struct casting *c, struct tts_line *const *lines, size_t n, int rung, struct err *e)
{
	CLEANUP(arena_release) struct arena scratch = ARENA_INIT;
	struct str *texts = arena_array(&scratch, n, sizeof(*texts)), *emotions = arena_array(&scratch, n, sizeof(*texts));
	struct provider_sound *sounds = arena_array(&scratch, n, sizeof(*sounds));
	for (size_t i = 0; i < n; i++) {
		texts[i] = lines[i]->text;
		emotions[i] = lines[i]->emotion;
	}
	struct provider_speak q = {
		.arena = &scratch, .voice = c->voice, .texts = texts, .emotions = emotions, .n = n, .rung = rung};
	struct err own = ERR_INIT;
	int rc = c->w->io->speak(c->w->io->arg, c->w, &q, sounds, &own);
	if (rc == 0)
		return take_sounds(c, lines, n, sounds, rung, e);
	const char *why = arena_strdup(c->w->arena, own.text);
	for (size_t i = 0; i < n; i++)
		turn_down(c, lines[i], rung, why);
	return of_the_request(rc) || (rc == ERR_TRANSIENT && n > 1) ? 0 : err_set(e, rc, "%s", own.text);
}

/* --- The ladder --- */

static int ask_lines(struct casting *c, struct tts_line *const *lines, size_t n, struct err *e);

static int ask_alone(struct casting *c, struct tts_line *line, struct err *e)
{
	int rc = 0;
	for (int rung = 0; rc == 0 && !line->answer && rung < c->how.rungs; rung++)
		rc = ask_once(c, &line, 1, rung, e);
	c->lost |= rc == 0 && !line->answer;
	return rc;
}

static int ask_parts(struct casting *c, struct tts_line *const *lines, size_t n, size_t part, struct err *e)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < n && !c->lost; i += part)
		rc = ask_lines(c, lines + i, n - i < part ? n - i : part, e);
	return rc;
}

static int ask_lines(struct casting *c, struct tts_line *const *lines, size_t n, struct err *e)
{
	if (n == 1)
		return ask_alone(c, lines[0], e);
	int rc = ask_once(c, lines, n, 0, e);
	struct tts_line **bad = arena_array(c->w->arena, n, sizeof(struct tts_line *));
	size_t nbad = 0;
	for (size_t i = 0; i < n; i++)
		if (!lines[i]->answer)
			bad[nbad++] = lines[i];
	if (rc < 0 || nbad == 0)
		return rc;
	return ask_parts(c, bad, nbad, nbad == n && n > 2 ? (n + 1) / 2 : 1, e);
}

/* Equal lines of a side have one sound. */
static struct tts_line *same_before(const struct tts_side *s, size_t i)
{
	const struct tts_line *l = &s->lines[i];
	for (size_t k = 0; k < i; k++)
		if (str_eq(s->lines[k].text, l->text) && str_eq(s->lines[k].emotion, l->emotion))
			return &s->lines[k];
	return NULL;
}

static int ask_missing(struct casting *c, struct err *e)
{
	struct tts_side *s = c->side;
	struct tts_line **missing = arena_array(c->w->arena, s->n, sizeof(struct tts_line *));
	size_t n = 0;
	for (size_t i = 0; i < s->n; i++)
		if (!s->lines[i].answer && !same_before(s, i))
			missing[n++] = &s->lines[i];
	int rc = ask_parts(c, missing, n, (size_t)c->how.batch, e);
	for (size_t i = 0; rc == 0 && i < s->n; i++) {
		const struct tts_line *same = same_before(s, i);
		if (!s->lines[i].answer && same) {
			s->lines[i].answer = same->answer;
			s->lines[i].rung = same->rung;
		}
	}
	return rc;
}

/* What the result is made of. */
static int use_sounds(const struct casting *c, struct err *e)
{
	const struct work_io *io = c->w->io;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < c->side->n; i++) {
		const struct tts_line *l = &c->side->lines[i];
		struct work_sound s = sound_of(c, l, l->rung);
		rc = same_before(c->side, i) ? 0 : io->sound_use(io->arg, c->w, &s, l->answer, e);
	}
	return rc;
}

#define VOICE_TRIES 16

static bool cast_before(const struct casting *c, int n, const struct json *voice)
{
	for (int i = 0; i < n; i++)
		if (json_equal(c->voices[i], voice))
			return true;
	return false;
}

/* The voices of all casts; each is another, as far as there are so many. */
static int cast_voices(struct casting *c, struct err *e)
{
	struct work *w = c->w;
	const struct provider *p = w->stage->provider;
	c->voices = arena_array(w->arena, (size_t)c->how.casts, sizeof(struct json *));
	for (int cast = 0; cast < c->how.casts; cast++) {
		struct draw d;
		work_draw(w, arena_printf(w->arena, cast ? "voice %s %d" : "voice %s", c->side->name, cast), &d);
		for (int i = 0; i < VOICE_TRIES; i++) {
			int rc = p->ops->voice(p, &c->side->who, c->side->other, &d, w->arena, &c->voices[cast], e);
			if (rc < 0)
				return rc;
			if (!cast_before(c, cast, c->voices[cast]))
				break;
		}
	}
	return 0;
}

/* The cast that an earlier run came to: lines of it are stored. */
static int first_cast(struct casting *c, int *ret, struct err *e)
{
	bool any = false;
	for (int cast = c->how.casts - 1; cast >= 0 && !any; cast--) {
		c->voice = c->voices[cast];
		int rc = find_stored(c, &any, e);
		if (rc < 0)
			return rc;
		*ret = cast;
	}
	return 0;
}

#define SHOWN_BYTES 60 /* of a text: 20 Chinese characters */

static int give_up(const struct casting *c, struct err *e)
{
	for (size_t i = 0; i < c->side->n; i++) {
		const struct tts_line *l = &c->side->lines[i];
		if (!l->answer && l->why) {
			struct str text = utf8_clip(l->text, SHOWN_BYTES);
			return err_set(e, ERR_INVALID, "%s \"%.*s%s\": no sound would do, in %d voice%s; the last: %s", l->step,
				STR_FMT(text), text.n < l->text.n ? "…" : "", c->how.casts, c->how.casts == 1 ? "" : "s", l->why);
		}
	}
	return err_set(e, ERR_INVALID, "%s: no sound would do", c->side->name);
}

int work_tts(struct work *w, struct tts_side *side, struct err *e)
{
	const struct provider *p = w->stage->provider;
	struct casting c = {.w = w, .side = side, .how = {.batch = 1, .rungs = 1, .casts = 1}};
	ASSERT(p && p->ops->voice && w->io->speak);
	if (p->ops->speaking)
		p->ops->speaking(p, &c.how);
	int cast = 0;
	int rc = cast_voices(&c, e);
	if (rc == 0)
		rc = first_cast(&c, &cast, e);
	for (; rc == 0 && cast < c.how.casts; cast++) {
		bool any;
		c.lost = false;
		c.voice = c.voices[cast];
		rc = find_stored(&c, &any, e);
		if (rc == 0)
			rc = ask_missing(&c, e);
		if (rc == 0 && !c.lost) {
			side->voice = c.voice;
			return use_sounds(&c, e);
		}
	}
	return rc < 0 ? rc : give_up(&c, e);
}

#include "tests/stages/qa/callkit.h"

#include "base/alloc.h"
#include "io/loudness.h"
#include "stages/qa/qa.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/** A stretch of voice: a sawtooth that swells and fades five times a second, one syllable of text each. */
struct part {
	int side;
	double hz;
	int64_t from_ms, to_ms;
};
/* Left 0.5-2.5 s with a pause of 300 ms in it, right 3.0-5.0 s, left 5.4-7.4 s, right 7.2-9.0 s: 200 ms both. */
static const struct part usual[] = {
	{0, 120, 500, 1300}, {0, 120, 1600, 2500}, {1, 210, 3000, 5000}, {0, 130, 5400, 7400}, {1, 200, 7200, 9000}};
static const int64_t usual_segments[][3] = {{0, 500, 2500}, {1, 3000, 5000}, {0, 5400, 7400}, {1, 7200, 9000}};

void made_release(struct made *m)
{
	sound_release(&m->sound);
}

static void add_part(struct sound *s, const struct part *p)
{
	for (int64_t i = p->from_ms * s->rate / 1000; i < p->to_ms * s->rate / 1000; i++) {
		double t = (double)(i - p->from_ms * s->rate / 1000) / s->rate, v = 0, swell = 0.6 + 0.4 * sin(31.4159 * t);
		for (int h = 1; h <= 8; h++)
			v += sin(6.283185307 * p->hz * h * t) / h;
		s->samples[i * s->channels + p->side] += (float)(0.1 * v * swell);
	}
}

static void add_turn(struct sound_work *w, struct made *m, const int64_t segment[3])
{
	struct json *turn = json_object(&w->arena), *row = json_object(&w->arena);
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	for (int64_t i = 0; i < (segment[2] - segment[1]) / 200; i++)
		buf_puts(&text, "好");
	json_set_text(&w->arena, turn, "role", segment[0] ? "right" : "left");
	json_set_str(&w->arena, turn, "text", buf_view(&text));
	json_set_int(&w->arena, row, "turn", (int64_t)json_count(m->turns));
	json_set_text(&w->arena, row, "role", segment[0] ? "right" : "left");
	json_set_int(&w->arena, row, "start_ms", segment[1]);
	json_set_int(&w->arena, row, "end_ms", segment[2]);
	json_append(m->turns, turn);
	json_append(m->segments, row);
}

void made_scale(struct sound *s, double factor)
{
	for (int64_t i = 0; i < s->frames * s->channels; i++)
		s->samples[i] *= (float)factor;
}

void make_usual(struct sound_work *w, struct made *m)
{
	struct loudness l;
	struct err e = ERR_INIT;
	*m = (struct made){
		.sound = {.channels = 2, .rate = RATE}, .turns = json_array(&w->arena), .segments = json_array(&w->arena)};
	sound_resize(&m->sound, RATE * 19 / 2);
	for (size_t i = 0; i < COUNT_OF(usual); i++)
		add_part(&m->sound, &usual[i]);
	for (size_t i = 0; i < COUNT_OF(usual_segments); i++)
		add_turn(w, m, usual_segments[i]);
	assert_int_equal(loudness_measure(&m->sound, false, &l, &e), 0);
	made_scale(&m->sound, pow(10, (-23 - l.integrated_lufs) / 20));
}

struct json *call_of(struct sound_work *w, const struct made *m, struct str file, int64_t duration_ms)
{
	struct json *call = json_object(&w->arena), *audio = json_object(&w->arena);
	json_set_text(&w->arena, audio, "object", sound_work_put(w, file));
	json_set_int(&w->arena, audio, "duration_ms", duration_ms);
	json_set(&w->arena, audio, "segments", json_copy(&w->arena, m->segments));
	json_set(&w->arena, call, "audio", audio);
	json_set(&w->arena, call, "turns", json_copy(&w->arena, m->turns));
	return call;
}

const char *judge(struct sound_work *w, const struct json *call)
{
	struct err e = ERR_INIT;
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	sound_work_call(w, "a/1", call);
	int code = qa_sound.process(&w->work, &e);
	if (code)
		print_message("%s\n", e.text);
	assert_int_equal(code, 0);
	JSON_EACH(f, json_path(w->work.fields, "qa.@.findings")) {
		buf_printf(&b, "%s%.*s/", b.len ? "; " : "", STR_FMT(json_get_str(f, "rule")));
		if (json_get(f, "turn"))
			buf_printf(&b, "%lld", (long long)json_get_int(f, "turn", -1));
		buf_str(&b, json_get_str(f, "side"));
		buf_putc(&b, ' ');
		json_write(&b, json_get(f, "value"));
		assert_non_null(json_get(f, "limit"));
	}
	return arena_str(&w->arena, buf_view(&b)).p;
}

const char *judge_made(struct sound_work *w, const struct made *m)
{
	CLEANUP(buf_release) struct buf flac = BUF_INIT;
	struct err e = ERR_INIT;
	assert_int_equal(av_encode_flac(&m->sound, &flac, &e), 0);
	return judge(w, call_of(w, m, buf_view(&flac), m->sound.frames * 1000 / RATE));
}

int64_t acoustic(const struct sound_work *w, const char *path)
{
	const struct json *v = json_path(json_get(w->work.fields, "acoustics"), path);
	assert_true(json_is(v, JSON_INT));
	return v->u.i;
}

void made_silence(struct made *m, int side, int64_t from_ms, int64_t to_ms)
{
	for (int64_t i = from_ms * RATE / 1000; i < to_ms * RATE / 1000; i++)
		m->sound.samples[i * 2 + side] = 0;
}

/* What speak has to know of a sound that a server sent, before it is accepted: in the worker. */
#include "base/alloc.h"
#include "io/av.h"
#include "stages/speak/speak.h"

#include <math.h>

#define OBJECT_MAX ((size_t)64 << 20)
#define SECONDS_MAX 600 /* a turn that normalize takes (TURN_SECONDS_MAX) */
#define WINDOW_MS 10
#define SPEECH_DB -40.0 /* below the loudest window: pauses and room */
#define SILENT_DB -50.0 /* full scale: nobody speaks */
#define TAIL_DB -10.0   /* below the loudest window; a last window over it: speech ends in a decay, or in a pause */

/** Mean square of each window. */
struct windows {
	double *v;
	size_t n;
	double most;
};

static void windows_of(struct arena *a, const struct sound *s, struct windows *ret)
{
	int64_t each = (int64_t)s->rate * WINDOW_MS / 1000;
	each = each > 0 ? each : 1;
	ret->n = (size_t)(s->frames / each);
	ret->v = arena_array(a, ret->n + 1, sizeof(double));
	ret->most = 0;
	for (size_t i = 0; i < ret->n; i++) {
		const float *p = s->samples + (int64_t)i * each;
		double sum = 0;
		for (int64_t k = 0; k < each; k++)
			sum += (double)p[k] * p[k];
		ret->v[i] = sum / (double)each;
		ret->most = fmax(ret->most, ret->v[i]);
	}
}

static double power(double db)
{
	return pow(10, db / 10);
}

static const char *why_not(const struct windows *w)
{
	return w->n == 0 ? "it is shorter than 10 ms" : w->most < power(SILENT_DB) ? "it is silent" : NULL;
}

static struct json *measured(struct work *w, const struct sound *s, const char *hex)
{
	struct windows x;
	struct json *m = json_object(w->arena);
	windows_of(w->arena, s, &x);
	const char *why = why_not(&x);
	if (why) {
		json_set_text(w->arena, m, "why", why);
		return m;
	}
	size_t first = 0, last = x.n;
	while (x.v[first] < x.most * power(SPEECH_DB))
		first++;
	while (last > first && x.v[last - 1] < x.most * power(SPEECH_DB))
		last--;
	json_set_text(w->arena, m, "object", hex);
	json_set_int(w->arena, m, "duration_ms", (s->frames * 1000 + s->rate / 2) / s->rate);
	json_set_int(w->arena, m, "sample_rate", s->rate);
	json_set_int(w->arena, m, "speech_ms", (int64_t)(last - first) * WINDOW_MS); /* first to last, with the pauses between */
	json_set(w->arena, m, "cut_off", json_bool(w->arena, x.v[x.n - 1] > x.most * power(TAIL_DB)));
	return m;
}

static int measure_one(struct work *w, struct str hex, struct json **ret, struct err *e)
{
	CLEANUP(buf_release) struct buf bytes = BUF_INIT_MAX(OBJECT_MAX);
	CLEANUP(sound_release) struct sound s = SOUND_INIT;
	struct err own = ERR_INIT;
	int rc = work_object_read(w, hex, OBJECT_MAX, &bytes, e);
	if (rc < 0)
		return rc;
	/* As normalize hears it: two channels that cancel each other are silence there, too. */
	if (av_decode_mono(buf_view(&bytes), SECONDS_MAX, &s, &own) == 0) {
		*ret = measured(w, &s, arena_str(w->arena, hex).p);
		return 0;
	}
	*ret = json_object(w->arena);
	json_set_text(w->arena, *ret, "why", own.text);
	return 0;
}

int speak_measure(struct work *w, const struct json *request, struct err *e)
{
	struct json *list = json_array(w->arena);
	JSON_EACH(object, json_get(request, "measure")) {
		struct json *m = NULL;
		int rc = measure_one(w, json_is(object, JSON_STRING) ? object->u.s : STR(""), &m, e);
		if (rc < 0)
			return rc;
		json_append(list, m);
	}
	w->fields = json_object(w->arena);
	json_set(w->arena, w->fields, "measured", list);
	return 0;
}

/* The three rounds of a call: the label's own cues and points, the scene of a call that has none, how sure an answer is. The sentences are data
 * (templates.yaml). */
#include "stages/annotate/writing.h"

#include "base/alloc.h"
#include "base/map.h"

#include <string.h>

#define KEY_WEIGHT 4       /* a cue of a fraud type that tells it from others */
#define PAUSES_SPEECH 5000 /* ms of speech below which pauses a minute say nothing */

static uint64_t seed_of(uint64_t seed, const char *purpose)
{
	return hash_bytes(purpose, strlen(purpose), seed);
}

/* --- The label's own cues --- */

/* 甲 乙 丙: the strongest cues of the label that can be cited, each in words of its own, in the order of turns. */
static void choose_cited(struct writing *w)
{
	const struct label_kind *k = w->kind;
	bool *tried = arena_array(w->a, k ? k->n + 1 : 1, sizeof(*tried));
	w->ncited = 0;
	for (size_t round = 0; k && round < k->n && w->ncited < CITED_MAX; round++) {
		size_t best = k->n;
		for (size_t i = 0; i < k->n; i++) {
			const struct cue *c = &w->t->cues[k->first + i], *b = &w->t->cues[k->first + best];
			if (!tried[i] &&
				(best == k->n || c->weight > b->weight ||
					(c->weight == b->weight && w->ev.cues[k->first + i].turns > w->ev.cues[k->first + best].turns)))
				best = i;
		}
		tried[best] = true;
		const struct hit *h = pick_hit(w, &w->ev.cues[k->first + best]);
		if (!h)
			continue;
		size_t at = w->ncited++;
		for (; at > 0 && (w->cited[at - 1]->turn > h->turn ||
							 (w->cited[at - 1]->turn == h->turn && w->cited[at - 1]->from > h->from));
			 at--) {
			w->cited[at] = w->cited[at - 1];
			w->cited_cue[at] = w->cited_cue[at - 1];
		}
		w->cited[at] = h;
		w->cited_cue[at] = k->first + best;
	}
}

/* --- Points --- */

static int64_t kind_points(const struct writing *w, enum cue_kind kind)
{
	int64_t points = 0;
	for (size_t i = 0; i < w->t->ncommon; i++)
		if (w->t->cues[i].kind == kind && w->ev.cues[i].n)
			points += w->t->cues[i].weight;
	return points;
}

/* Own points and those of the strongest other label. */
static void label_round(struct writing *w, const struct label_set *set, struct str label, bool flat)
{
	w->kind = label_find(set, label);
	w->points = w->kind ? label_points(w->t, &w->ev, w->kind, flat) : 0;
	w->contrary = 0;
	w->rival = STR("");
	for (size_t i = 0; i < set->n; i++) {
		int64_t points = label_points(w->t, &w->ev, &set->v[i], flat);
		if (&set->v[i] != w->kind && points > w->contrary) {
			w->contrary = points;
			w->rival = set->v[i].label;
		}
	}
}

static bool versus_holds(const struct writing *w, const struct label_set *set, const struct versus *v)
{
	const struct label_kind *other = label_find(set, v->label);
	for (size_t i = 0; i < v->unless.n; i++)
		if (w->ev.cues[cue_find(w->t, v->unless.v[i])].n)
			return false;
	if (v->unless.n)
		return true;
	for (size_t i = other->first; i < other->first + other->n; i++)
		if (w->ev.cues[i].n && (set == &w->t->scenes || w->t->cues[i].weight >= KEY_WEIGHT))
			return false;
	return true;
}

static void choose_versus(struct writing *w, const struct label_set *set)
{
	uint64_t low = 0, seed = seed_of(w->seed, "versus");
	w->versus = STR("");
	for (size_t i = 0; w->kind && i < w->kind->nversus; i++) {
		const struct versus *v = &w->kind->versus[i];
		uint64_t rank = hash_bytes(v->label.p, v->label.n, seed);
		if (!versus_holds(w, set, v) || (w->versus.n && rank >= low))
			continue;
		low = rank;
		w->versus_label = v->label;
		w->versus = v->say.v[think_draw(v->say.v, v->say.n, seed)];
	}
}

static int64_t confidence(const struct writing *w)
{
	const struct confidence *c = &w->t->confidence[w->round];
	if (!w->points)
		return c->none;
	int64_t percent = c->base + c->per_point * w->points - c->per_contrary * w->contrary;
	return percent < c->floor ? c->floor : percent > c->ceiling ? c->ceiling : percent;
}

/* --- Rounds --- */

static struct str write_text(struct writing *w, const struct think_plan *p, uint64_t seed, size_t min)
{
	struct think_call c = writing_call(w, seed);
	writing_begin(w);
	return think_write(w->a, p, &c, min, ANNOTATE_MAX_CHARS);
}

static struct json *write_round(struct writing *w, const char *key, struct json *answer)
{
	struct json *round = json_object(w->a), *out = json_object(w->a);
	json_set_str(w->a, round, "thinking", write_text(w, &w->t->thinking[w->round], w->seed, ANNOTATE_MIN_CHARS));
	json_set_str(w->a, out, "reason", write_text(w, &w->t->reason[w->round], seed_of(w->seed, "reason"), 0));
	json_set(w->a, out, key, answer);
	json_set_int(w->a, out, "confidence_percent", confidence(w));
	json_set(w->a, round, "answer", out);
	return round;
}

static struct json *scene_round(struct writing *w)
{
	w->round = ROUND_SCENE;
	w->seed = seed_of(w->f->seed, "scene");
	label_round(w, &w->t->scenes, w->scene, false);
	choose_cited(w);
	choose_versus(w, &w->t->scenes);
	return write_round(w, "scene", json_str(w->a, w->scene));
}

static struct json *fraud_round(struct writing *w)
{
	w->round = ROUND_FRAUD;
	w->seed = seed_of(w->f->seed, "fraud");
	w->kind = NULL;
	w->rival = w->versus = STR("");
	w->ncited = 0;
	w->points = kind_points(w, w->fraud ? CUE_SIGN : CUE_SOUND);
	w->contrary = kind_points(w, w->fraud ? CUE_SOUND : CUE_SIGN);
	return write_round(w, "is_fraud", json_bool(w->a, w->fraud));
}

static struct json *type_round(struct writing *w)
{
	w->round = ROUND_TYPE;
	w->seed = seed_of(w->f->seed, "fraud_type");
	label_round(w, &w->t->types, w->type, true);
	choose_cited(w);
	choose_versus(w, &w->t->types);
	return write_round(w, "fraud_type", json_str(w->a, w->type));
}

/* --- A call --- */

static struct str guess_scene(const struct writing *w)
{
	const struct label_set *set = &w->t->scenes;
	const struct label_kind *best = &set->v[w->t->default_scene];
	int64_t most = 0;
	for (size_t i = 0; i < set->n; i++) {
		int64_t points = label_points(w->t, &w->ev, &set->v[i], false);
		if (points > most && points >= w->t->enough) {
			most = points;
			best = &set->v[i];
		}
	}
	return best->label;
}

/* <左> <右> and the like: the same in all rounds of the call. */
static void make_values(struct writing *w)
{
	struct str *values = arena_array(w->a, w->t->values.n + 1, sizeof(*values));
	for (size_t i = 0; i < w->t->values.n; i++) {
		CLEANUP(buf_release) struct buf b = BUF_INIT;
		const struct think_step *s = &w->t->values.steps[i];
		struct think_call c = writing_call(w, hash_bytes(s->name.p, s->name.n, w->f->seed));
		think_step(w->a, s, &c, &b);
		values[i] = arena_str(w->a, buf_view(&b));
	}
	w->values = values;
}

static struct voice read_voice(const struct call_facts *f)
{
	struct voice v = {.has_rate = false};
	const struct json *left = f->hears == HEARS_FEATURES ? json_path(f->call, "acoustics.left") : NULL;
	v.rate = json_get_int(left, "speech_rate_msyl_per_s", 0);
	v.pauses = json_get_int(left, "pauses", -1);
	v.speech = json_get_int(left, "speech_ms", 0);
	v.low = json_get_int(left, "pitch_low_hz", 0);
	v.high = json_get_int(left, "pitch_high_hz", 0);
	v.has_rate = v.rate > 0;
	v.has_pauses = v.pauses >= 0 && v.speech >= PAUSES_SPEECH;
	v.has_pitch = v.low > 0 && v.high >= v.low;
	return v;
}

int rounds_write(struct arena *a, const struct call_facts *f, const char *writer, struct json **ret, struct err *e)
{
	static const char *const hears_names[] = {"text", "features", "audio"};
	struct writing w = {.a = a, .f = f, .t = f->t};
	const struct json *label = json_get(f->call, "label"), *turns = json_get(f->call, "turns");
	struct json *out = json_object(a), *notes = json_object(a);
	if (json_count(turns) == 0)
		return err_set(e, ERR_DATA, "empty call: it has no turns to annotate");
	evidence_find(a, f->t, turns, &w.ev);
	w.fraud = json_get_bool(label, "is_fraud", false);
	w.voice = read_voice(f);
	make_values(&w);
	w.scene = json_get_str(label, "scene");
	if (!w.scene.n) {
		struct json *chosen = json_object(a);
		w.scene = guess_scene(&w);
		json_set_str(a, chosen, "scene", w.scene);
		json_set_text(a, chosen, "scene_origin", "model");
		json_set(a, out, "label", chosen);
	}
	w.type = json_get_str(label, "fraud_type");
	json_set_text(a, notes, "writer", writer);
	json_set_text(a, notes, "hears", hears_names[f->hears]);
	json_set(a, notes, "scene", scene_round(&w));
	json_set(a, notes, "fraud", fraud_round(&w));
	if (w.fraud && w.type.n)
		json_set(a, notes, "fraud_type", type_round(&w));
	json_set(a, out, "annotations", notes);
	*ret = out;
	return 0;
}

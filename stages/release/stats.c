#include "base/alloc.h"
#include "base/utf8.h"
#include "stages/release/release.h"

/* Raised when a member of stats.json changes its meaning or goes. */
#define STATS_FORMAT 2

void release_stats_free(struct release_stats *s)
{
	struct map *maps[] = {&s->labels, &s->sources, &s->writers, &s->fraud_types, &s->scenes, &s->scene_origins,
		&s->splits, &s->sample_rates, &s->channels, &s->annotators, &s->hears, &s->surrogates, &s->sft, &s->label_ms,
		&s->split_ms, &s->bench[RELEASE_SCENE], &s->bench[RELEASE_FRAUD], &s->bench[RELEASE_TYPE]};
	for (size_t i = 0; i < COUNT_OF(maps); i++)
		map_release(maps[i]);
}

static void add(struct map *m, struct str key, int64_t n)
{
	if (key.n)
		map_put(m, key, NULL)->value.i += n;
}

static void count(struct map *m, struct str key)
{
	add(m, key, 1);
}

static void count_number(struct map *m, const struct json *v)
{
	if (!json_is(v, JSON_INT))
		return;
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	buf_printf(&b, "%lld", (long long)v->u.i);
	count(m, buf_view(&b));
}

static void measure(struct release_range *r, int64_t v)
{
	if (r->n == 0 || v < r->min)
		r->min = v;
	if (r->n == 0 || v > r->max)
		r->max = v;
	r->total += v;
	r->n++;
}

static void measure_member(struct release_range *r, const struct json *v)
{
	if (json_is(v, JSON_INT))
		measure(r, v->u.i);
}

int64_t release_mean(const struct release_range *r)
{
	if (r->n == 0)
		return 0;
	int64_t twice = 2 * r->total + r->n, by = 2 * r->n;
	int64_t mean = twice / by;
	return twice % by < 0 ? mean - 1 : mean; /* division of negatives goes towards 0, loudness is negative */
}

static void add_sound(struct release_stats *s, const struct json *call, int64_t bytes)
{
	const struct json *audio = json_get(call, "audio");
	int64_t ms = json_get_int(audio, "duration_ms", 0);
	add(&s->label_ms, release_label(call), ms);
	add(&s->split_ms, json_get_str(call, "split"), ms);
	count_number(&s->sample_rates, json_get(audio, "sample_rate"));
	count_number(&s->channels, json_get(audio, "channels"));
	measure_member(&s->duration_ms, json_get(audio, "duration_ms"));
	measure_member(&s->loudness_mlufs, json_get(audio, "loudness_mlufs"));
	measure_member(&s->true_peak_mdbtp, json_get(audio, "true_peak_mdbtp"));
	measure(&s->bytes, bytes);
}

/* What goes into sft.zip and bench.zip. */
static void add_annotations(struct release_stats *s, const struct json *call)
{
	int rounds = release_rounds_of(call);
	s->unusable += rounds < 0;
	if (rounds <= 0)
		return;
	s->annotated++;
	count(&s->annotators, json_get_str(json_get(call, "annotations"), "writer"));
	count(&s->hears, json_get_str(json_get(call, "annotations"), "hears"));
	count(&s->sft, release_split(call));
	for (int i = 0; i < rounds && str_is(release_split(call), "test"); i++)
		count(&s->bench[i], release_answer(call, i));
}

static void add_texts(struct release_stats *s, const struct json *call)
{
	const struct json *turns = json_get(call, "turns");
	int64_t characters = 0;
	JSON_EACH(turn, turns)
		characters += (int64_t)utf8_count(json_get_str(turn, "text"));
	measure(&s->turns, (int64_t)json_count(turns));
	measure(&s->characters, characters);
	count(&s->writers, json_get_str(json_get(call, "scenario"), "writer"));
	count(&s->writers, json_get_str(json_get(call, "enhancement"), "writer"));
	JSON_EACH(one, json_get(json_get(call, "privacy"), "replaced"))
		count(&s->surrogates, json_get_str(one, "kind"));
}

void release_stats_add(struct release_stats *s, struct str id, const struct json *call, int64_t bytes)
{
	struct str group = json_get_str(call, "group"), origin, scene = release_scene(call, &origin);
	s->calls++;
	s->linked += group.n && !str_eq(group, id);
	count(&s->labels, release_label(call));
	count(&s->sources, json_get_str(call, "source"));
	count(&s->fraud_types, json_get_str(json_get(call, "label"), "fraud_type"));
	count(&s->scenes, scene);
	count(&s->scene_origins, origin);
	count(&s->splits, json_get_str(call, "split"));
	add_sound(s, call, bytes);
	add_texts(s, call);
	add_annotations(s, call);
}

static struct json *counts_json(struct arena *a, const struct map *m)
{
	struct json *out = json_object(a);
	for (size_t i = 0; i < m->n; i++)
		json_set_key(a, out, m->entries[i].key, json_int(a, m->entries[i].value.i));
	return out;
}

static struct json *range_json(struct arena *a, const struct release_range *r, bool total)
{
	struct json *out = json_object(a);
	if (total)
		json_set_int(a, out, "total", r->total);
	json_set_int(a, out, "mean", release_mean(r));
	json_set_int(a, out, "min", r->min);
	json_set_int(a, out, "max", r->max);
	return out;
}

static struct json *audio_json(struct arena *a, const struct release_stats *s)
{
	struct json *out = json_object(a);
	json_set(a, out, "bytes", range_json(a, &s->bytes, true));
	json_set(a, out, "sample_rates", counts_json(a, &s->sample_rates));
	json_set(a, out, "channels", counts_json(a, &s->channels));
	if (s->loudness_mlufs.n)
		json_set(a, out, "loudness_mlufs", range_json(a, &s->loudness_mlufs, false));
	if (s->true_peak_mdbtp.n)
		json_set(a, out, "true_peak_mdbtp", range_json(a, &s->true_peak_mdbtp, false));
	return out;
}

static struct json *annotations_json(struct arena *a, const struct release_stats *s)
{
	struct json *out = json_object(a);
	json_set_int(a, out, "calls", s->annotated);
	json_set_int(a, out, "unusable", s->unusable);
	json_set(a, out, "writers", counts_json(a, &s->annotators));
	json_set(a, out, "hears", counts_json(a, &s->hears));
	return out;
}

static struct json *bench_json(struct arena *a, const struct release_stats *s)
{
	struct json *out = json_object(a);
	for (int i = 0; i < RELEASE_ROUNDS && s->bench[RELEASE_SCENE].n; i++)
		json_set(a, out, release_round_name(i), counts_json(a, &s->bench[i]));
	return out;
}

static void set_hex(struct arena *a, struct json *out, const char *key, const struct digest *d)
{
	char hex[DIGEST_HEX + 1];
	digest_hex(d, hex);
	json_set_text(a, out, key, hex);
}

static struct json *build_json(struct arena *a, const struct release_build *b)
{
	const struct json *pipeline = b->facts->pipeline;
	struct json *out = json_is(pipeline, JSON_OBJECT) ? json_copy(a, pipeline) : json_object(a);
	json_set_text(a, out, "members", b->members);
	set_hex(a, out, "rounds", &b->rounds->digest);
	json_set_text(a, out, "name", b->stage->dataset);
	json_set_int(a, out, "release_version", b->stage->ops->version);
	return out;
}

/* What the cards say that is no count, so that they are a function of this file. */
static struct json *card_json(struct arena *a, const struct release_build *b)
{
	const struct release_params *p = b->stage->params;
	struct str date = p->date.n ? p->date : json_get_str(b->facts->pipeline, "date");
	struct json *out = json_object(a);
	json_set_str(a, out, "license", p->license.n ? p->license : STR("other"));
	if (date.n)
		json_set_str(a, out, "date", date);
	if (p->url.n)
		json_set_str(a, out, "url", p->url);
	if (p->creator.n)
		json_set_str(a, out, "creator", p->creator);
	if (p->timelines)
		json_set(a, out, "timelines", json_bool(a, true));
	return out;
}

static void set_counts(struct arena *a, struct json *out, const struct release_stats *s)
{
	json_set_int(a, out, "calls", s->calls);
	json_set_int(a, out, "linked", s->linked);
	json_set(a, out, "labels", counts_json(a, &s->labels));
	json_set(a, out, "sources", counts_json(a, &s->sources));
	json_set(a, out, "writers", counts_json(a, &s->writers));
	json_set(a, out, "fraud_types", counts_json(a, &s->fraud_types));
	json_set(a, out, "scenes", counts_json(a, &s->scenes));
	json_set(a, out, "scene_origins", counts_json(a, &s->scene_origins));
	json_set(a, out, "splits", counts_json(a, &s->splits));
	json_set(a, out, "surrogates", counts_json(a, &s->surrogates));
	json_set(a, out, "annotations", annotations_json(a, s));
	json_set(a, out, "sft", counts_json(a, &s->sft));
	json_set(a, out, "bench", bench_json(a, s));
	json_set(a, out, "label_ms", counts_json(a, &s->label_ms));
	json_set(a, out, "split_ms", counts_json(a, &s->split_ms));
	json_set(a, out, "duration_ms", range_json(a, &s->duration_ms, true));
	json_set(a, out, "turns", range_json(a, &s->turns, true));
	json_set(a, out, "characters", range_json(a, &s->characters, true));
	json_set(a, out, "audio", audio_json(a, s));
}

struct json *release_stats_json(struct arena *a, const struct release_stats *s, const struct release_build *b)
{
	const struct gather_facts *facts = b->facts;
	struct json *out = json_object(a), *left = json_object(a);
	json_set_int(a, out, "format", STATS_FORMAT);
	json_set_text(a, out, "dataset", b->stage->dataset);
	set_counts(a, out, s);
	json_set_int(a, left, "rejected", facts->rejected);
	json_set_int(a, left, "quarantined", facts->quarantined);
	json_set(a, out, "left_out", left);
	json_set(a, out, "partial", json_bool(a, facts->partial && release_over_limit(b->stage, facts, s->calls)));
	json_set(a, out, "stages", json_is(facts->stages, JSON_ARRAY) ? json_copy(a, facts->stages) : json_array(a));
	json_set(a, out, "build", build_json(a, b));
	json_set(a, out, "card", card_json(a, b));
	return out;
}

#include "base/alloc.h"
#include "base/utf8.h"
#include "stages/release/release.h"

/* Raised when a member of stats.json changes its meaning or goes. */
#define STATS_FORMAT 1

void release_stats_init(struct release_stats *s)
{
	*s = (struct release_stats){.members = digester_new()};
}

void release_stats_free(struct release_stats *s)
{
	struct map *maps[] = {&s->labels, &s->sources, &s->writers, &s->fraud_types, &s->scenes, &s->scene_origins,
		&s->splits, &s->sample_rates, &s->channels};
	for (size_t i = 0; i < COUNT_OF(maps); i++)
		map_release(maps[i]);
	digester_free(s->members);
	s->members = NULL;
}

static void count(struct map *m, struct str key)
{
	if (key.n)
		map_put(m, key, NULL)->value.i++;
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

void release_stats_add(struct release_stats *s, struct str id, const struct json *call, int64_t bytes)
{
	const struct json *label = json_get(call, "label"), *audio = json_get(call, "audio");
	const struct json *turns = json_get(call, "turns");
	s->calls++;
	digester_part(s->members, id.p, id.n);
	count(&s->labels, release_label(call));
	count(&s->sources, json_get_str(call, "source"));
	count(&s->writers, json_get_str(json_get(call, "scenario"), "writer"));
	count(&s->fraud_types, json_get_str(label, "fraud_type"));
	count(&s->scenes, json_get_str(label, "scene"));
	count(&s->scene_origins, json_get_str(label, "scene_origin"));
	count(&s->splits, json_get_str(call, "split"));
	count_number(&s->sample_rates, json_get(audio, "sample_rate"));
	count_number(&s->channels, json_get(audio, "channels"));
	measure_member(&s->duration_ms, json_get(audio, "duration_ms"));
	measure_member(&s->loudness_mlufs, json_get(audio, "loudness_mlufs"));
	measure_member(&s->true_peak_mdbtp, json_get(audio, "true_peak_mdbtp"));
	measure(&s->bytes, bytes);
	measure(&s->turns, (int64_t)json_count(turns));
	int64_t characters = 0;
	JSON_EACH(turn, turns)
		characters += (int64_t)utf8_count(json_get_str(turn, "text"));
	measure(&s->characters, characters);
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

static struct json *build_json(
	struct arena *a, struct release_stats *s, const struct stage *stage, const struct gather_facts *facts)
{
	struct json *out = json_is(facts->pipeline, JSON_OBJECT) ? json_copy(a, facts->pipeline) : json_object(a);
	struct digest members;
	char hex[DIGEST_HEX + 1];
	digester_end(s->members, &members);
	digest_hex(&members, hex);
	json_set_text(a, out, "members", hex);
	json_set_text(a, out, "name", stage->dataset);
	json_set_int(a, out, "release_version", stage->ops->version);
	return out;
}

struct json *release_stats_json(
	struct arena *a, struct release_stats *s, const struct stage *stage, const struct gather_facts *facts)
{
	struct json *out = json_object(a);
	json_set_int(a, out, "format", STATS_FORMAT);
	json_set_text(a, out, "dataset", stage->dataset);
	json_set_int(a, out, "calls", s->calls);
	json_set(a, out, "labels", counts_json(a, &s->labels));
	json_set(a, out, "sources", counts_json(a, &s->sources));
	json_set(a, out, "writers", counts_json(a, &s->writers));
	json_set(a, out, "fraud_types", counts_json(a, &s->fraud_types));
	json_set(a, out, "scenes", counts_json(a, &s->scenes));
	json_set(a, out, "scene_origins", counts_json(a, &s->scene_origins));
	json_set(a, out, "splits", counts_json(a, &s->splits));
	json_set(a, out, "duration_ms", range_json(a, &s->duration_ms, true));
	json_set(a, out, "turns", range_json(a, &s->turns, true));
	json_set(a, out, "characters", range_json(a, &s->characters, true));
	json_set(a, out, "audio", audio_json(a, s));
	struct json *left = json_object(a);
	json_set_int(a, left, "rejected", facts->rejected);
	json_set_int(a, left, "quarantined", facts->quarantined);
	json_set(a, out, "left_out", left);
	json_set(a, out, "partial", json_bool(a, facts->partial && release_over_limit(stage, facts, s->calls)));
	json_set(a, out, "stages", json_is(facts->stages, JSON_ARRAY) ? json_copy(a, facts->stages) : json_array(a));
	json_set(a, out, "build", build_json(a, s, stage, facts));
	return out;
}

#include "tests/servers/tts/fate.h"

#include "tests/servers/common/mix.h"

#include "base/alloc.h"
#include "base/map.h"

#define FIRST_MAX ((size_t)1 << 20) /* texts; of further ones each request is like the first */

static const struct tts_switches *switches_of(const struct server *s)
{
	return (const struct tts_switches *)s->switches;
}

static uint64_t text_key(const struct server *s, struct str text)
{
	return mix(hash_bytes(text.p, text.n, s->seed), "text", 0);
}

/* Whether a text is asked for as it was the first time: `now` is its temperature or its voice. */
static bool as_at_first(struct tts *own, int until, uint64_t text, uint64_t now)
{
	const uint64_t parts[2] = {text, (uint64_t)until};
	struct str key = str_n((const char *)parts, sizeof(parts));
	struct map_entry *first = map_find(&own->first, key);
	if (!first && own->first.n >= FIRST_MAX)
		return true;
	if (!first) {
		first = map_put(&own->first, key, NULL);
		first->value.i = (int64_t)now;
	}
	return first->value.i == (int64_t)now;
}

/* Whether failures may befall text `i`. */
static bool befalls(const struct server *s, const struct speech_request *r, size_t i)
{
	const struct tts_switches *w = switches_of(s);
	if (w->where[0] && str_find(r->texts[i], str_of(w->where)) < 0)
		return false;
	switch (w->until) {
	case UNTIL_ALONE:
		return r->n > 1;
	case UNTIL_TEMPERATURE:
		return as_at_first(s->own, w->until, text_key(s, r->texts[i]), r->heat);
	case UNTIL_VOICE:
		return as_at_first(s->own, w->until, text_key(s, r->texts[i]), r->voice_key);
	default:
		return true;
	}
}

/* Drawn from the text, so that it fails in a batch and alone; or from the request, which then befalls one text of it, or all (--all-sounds, --where). */
static enum spoilt drawn(const struct server *s, const struct speech_request *r, size_t i)
{
	const struct tts_switches *w = switches_of(s);
	bool of_text = w->until == UNTIL_TEMPERATURE || w->until == UNTIL_VOICE;
	if (!of_text && !w->where[0] && !w->all_sounds && i != mix_below(r->key, "victim", r->n))
		return SPOILT_NONE;
	return (enum spoilt)switches_answered(&tts_switch_set, &w->base, of_text ? text_key(s, r->texts[i]) : r->key);
}

void fate_decide(struct server *s, struct arena *a, struct sound_order *o)
{
	const struct speech_request *r = &o->request;
	bool zip = o->chattts; /* it has one, and nothing is wrong with that yet */
	o->spoilt = arena_array(a, r->n, sizeof(*o->spoilt));
	for (size_t i = 0; i < r->n; i++) {
		enum spoilt kind = befalls(s, r, i) ? drawn(s, r, i) : SPOILT_NONE;
		if (kind >= SPOILT_ZIP && !zip)
			kind = SPOILT_NONE;
		zip = zip && kind < SPOILT_ZIP;
		o->spoilt[i] = kind;
	}
}

enum spoilt fate_of(const struct sound_order *o)
{
	enum spoilt first = SPOILT_NONE;
	for (size_t i = 0; i < o->request.n; i++)
		if (o->spoilt[i] == SPOILT_ENGINE || first == SPOILT_NONE)
			first = o->spoilt[i];
	return first;
}

void fate_count(struct server *s, const struct sound_order *o)
{
	for (size_t i = 0; i < o->request.n; i++)
		s->stats.answered[o->spoilt[i]]++;
}

void fate_forget(struct tts *own)
{
	map_release(&own->first);
}

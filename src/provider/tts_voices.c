/* The voices that a user lists, and which of them a person gets. */
#include "provider/tts_server.h"

#include "base/alloc.h"
#include "base/draw.h"
#include <string.h>

static const char *const genders[] = {"male", "female"};
static const char *const ages[] = {"young", "middle", "elderly"};

static int index_of(struct str word, const char *const *names, int n)
{
	for (int i = 0; i < n; i++)
		if (str_is(word, names[i]))
			return i;
	return -1;
}

/* The next piece between blanks and commas. */
static bool next_word(struct str *rest, struct str *ret)
{
	size_t from = 0, to;
	while (from < rest->n && strchr(" \t,", rest->p[from]))
		from++;
	for (to = from; to < rest->n && !strchr(" \t,", rest->p[to]);)
		to++;
	*ret = str_n(rest->p + from, to - from);
	*rest = str_n(rest->p + to, rest->n - to);
	return ret->n > 0;
}

int tts_voice_parse(struct str text, struct tts_voice *ret, struct err *e)
{
	struct tts_voice v = {.gender = NULL};
	struct str rest = text, word;
	if (!next_word(&rest, &v.name))
		return err_set(e, ERR_CONFIG, "voices: one of them has no name");
	while (next_word(&rest, &word)) {
		int g = index_of(word, genders, COUNT_OF(genders)), age = index_of(word, ages, COUNT_OF(ages));
		if (g < 0 && age < 0)
			return err_set(e,
				ERR_CONFIG, "voices: %.*s: behind its name stand male or female, and young, middle or elderly; '%.*s' is none of these",
				STR_FMT(v.name), STR_FMT(word));
		if (g >= 0 && v.gender)
			return err_set(
				e, ERR_CONFIG, "voices: %.*s: male and female; leave both out when it may be either", STR_FMT(v.name));
		if (g >= 0)
			v.gender = genders[g];
		else
			v.ages |= 1u << age;
	}
	*ret = v;
	return 0;
}

int tts_check_voices(const char *provider, const struct option_list *v, struct err *e)
{
	struct tts_voice a, b;
	if (v->n == 1)
		return err_set(e, ERR_CONFIG,
			"provider %s: voices: there must be two at least: the two sides of a call never have the same", provider);
	if (v->n > TTS_VOICES_MAX)
		return err_set(e, ERR_CONFIG, "provider %s: voices: at most %d", provider, TTS_VOICES_MAX);
	for (size_t i = 0; i < v->n; i++) {
		if (tts_voice_parse(v->v[i], &a, e) < 0)
			return err_context(e, "provider %s", provider);
		for (size_t k = 0; k < i; k++)
			if (tts_voice_parse(v->v[k], &b, NULL) == 0 && str_eq(a.name, b.name))
				return err_set(e, ERR_CONFIG, "provider %s: voices: %.*s is there twice", provider, STR_FMT(a.name));
	}
	return 0;
}

/* What is known of the person and wanted: strict 2: gender and age, 1: gender, 0: nothing. */
static bool fits(const struct tts_voice *v, const struct provider_person *who, int strict)
{
	int age = who->age ? index_of(str_of(who->age), ages, COUNT_OF(ages)) : -1;
	if (strict >= 1 && who->gender && v->gender && strcmp(who->gender, v->gender) != 0)
		return false;
	return strict < 2 || age < 0 || !v->ages || (v->ages & 1u << age);
}

/* Each voice's rank for this draw is its own (highest random weight; Thaler & Ravishankar 1998), and the first that fits is taken: all are equally likely, and a
 * voice that is added to the list or taken out changes those sides alone that get it or had it. Likewise the other side's voice matters only to who would
 * have the same. */
struct tts_voice tts_voice_choose(
	const struct option_list *v, const struct provider_person *who, struct str other, struct draw *d)
{
	struct tts_voice voice = {.gender = NULL}, chosen = {.gender = NULL};
	uint64_t key = draw_u64(d), best = 0;
	for (int strict = 2; strict >= 0 && !chosen.name.n; strict--)
		for (size_t i = 0; i < v->n; i++) {
			struct draw own;
			if (tts_voice_parse(v->v[i], &voice, NULL) < 0 || str_eq(voice.name, other) || !fits(&voice, who, strict))
				continue;
			draw_init(&own, key, voice.name, "voice");
			uint64_t rank = draw_u64(&own);
			if (chosen.name.n && rank <= best)
				continue;
			chosen = voice;
			best = rank;
		}
	if (!chosen.name.n) { /* it is the only one */
		int rc = tts_voice_parse(v->v[0], &chosen, NULL);
		ASSERT(rc == 0);
	}
	return chosen;
}

/* Servers say it each in their way: they name the voice, or speak of voices at all. */
static bool is_of_voices(struct str words, struct str name)
{
	static const char *const known[] = {"voice", "Voice", "speaker", "Speaker", "音色", "发音人"};
	bool hit = str_find(words, name) >= 0;
	for (size_t i = 0; i < COUNT_OF(known); i++)
		hit = hit || str_find(words, str_of(known[i])) >= 0;
	return hit;
}

bool tts_voice_refused(struct tts_params *o, const struct json *voice, struct str words)
{
	struct str name = json_get_str(voice, "voice");
	struct tts_voice one;
	if (!name.n || !is_of_voices(words, name))
		return false;
	for (size_t i = 0; i < o->voices.n && i < TTS_VOICES_MAX; i++) {
		uint64_t bit = (uint64_t)1 << i % 64;
		if (tts_voice_parse(o->voices.v[i], &one, NULL) == 0 && str_eq(one.name, name))
			return !(atomic_fetch_or(&o->refused[i / 64], bit) & bit);
	}
	return false;
}

#include "stages/speak/voices.h"

#include "base/alloc.h"
#include "base/fs.h"

#include <math.h>

#define VOICES_FILE_MAX ((size_t)1 << 20)
#define PITCH_FIRST 30 /* of the pitch parameters at which a voice was measured */
#define PITCH_APART 20

static const char *const gender_names[] = {"male", "female"};
static const char *const age_names[] = {"young", "middle", "elderly"};

/* --- Reading --- */

static int wrong(struct err *e, const struct yaml_node *at, const char *what)
{
	return err_set(
		e, ERR_CONFIG, "%s:%d:%d: %s", at->mark.file ? at->mark.file : "voices", at->mark.line, at->mark.col, what);
}

static int name_index(const struct yaml_node *n, const char *const *names, int count)
{
	for (int i = 0; n && n->kind == YAML_SCALAR && i < count; i++)
		if (str_is(n->text, names[i]))
			return i;
	return -1;
}

static bool read_range(const struct yaml_node *n, int64_t lo, int64_t hi, int64_t ret[2])
{
	return n && n->kind == YAML_LIST && n->n == 2 && yaml_int(n->first, &ret[0]) && yaml_int(n->last, &ret[1]) &&
		   ret[0] >= lo && ret[1] <= hi && ret[0] <= ret[1];
}

static int read_group(struct voices *v, const struct yaml_node *n, struct err *e)
{
	int g = name_index(yaml_get(n, "gender"), gender_names, VOICE_GENDERS),
		a = name_index(yaml_get(n, "age"), age_names, VOICE_AGES);
	if (g < 0 || a < 0)
		return wrong(e, n, "a group needs gender: male|female and age: young|middle|elderly");
	struct voice_group *to = &v->groups[g][a];
	if (!read_range(yaml_get(n, "hz"), 50, 500, to->hz) || !read_range(yaml_get(n, "rate_wpm"), 80, 450, to->rate_wpm) ||
		!read_range(yaml_get(n, "range"), 0, 99, to->range))
		return wrong(e, n, "a group needs hz: [50…500], rate_wpm: [80…450] and range: [0…99], each as [lowest, highest]");
	to->given = true;
	return 0;
}

static bool read_pitches(struct voice *to, const struct yaml_node *hz)
{
	int i = 0;
	if (!hz || hz->kind != YAML_LIST || hz->n != VOICE_PITCHES)
		return false;
	YAML_EACH(one, hz) {
		if (!yaml_int(one, &to->hz[i]) || to->hz[i] < 40 || to->hz[i] > 500 || (i && to->hz[i] <= to->hz[i - 1]))
			return false;
		i++;
	}
	return true;
}

static int read_voice(struct arena *arena, struct voice *to, const struct yaml_node *n, struct err *e)
{
	const struct yaml_node *variant = yaml_get(n, "variant"), *ages = yaml_get(n, "ages");
	int g = name_index(yaml_get(n, "gender"), gender_names, VOICE_GENDERS);
	if (!variant || variant->kind != YAML_SCALAR || g < 0 || !ages || ages->kind != YAML_LIST || ages->n == 0)
		return wrong(e, n, "a voice needs variant, gender: male|female and ages: [young, middle, elderly]");
	*to = (struct voice){.variant = arena_str(arena, variant->text), .gender = (enum voice_gender)g};
	YAML_EACH(age, ages) {
		int a = name_index(age, age_names, VOICE_AGES);
		if (a < 0)
			return wrong(e, age, "an age is young, middle or elderly");
		to->ages |= 1u << a;
	}
	return read_pitches(to, yaml_get(n, "hz"))
			   ? 0
			   : wrong(e, n, "a voice needs hz: [at pitch 30, 50, 70, 90], growing, 40-500");
}

#define HZ_STEP 4 /* pitches that are drawn from */

static bool reaches(const struct voice *v, int64_t hz)
{
	return hz >= v->hz[0] && hz <= v->hz[VOICE_PITCHES - 1];
}

/** Of this gender and age, and one of the group's pitches can be had. */
static bool suits(const struct voices *all, const struct voice *v, int gender, int age)
{
	const struct voice_group *g = &all->groups[gender][age];
	bool reached = false;
	for (int64_t hz = g->hz[0]; hz <= g->hz[1] && !reached; hz += HZ_STEP)
		reached = reaches(v, hz);
	return reached && v->gender == (enum voice_gender)gender && (v->ages & (1u << age));
}

/** Every gender and age needs a group and two voices, so that both sides can have one. */
static int check_complete(const struct voices *v, const struct yaml_node *root, struct err *e)
{
	for (int g = 0; g < VOICE_GENDERS; g++)
		for (int a = 0; a < VOICE_AGES; a++) {
			const struct voice *first = NULL;
			bool two = false;
			for (size_t i = 0; i < v->n; i++) {
				if (!suits(v, &v->v[i], g, a))
					continue;
				first = first ? first : &v->v[i];
				two |= !str_eq(v->v[i].variant, first->variant);
			}
			if (!two || !v->groups[g][a].given)
				return err_set(e,
					ERR_CONFIG, "%s: %s voices for %s speakers: a group and at least two variants that reach its pitches are needed",
					root->mark.file ? root->mark.file : "voices", gender_names[g], age_names[a]);
		}
	return 0;
}

static int read_voices(struct arena *a, const struct yaml_node *root, struct voices *v, struct err *e)
{
	const struct yaml_node *groups = yaml_get(root, "groups"), *voices = yaml_get(root, "voices"),
						   *apart = yaml_get(root, "apart");
	const struct yaml_node *bands = yaml_get(root, "bands");
	if (!groups || groups->kind != YAML_LIST || !voices || voices->kind != YAML_LIST)
		return wrong(e, root, "a voices file has the lists groups and voices");
	if (!apart || !yaml_int(apart, &v->apart) || v->apart < 1 || v->apart > 12)
		return wrong(e, root, "apart: semitones between the two sides, 1-12, is missing or wrong");
	if (!bands || bands->kind != YAML_MAP || !yaml_get(bands, "young") ||
		!yaml_int(yaml_get(bands, "young"), &v->young_below) || !yaml_get(bands, "middle") ||
		!yaml_int(yaml_get(bands, "middle"), &v->middle_below) || v->young_below > v->middle_below)
		return wrong(e, root, "bands: {young: AGE, middle: AGE} is missing or wrong");
	YAML_EACH(n, groups) {
		int code = read_group(v, n, e);
		if (code)
			return code;
	}
	v->v = arena_array(a, voices->n ? voices->n : 1, sizeof *v->v);
	YAML_EACH(n, voices) {
		int code = read_voice(a, &v->v[v->n++], n, e);
		if (code)
			return code;
	}
	return check_complete(v, root, e);
}

int voices_load(struct arena *a, const char *path, struct voices *ret, struct err *e)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	CLEANUP(arena_release) struct arena scratch = ARENA_INIT;
	struct yaml_node *root = NULL;
	int code = fs_read(path, VOICES_FILE_MAX, &text, e);
	if (!code)
		code = yaml_parse(&scratch, path, buf_view(&text), &root, e);
	struct voices v = {.v = NULL};
	if (!code)
		code = read_voices(a, root, &v, e);
	if (!code)
		*ret = v;
	return code;
}

/* --- Choosing --- */

enum voice_age voices_age(const struct voices *all, int64_t years)
{
	if (years < 0)
		return VOICE_ANY_AGE;
	return years < all->young_below ? VOICE_YOUNG : years < all->middle_below ? VOICE_MIDDLE : VOICE_ELDERLY;
}

static double semitones(double a, double b)
{
	return fabs(12 * log2(a / b));
}

/** The pitch parameter that gives `hz`: between two that were measured, pitch grows by a constant factor a step. */
static int pitch_for(const struct voice *v, int64_t hz)
{
	int i = 0;
	while (i + 2 < VOICE_PITCHES && hz > v->hz[i + 1])
		i++;
	double share = log((double)hz / (double)v->hz[i]) / log((double)v->hz[i + 1] / (double)v->hz[i]);
	return (int)(PITCH_FIRST + PITCH_APART * (i + share) + 0.5);
}

static bool fits(const struct voices *all, const struct voice *v, int64_t hz, const struct voice_choice *other)
{
	if (!other)
		return true;
	return !str_eq(v->variant, other->voice->variant) && semitones((double)hz, other->hz) >= (double)all->apart;
}

#define CHOICES_MAX 8192

/** One of all (voice, pitch) that fit, or false. */
static bool choose_in(const struct voices *all, struct voice_persona who, const struct voice_choice *other,
	struct draw *d, struct voice_choice *ret)
{
	const struct voice_group *g = &all->groups[who.gender][who.age];
	struct {
		uint16_t voice, hz;
	} found[CHOICES_MAX];
	uint32_t n = 0;
	for (size_t i = 0; i < all->n; i++) {
		const struct voice *v = &all->v[i];
		if (v->gender != who.gender || !(v->ages & (1u << who.age)))
			continue;
		for (int64_t hz = g->hz[0]; hz <= g->hz[1]; hz += HZ_STEP)
			if (reaches(v, hz) && fits(all, v, hz, other) && n < CHOICES_MAX) {
				found[n].voice = (uint16_t)i;
				found[n++].hz = (uint16_t)hz;
			}
	}
	if (n == 0)
		return false;
	uint32_t at = draw_below(d, n);
	const struct voice *v = &all->v[found[at].voice];
	*ret = (struct voice_choice){.voice = v, .hz = found[at].hz, .pitch = pitch_for(v, found[at].hz)};
	ret->rate_wpm = (int)draw_range(d, g->rate_wpm[0], g->rate_wpm[1]);
	ret->range = (int)draw_range(d, g->range[0], g->range[1]);
	return true;
}

/** As choose_in(), age, then gender giving way. */
static bool choose_any(const struct voices *all, struct voice_persona who, const struct voice_choice *other,
	struct draw *d, struct voice_choice *ret)
{
	for (int g = 0; g < VOICE_GENDERS; g++)
		for (int a = 0; a < VOICE_AGES; a++) {
			struct voice_persona try = {(who.gender + (unsigned)g) % VOICE_GENDERS, (who.age + (unsigned)a) % VOICE_AGES};
			if (choose_in(all, try, other, d, ret))
				return true;
		}
	return false;
}

struct voice_choice voices_choose(
	const struct voices *all, struct voice_persona who, const struct voice_choice *other, struct draw *d)
{
	struct voice_choice ret = {.voice = NULL};
	/* always drawn, so that knowing the one does not change the draw of the other */
	enum voice_gender gender = (enum voice_gender)draw_below(d, VOICE_GENDERS);
	enum voice_age age = (enum voice_age)draw_below(d, VOICE_AGES);
	if (who.gender == VOICE_ANY_GENDER)
		who.gender = gender;
	if (who.age == VOICE_ANY_AGE)
		who.age = age;
	if (choose_any(all, who, other, d, &ret))
		return ret;
	/* no pitch of this file is far enough from the other side's: another variant must do */
	struct voices near = *all;
	near.apart = 0;
	bool chosen = choose_any(&near, who, other, d, &ret);
	ASSERT(chosen); /* each group has two variants */
	return ret;
}

/* Citations, facts and values of a text that is being written. */
#include "stages/annotate/writing.h"

#include "base/alloc.h"
#include "base/map.h"

#define SHORT_TURNS 4
#define LONG_TURNS 12
#define NO_CUE (-100)

enum special { CUE_FIRST = -1, CUE_CITED = -10 }; /* -10, -11, -12: 甲 乙 丙 */

/* --- Citations --- */

static bool overlaps(const struct hit *h, const struct span *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (s[i].turn == h->turn && h->from < s[i].to && s[i].from < h->to)
			return true;
	return false;
}

static bool reserved(const struct writing *w, const struct hit *h)
{
	for (size_t i = 0; i < w->ncited; i++) {
		struct span s = {w->cited[i]->turn, w->cited[i]->from, w->cited[i]->to};
		if (overlaps(h, &s, 1))
			return true;
	}
	return false;
}

const struct hit *pick_hit(const struct writing *w, const struct found *f)
{
	const struct hit *best = NULL;
	uint64_t low = 0;
	for (size_t i = 0; i < f->n; i++) {
		const struct hit *h = &f->hits[i];
		if (!h->quote.n || reserved(w, h) || overlaps(h, w->used, w->nused))
			continue;
		uint64_t rank = hash_bytes(h->quote.p, h->quote.n, w->seed + (uint64_t)h->turn);
		if (!best || (h->whole && !best->whole) || (h->whole == best->whole && rank < low)) {
			best = h;
			low = rank;
		}
	}
	return best;
}

/* Which cue a name stands for: an index, or a special; NO_CUE for none. */
static int cue_of(const struct writing *w, struct str name)
{
	static const char *const cited[CITED_MAX] = {"甲", "乙", "丙"};
	for (int i = 0; i < CITED_MAX; i++)
		if (str_is(name, cited[i]))
			return (size_t)i < w->ncited ? CUE_CITED - i : NO_CUE;
	if (str_is(name, "开场"))
		return CUE_FIRST;
	int cue = cue_find(w->t, name);
	return cue < 0 ? NO_CUE : cue;
}

static const struct hit *citation(struct writing *w, int cue)
{
	const struct hit *h;
	for (size_t i = 0; i < w->ncurrent; i++)
		if (w->current[i].cue == cue)
			return w->current[i].hit;
	if (w->ncurrent == CURRENT_MAX || w->nused == USED_MAX || cue == NO_CUE)
		return NULL;
	if (cue <= CUE_CITED)
		h = w->cited[CUE_CITED - cue];
	else
		h = pick_hit(w, cue == CUE_FIRST ? &w->ev.first : &w->ev.cues[cue]);
	if (!h)
		return NULL;
	w->current[w->ncurrent].cue = cue;
	w->current[w->ncurrent++].hit = h;
	w->used[w->nused++] = (struct span){h->turn, h->from, h->to};
	return h;
}

static size_t mark_citations(void *arg)
{
	struct writing *w = arg;
	w->ncurrent = 0;
	return w->nused;
}

static void rewind_citations(void *arg, size_t mark)
{
	struct writing *w = arg;
	w->ncurrent = 0;
	w->nused = mark;
}

/* --- Facts --- */

struct fact {
	const char *name;
	bool (*holds)(const struct writing *w);
};

static bool path_is(const struct writing *w, const char *path, const char *value)
{
	const struct json *v = json_path(w->f->call, path);
	return json_is(v, JSON_STRING) && str_is(v->u.s, value);
}

static bool aware(const struct writing *w, const char *word)
{
	const struct json *v = json_path(w->f->call, "profile.right.awareness");
	return json_is(v, JSON_STRING) && str_find(v->u.s, str_of(word)) >= 0;
}

static int64_t pauses_per_minute(const struct writing *w)
{
	return w->voice.pauses * 60000 / w->voice.speech;
}

static int64_t pitch_percent(const struct writing *w)
{
	return w->voice.high * 100 / w->voice.low;
}

#define FACT(id, expression) \
	static bool fact_##id(const struct writing *w) \
	{ \
		return expression; \
	}
FACT(fraud, w->fraud)
FACT(normal, !w->fraud)
FACT(left_dials, path_is(w, "initiator", "left"))
FACT(right_dials, path_is(w, "initiator", "right"))
FACT(left_ends, path_is(w, "termination.by", "left"))
FACT(right_ends, path_is(w, "termination.by", "right"))
FACT(ends, path_is(w, "termination.by", "natural"))
FACT(aware_low, aware(w, "低"))
FACT(aware_mid, aware(w, "中"))
FACT(aware_high, aware(w, "高"))
FACT(is_short, w->ev.turns <= SHORT_TURNS)
FACT(is_long, w->ev.turns >= LONG_TURNS)
FACT(words, w->ev.first.n > 0)
FACT(opening, pick_hit(w, &w->ev.first) != NULL)
FACT(versus, w->versus.n > 0)
FACT(one_turn, w->ncited > 1 && w->cited[0]->turn == w->cited[1]->turn)
FACT(contested, w->rival.n > 0 && w->points > 0 && w->contrary * 3 >= w->points * 2)
FACT(voice, w->voice.has_rate)
FACT(fast, w->voice.has_rate && w->voice.rate > w->t->speech.fast_above_msyl_per_s)
FACT(slow, w->voice.has_rate && w->voice.rate < w->t->speech.slow_below_msyl_per_s)
FACT(many_pauses, w->voice.has_pauses &&pauses_per_minute(w) >= w->t->speech.many_pauses_per_minute)
FACT(few_pauses, w->voice.has_pauses &&pauses_per_minute(w) <= w->t->speech.few_pauses_per_minute)
FACT(wide, w->voice.has_pitch &&pitch_percent(w) >= w->t->speech.wide_pitch_percent)
FACT(narrow, w->voice.has_pitch &&pitch_percent(w) <= w->t->speech.narrow_pitch_percent)

static const struct fact facts[] = {
	{"欺诈", fact_fraud},
	{"正常", fact_normal},
	{"左拨", fact_left_dials},
	{"右拨", fact_right_dials},
	{"左挂", fact_left_ends},
	{"右挂", fact_right_ends},
	{"自然结束", fact_ends},
	{"意识低", fact_aware_low},
	{"意识中", fact_aware_mid},
	{"意识高", fact_aware_high},
	{"短", fact_is_short},
	{"长", fact_is_long},
	{"话", fact_words},
	{"开场", fact_opening},
	{"对比", fact_versus},
	{"同轮", fact_one_turn},
	{"争议", fact_contested},
	{"有声", fact_voice},
	{"快", fact_fast},
	{"慢", fact_slow},
	{"停顿多", fact_many_pauses},
	{"停顿少", fact_few_pauses},
	{"起伏大", fact_wide},
	{"起伏小", fact_narrow},
};

bool fact_named(struct str name)
{
	for (size_t i = 0; i < COUNT_OF(facts); i++)
		if (str_is(name, facts[i].name))
			return true;
	return false;
}

static bool holds(void *arg, struct str name)
{
	const struct writing *w = arg;
	for (size_t i = 0; i < COUNT_OF(facts); i++)
		if (str_is(name, facts[i].name))
			return facts[i].holds(w);
	int cue = cue_of(w, name);
	return cue <= CUE_CITED ? cue != NO_CUE : w->ev.cues[cue].n > 0;
}

/* --- Values --- */

static bool add_text(struct buf *b, struct str s)
{
	buf_str(b, s);
	return s.n > 0;
}

static bool add_drawn(const struct writing *w, struct buf *b, const struct texts *texts)
{
	return texts->n && add_text(b, texts->v[think_draw(texts->v, texts->n, w->seed)]);
}

/* 5320 → 5.3, 6000 → 6 */
static bool add_tenths(struct buf *b, int64_t thousandths)
{
	int64_t tenths = (thousandths + 50) / 100;
	buf_printf(b, "%lld", (long long)(tenths / 10));
	if (tenths % 10)
		buf_printf(b, ".%lld", (long long)(tenths % 10));
	return true;
}

static bool add_number(struct buf *b, int64_t n)
{
	buf_printf(b, "%lld", (long long)n);
	return true;
}

static bool add_matter(const struct writing *w, struct buf *b)
{
	const struct label_kind *k = label_find(&w->t->scenes, w->scene);
	return k ? add_drawn(w, b, &k->about) : add_text(b, w->scene);
}

/* What is typical of the type; of one without an entry, a general line that holds <类型>. */
static bool add_method(const struct writing *w, struct buf *b)
{
	const struct texts *g = &w->t->general;
	if (w->kind)
		return add_drawn(w, b, &w->kind->about);
	for (struct str rest = g->v[think_draw(g->v, g->n, w->seed)]; rest.n;) {
		ptrdiff_t at = str_find(rest, STR("<类型>"));
		buf_str(b, str_n(rest.p, at < 0 ? rest.n : (size_t)at));
		if (at < 0)
			break;
		buf_str(b, w->type);
		rest = str_n(rest.p + at + STR("<类型>").n, rest.n - (size_t)at - STR("<类型>").n);
	}
	return true;
}

static bool add_pauses(const struct writing *w, struct buf *b)
{
	if (w->voice.pauses)
		buf_printf(b, "只有%lld处停顿", (long long)w->voice.pauses);
	else
		buf_puts(b, "没有明显的停顿");
	return w->voice.has_pauses;
}

#define VALUE(id, expression) \
	static bool value_##id(const struct writing *w, struct buf *b) \
	{ \
		return expression; \
	}
VALUE(scene, add_text(b, w->scene))
VALUE(type, add_text(b, w->type))
VALUE(turns, add_number(b, w->ev.turns))
VALUE(rival, add_text(b, w->rival))
VALUE(versus, add_text(b, w->versus))
VALUE(versus_label, add_text(b, w->versus_label))
VALUE(rate, w->voice.has_rate &&add_tenths(b, w->voice.rate))
VALUE(fast, add_tenths(b, w->t->speech.fast_above_msyl_per_s))
VALUE(slow, add_tenths(b, w->t->speech.slow_below_msyl_per_s))
VALUE(pauses, w->voice.has_pauses &&add_number(b, w->voice.pauses))
VALUE(low, w->voice.has_pitch &&add_number(b, w->voice.low))
VALUE(high, w->voice.has_pitch &&add_number(b, w->voice.high))

static const struct {
	const char *name;
	bool (*add)(const struct writing *w, struct buf *b);
} values[] = {
	{"场景", value_scene},
	{"类型", value_type},
	{"事由", add_matter},
	{"手法", add_method},
	{"轮数", value_turns},
	{"对手", value_rival},
	{"对比", value_versus},
	{"他类", value_versus_label},
	{"语速", value_rate},
	{"快线", value_fast},
	{"慢线", value_slow},
	{"停顿数", value_pauses},
	{"停顿情况", add_pauses},
	{"低音", value_low},
	{"高音", value_high},
};

bool value_named(struct str name)
{
	for (size_t i = 0; i < COUNT_OF(values); i++)
		if (str_is(name, values[i].name))
			return true;
	return false;
}

/* <轮:名> <引:名> <谁:名> <意:名> */
static bool add_cited(struct writing *w, struct str what, struct str name, struct buf *b)
{
	int cue = cue_of(w, name);
	const struct hit *h = citation(w, cue);
	if (!h)
		return false;
	if (str_is(what, "轮")) {
		buf_printf(b, "第%d轮", h->turn + 1);
	} else if (str_is(what, "引")) {
		buf_printf(b, "「%.*s」", STR_FMT(h->quote));
	} else if (str_is(what, "谁")) {
		for (size_t i = 0; i < w->t->values.n; i++)
			if (str_is(w->t->values.steps[i].name, h->left ? "左" : "右"))
				return add_text(b, w->values[i]);
		return false;
	} else {
		size_t index = cue <= CUE_CITED ? w->cited_cue[CUE_CITED - cue] : cue >= 0 ? (size_t)cue : w->t->ncues;
		return index < w->t->ncues && add_drawn(w, b, &w->t->cues[index].means);
	}
	return true;
}

static bool value(void *arg, struct str name, struct buf *b)
{
	struct writing *w = arg;
	struct str rest = name, what;
	if (str_split(&rest, ':', &what) && rest.p)
		return add_cited(w, what, rest, b);
	for (size_t i = 0; w->values && i < w->t->values.n; i++)
		if (str_eq(w->t->values.steps[i].name, name))
			return add_text(b, w->values[i]);
	for (size_t i = 0; i < COUNT_OF(values); i++)
		if (str_is(name, values[i].name))
			return values[i].add(w, b);
	return false;
}

void writing_begin(struct writing *w)
{
	w->nused = w->ncurrent = 0;
}

struct think_call writing_call(struct writing *w, uint64_t seed)
{
	return (struct think_call){
		.fact = holds, .value = value, .mark = mark_citations, .rewind = rewind_citations, .arg = w, .seed = seed};
}

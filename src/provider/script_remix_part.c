/* Taking calls apart for the template writer. See script_remix_parts.h. */
#include "provider/script_remix_parts.h"

#include "base/alloc.h"
#include "base/map.h"
#include "base/utf8.h"

#include <string.h>

#define TURN_CHARS_MAX 250 /* nobody speaks longer without a word from the other side */
#define DIRECTION_MAX 40   /* characters of a stage direction in brackets */

struct bracket {
	struct str open, close;
};

/* Length in bytes of a stage direction at the front ("（语气着急）"), or 0. */
static size_t direction_at(struct str text)
{
	static const struct bracket brackets[] = {
		{{"（", 3}, {"）", 3}}, {{"(", 1}, {")", 1}}, {{"【", 3}, {"】", 3}}, {{"（", 3}, {")", 1}}};
	for (size_t i = 0; i < COUNT_OF(brackets); i++) {
		if (text.n < brackets[i].open.n || memcmp(text.p, brackets[i].open.p, brackets[i].open.n) != 0)
			continue;
		ptrdiff_t close = str_find(text, brackets[i].close);
		if (close > 0 && close <= DIRECTION_MAX * 3)
			return (size_t)close + brackets[i].close.n;
	}
	return 0;
}

/* Without stage directions and blanks; blanks between Latin letters stay. */
static struct str tidy(struct arena *a, struct str text)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	while (text.n) {
		struct str rest = text;
		uint32_t cp;
		size_t skip = direction_at(text);
		if (skip) {
			text = str_n(text.p + skip, text.n - skip);
			continue;
		}
		utf8_next(&rest, &cp);
		bool latin = b.len && (unsigned char)b.data[b.len - 1] < 0x80 && rest.n && (unsigned char)rest.p[0] < 0x80;
		if (!utf8_is_space(cp) || (cp == ' ' && latin))
			buf_add(&b, text.p, text.n - rest.n);
		text = rest;
	}
	return arena_str(a, buf_view(&b));
}

static bool lower_word(struct str text)
{
	int run = 0;
	for (size_t i = 0; i < text.n; i++) {
		run = text.p[i] >= 'a' && text.p[i] <= 'z' ? run + 1 : 0;
		if (run > 2)
			return true;
	}
	return false;
}

static bool ends_sentence(struct str text)
{
	return str_ends(text, "。") || str_ends(text, "？") || str_ends(text, "！") || str_ends(text, "~") ||
		   str_ends(text, "?") || str_ends(text, "!") || str_ends(text, "”");
}

uint32_t gram_of(uint32_t first, uint32_t second)
{
	uint32_t pair[2] = {first, second};
	return (uint32_t)(hash_bytes(pair, sizeof(pair), 0) % (64 * GRAM_WORDS));
}

/* Letter pairs of what is not drawn anew: two turns that share many say much the same. */
static void count_grams(struct part *p)
{
	size_t next = 0;
	uint32_t before = 0, cp;
	for (struct str rest = p->text; rest.n;) {
		size_t at = p->text.n - rest.n;
		while (next < p->spans.n && p->spans.v[next].to <= at)
			next++;
		bool inside = next < p->spans.n && p->spans.v[next].from <= at;
		utf8_next(&rest, &cp);
		p->chars++;
		if (inside || !utf8_is_han(cp)) {
			before = 0;
			continue;
		}
		if (before) {
			uint32_t h = gram_of(before, cp);
			p->grams[h / 64] |= UINT64_C(1) << h % 64;
		}
		before = cp;
	}
	for (int i = 0; i < GRAM_WORDS; i++)
		p->ngrams += __builtin_popcountll(p->grams[i]);
}

static void part_turn(struct arena *a, const struct lexicon *l, const struct remix_turn *turn, struct part *p)
{
	uint64_t masks[LEX_SECTIONS] = {0};
	p->left = turn->left;
	p->text = tidy(a, turn->text);
	spans_find(a, l, NULL, p->text, p->left, &p->spans);
	lexicon_masks(l, p->text, masks);
	p->topics = masks[LEX_TOPICS];
	p->acts = masks[LEX_ACTS];
	p->outcomes = masks[LEX_OUTCOMES];
#define CUE(name) (masks[LEX_CUES] >> lexicon_list(l, LEX_CUES, name) & 1)
	p->farewell = CUE("farewell");
	p->cling = CUE("cling");
	p->self = CUE("self");
	p->opening = lexicon_at(l, LEX_CUES, lexicon_list(l, LEX_CUES, "opening"), p->text) != NULL;
	p->question = str_ends(p->text, "？") || str_ends(p->text, "?");
	size_t chars = utf8_count(p->text);
	p->fit = chars >= 2 && chars <= TURN_CHARS_MAX && !CUE("unfit") && !lower_word(p->text) && ends_sentence(p->text) &&
			 utf8_invalid(p->text) < 0;
#undef CUE
}

/* The call ends with its first farewell, or the answer to it: what comes after a goodbye is left out. */
static size_t call_end(const struct apart *c)
{
	for (size_t t = 1; t < c->n; t++) {
		if (!c->v[t].farewell)
			continue;
		bool answered = t + 1 < c->n && c->v[t + 1].fit && !c->v[t + 1].cling && !c->v[t + 1].question &&
						c->v[t + 1].left != c->v[t].left;
		return answered ? t + 2 : t + 1;
	}
	return c->n;
}

void part_call(struct arena *a, const struct lexicon *l, const struct remix_call *call, struct apart *ret)
{
	struct apart c = {.n = call->n < REMIX_TURNS ? call->n : REMIX_TURNS};
	c.v = arena_array(a, c.n + 1, sizeof(*c.v));
	struct spans *spans = arena_array(a, c.n + 1, sizeof(*spans));
	struct spans known = {.n = 0};
	for (size_t t = 0; t < c.n; t++) {
		part_turn(a, l, &call->turns[t], &c.v[t]);
		spans_know(a, &c.v[t].spans, &known);
	}
	for (size_t t = 0; t < c.n; t++)
		spans_find(a, l, &known, c.v[t].text, c.v[t].left, &spans[t]);
	spans_settle(spans, c.n);
	for (size_t t = 0; t < c.n; t++) {
		c.v[t].spans = spans[t];
		for (size_t i = 0; i < spans[t].n; i++)
			c.v[t].kinds |= UINT64_C(1) << spans[t].v[i].kind;
		count_grams(&c.v[t]);
		c.chars += c.v[t].chars;
		c.topics |= c.v[t].topics;
	}
	c.end = call_end(&c);
	*ret = c;
}

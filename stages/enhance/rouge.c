/* ROUGE-L over characters. See rouge.h. */
#include "stages/enhance/rouge.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "io/text.h"

#include <string.h>

#define VALUES 65536

struct rouge {
	size_t n, words;
	uint16_t *row;   /* VALUES: 1 + row of a character in `masks`; 0: not in the text */
	uint64_t *masks; /* rows of `words`: where the character stands */
	uint16_t *left;  /* by row: how often it stands in the text; changed and put back by bag_common */
	uint64_t *v;     /* `words` */
};

size_t rouge_chars(struct str text, uint16_t *ret)
{
	size_t n = 0;
	uint32_t cp;
	while (utf8_next(&text, &cp)) {
		if (!utf8_is_han(cp)) {
			char c = utf8_is_space(cp) ? 'Z' : text_class(cp);
			if (c != 'L' && c != 'N' && c != 'M')
				continue;
		}
		ret[n++] = (uint16_t)(cp < 0xFFFF ? cp : 0xFFFF);
	}
	return n;
}

struct rouge *rouge_new(struct arena *a, const struct rouge_text *text)
{
	struct rouge *r = ARENA_NEW(a, struct rouge);
	size_t rows = 0;
	r->n = text->n;
	r->words = (text->n + 63) / 64;
	r->row = arena_array(a, VALUES, sizeof(*r->row));
	for (size_t i = 0; i < text->n; i++)
		if (!r->row[text->v[i]])
			r->row[text->v[i]] = (uint16_t)++rows;
	r->masks = arena_array(a, (rows + 1) * (r->words + 1), sizeof(*r->masks));
	r->left = arena_array(a, rows + 1, sizeof(*r->left));
	r->v = arena_array(a, r->words + 1, sizeof(*r->v));
	for (size_t i = 0; i < text->n; i++) {
		size_t row = r->row[text->v[i]];
		r->masks[row * r->words + i / 64] |= UINT64_C(1) << i % 64;
		r->left[row]++;
	}
	return r;
}

size_t rouge_lcs(const struct rouge *r, const struct rouge_text *other)
{
	size_t common = 0;
	memset(r->v, 0xFF, r->words * sizeof(*r->v));
	for (size_t i = 0; i < other->n; i++) {
		size_t row = r->row[other->v[i]];
		uint64_t carry = 0;
		if (!row)
			continue;
		const uint64_t *mask = r->masks + row * r->words;
		for (size_t w = 0; w < r->words; w++) {
			uint64_t v = r->v[w], u = v & mask[w], sum = v + u, more = sum + carry;
			carry = (uint64_t)(sum < v) | (uint64_t)(more < sum);
			r->v[w] = more | (v & ~mask[w]);
		}
	}
	for (size_t w = 0; w < r->words; w++) {
		uint64_t zeros = ~r->v[w];
		if (w == r->words - 1 && r->n % 64)
			zeros &= (UINT64_C(1) << r->n % 64) - 1;
		common += (size_t)__builtin_popcountll(zeros);
	}
	return common;
}

/* Characters in common, whatever their order: never fewer than in the longest common subsequence. */
static size_t bag_common(struct rouge *r, const struct rouge_text *other)
{
	size_t common = 0;
	for (size_t i = 0; i < other->n; i++) {
		size_t row = r->row[other->v[i]];
		if (row && (int16_t)r->left[row]-- > 0)
			common++;
	}
	for (size_t i = 0; i < other->n; i++)
		r->left[r->row[other->v[i]]] += r->row[other->v[i]] != 0;
	return common;
}

static int64_t permille(size_t common, size_t all)
{
	return all ? (int64_t)(2000 * common / all) : 0;
}

int64_t rouge_permille(struct rouge *r, const struct rouge_text *other, int64_t floor)
{
	size_t all = r->n + other->n, shorter = r->n < other->n ? r->n : other->n;
	if (permille(shorter, all) <= floor || permille(bag_common(r, other), all) <= floor)
		return floor;
	int64_t found = permille(rouge_lcs(r, other), all);
	return found > floor ? found : floor;
}

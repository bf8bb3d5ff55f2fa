#include "stages/dedupe/shingles.h"

#include "base/alloc.h"
#include "base/map.h"
#include "base/utf8.h"
#include "io/text.h"

#include <stdlib.h>
#include <string.h>

void shingles_release(struct shingles *s)
{
	free(s->plain);
	free(s->v);
	buf_release(&s->text);
	*s = (struct shingles)SHINGLES_INIT;
}

static void put(struct shingles *s, uint32_t cp)
{
	GROW(s->plain, s->nplain, s->plain_cap);
	s->plain[s->nplain++] = cp;
}

static bool ascii_letter_or_digit(uint32_t cp)
{
	return (cp >= '0' && cp <= '9') || (cp >= 'a' && cp <= 'z') || (cp >= 'A' && cp <= 'Z');
}

static uint32_t ascii_lower(uint32_t cp)
{
	return cp >= 'A' && cp <= 'Z' ? cp + ('a' - 'A') : cp;
}

/* Most turns hold nothing but Chinese characters, ASCII and the usual punctuation, of which NFKC is known without a
 * library (which takes ten times as long): characters of the basic block stay, full-width forms are their ASCII, the
 * punctuation falls away. Without what combines with its neighbours, code points can be taken one by one. False, with
 * nothing put, when there is another code point. */
static bool put_common(struct shingles *s, struct str text)
{
	size_t before = s->nplain;
	uint32_t cp;
	while (utf8_next(&text, &cp)) {
		if (cp >= 0xFF01 && cp <= 0xFF5E)
			cp -= 0xFEE0;
		if (cp >= 0x4E00 && cp <= 0x9FFF) {
			put(s, cp);
		} else if (cp < 0x80) {
			if (ascii_letter_or_digit(cp))
				put(s, ascii_lower(cp));
		} else if (!(cp >= 0x3000 && cp <= 0x3003) && !(cp >= 0x3008 && cp <= 0x3011) &&
				   !(cp >= 0x2013 && cp <= 0x201F && cp != 0x2017) && cp != 0x2026) {
			s->nplain = before;
			return false;
		}
	}
	return true;
}

static int put_turn(struct shingles *s, struct str text, struct err *e)
{
	if (put_common(s, text))
		return 0;
	buf_clear(&s->text);
	int rc = text_normalize(&s->text, text, e);
	if (rc < 0)
		return rc;
	struct str rest = buf_view(&s->text);
	uint32_t cp;
	while (utf8_next(&rest, &cp)) {
		char class = text_class(cp);
		if (class == 'L' || class == 'N' || class == 'M')
			put(s, ascii_lower(cp));
	}
	return 0;
}

int shingles_read(struct shingles *s, const struct json *turns, struct err *e)
{
	s->nplain = s->n = 0;
	size_t turn = 0;
	JSON_EACH(item, turns) {
		int rc = put_turn(s, json_get_str(item, "text"), e);
		if (rc < 0)
			return err_context(e, "turn %zu", turn);
		turn++;
	}
	size_t chars = s->nplain < SHINGLES_CHARS_MAX ? s->nplain : SHINGLES_CHARS_MAX;
	size_t each = chars < SHINGLE_CHARS ? chars : SHINGLE_CHARS;
	for (size_t i = 0; each && i + each <= chars; i++) {
		GROW(s->v, s->n, s->cap);
		s->v[s->n++] = hash_bytes(&s->plain[i], each * sizeof(*s->plain), 0);
	}
	return 0;
}

static int by_value(const void *x, const void *y)
{
	const uint64_t *a = x, *b = y;
	return *a < *b ? -1 : *a > *b;
}

void shingles_sort(struct shingles *s)
{
	if (s->n == 0)
		return;
	qsort(s->v, s->n, sizeof(*s->v), by_value);
	size_t kept = 1;
	for (size_t i = 1; i < s->n; i++)
		if (s->v[kept - 1] != s->v[i])
			s->v[kept++] = s->v[i];
	s->n = kept;
}

void shingles_digest(const struct shingles *s, unsigned char ret[DIGEST_SIZE / 2])
{
	struct digest d;
	digest_of(s->plain ? (const void *)s->plain : "", s->nplain * sizeof(*s->plain), &d);
	memcpy(ret, d.b, DIGEST_SIZE / 2);
}

size_t shingles_common(const uint64_t *x, size_t nx, const uint64_t *y, size_t ny)
{
	size_t i = 0, k = 0, both = 0;
	while (i < nx && k < ny) { /* without branches: which side is lower is a coin toss */
		uint64_t a = x[i], b = y[k];
		both += a == b;
		i += a <= b;
		k += b <= a;
	}
	return both;
}

int shingles_permille(size_t nx, size_t ny, size_t common)
{
	size_t all = nx + ny - common;
	return all ? (int)(1000 * common / all) : 0;
}

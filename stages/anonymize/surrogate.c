/* What is put in a value's place.
 *
 * A surrogate is drawn from HMAC-SHA-256(key, kind, value, attempt), so one value has one surrogate wherever it stands and whoever runs the
 * pipeline with that key. Attempt 0 nearly always: the next is taken when the surrogate is the value itself, or collides with another value
 * or surrogate of its kind in the call. */
#include "base/alloc.h"
#include "base/utf8.h"
#include "io/digest.h"
#include "stages/anonymize/anonymize.h"

#include <string.h>

#define ATTEMPTS_MAX 10000 /* a kind of few values (codes of three digits) may be used up by a hostile call */

/* Numbers drawn from an HMAC in counter mode. */
struct stream {
	struct str key;
	struct buf seed;
	size_t counted; /* length of the seed before the counter */
	uint32_t block;
	struct digest bytes;
	size_t used;
};

static void put_part(struct buf *b, const void *p, size_t n)
{
	uint32_t length = (uint32_t)n;
	for (int i = 0; i < 4; i++)
		buf_putc(b, (char)(length >> (8 * i) & 0xff));
	buf_add(b, p, n);
}

static void put_count(struct buf *b, uint32_t n)
{
	char bytes[4];
	for (int i = 0; i < 4; i++)
		bytes[i] = (char)(n >> (8 * i) & 0xff);
	put_part(b, bytes, sizeof(bytes));
}

static void stream_begin(struct stream *s, struct str key, const char *kind, struct str value, uint32_t attempt)
{
	static const char format[] = "taf-anonymize-1";
	*s = (struct stream){.key = key, .seed = BUF_INIT, .used = DIGEST_SIZE};
	put_part(&s->seed, format, strlen(format));
	put_part(&s->seed, kind, strlen(kind));
	put_part(&s->seed, value.p, value.n);
	put_count(&s->seed, attempt);
	s->counted = s->seed.len;
}

/* 0 … n-1; 32 bits over so few values are even enough. */
static uint32_t below(struct stream *s, uint32_t n)
{
	if (s->used + 4 > DIGEST_SIZE) {
		buf_truncate(&s->seed, s->counted);
		put_count(&s->seed, s->block++);
		digest_hmac(s->key, s->seed.data, s->seed.len, &s->bytes);
		s->used = 0;
	}
	uint32_t v = 0;
	for (int i = 0; i < 4; i++)
		v |= (uint32_t)s->bytes.b[s->used++] << (8 * i);
	return v % n;
}

static void stream_end(struct stream *s)
{
	buf_release(&s->seed);
}

static char digit(struct stream *s)
{
	return (char)('0' + below(s, 10));
}

static struct str choose(struct stream *s, const struct anon_words *words)
{
	return words->v[below(s, (uint32_t)words->n)];
}

/* --- By kind --- */

static void fake_mobile(const struct anon_call *c, struct stream *s, char *f, size_t n)
{
	struct str prefix = choose(s, &c->rules->lists[RULE_FREE_MOBILE]);
	memcpy(f, prefix.p, prefix.n);
	for (size_t i = prefix.n; i < n; i++)
		f[i] = digit(s);
}

/* The area stays: it is the place the call speaks of. No subscriber's number begins with 9; 95 and 96 are short service numbers. */
static void fake_landline(struct stream *s, struct str value, char *f)
{
	static const char second[] = "0123478";
	size_t area = value.p[1] == '1' || value.p[1] == '2' ? 3 : 4;
	memcpy(f, value.p, area);
	f[area] = '9';
	f[area + 1] = second[below(s, sizeof(second) - 1)];
	for (size_t i = area + 2; i < value.n; i++)
		f[i] = digit(s);
}

/* Another day of the same year (the call may speak of the age), the same wherever that date of birth stands. */
static void fake_birthday(const struct anon_call *c, struct str date, char *f)
{
	struct stream s;
	stream_begin(&s, c->key, "birth_date", date, 0);
	uint32_t month = 1 + below(&s, 12), day = 1 + below(&s, 28);
	size_t at = date.n - 4;
	memcpy(f, date.p, at);
	f[at] = (char)('0' + month / 10);
	f[at + 1] = (char)('0' + month % 10);
	if (memcmp(f + at, date.p + at, 2) == 0 && (char)('0' + day / 10) == date.p[at + 2] &&
		(char)('0' + day % 10) == date.p[at + 3])
		day = day % 28 + 1;
	f[at + 2] = (char)('0' + day / 10);
	f[at + 3] = (char)('0' + day % 10);
	stream_end(&s);
}

#define CHECK_TRIES 1000 /* one in eleven numbers ends with X */

/* A region that was never given out; odd and even (man and woman) stay in the last digit of the sequence; X stays X, so that the form does. */
static void fake_id(const struct anon_call *c, struct stream *s, struct str value, char *f)
{
	struct str region = choose(s, &c->rules->lists[RULE_FREE_REGIONS]);
	bool old = value.n == 15;
	size_t date = old ? 6 : 8, sequence = 6 + date;
	memcpy(f, region.p, 2);
	for (size_t i = 2; i < 6; i += 2) {
		uint32_t part = 1 + below(s, 28);
		f[i] = (char)('0' + part / 10);
		f[i + 1] = (char)('0' + part % 10);
	}
	fake_birthday(c, str_n(value.p + 6, date), f + 6);
	for (int tries = 0; tries < CHECK_TRIES; tries++) {
		f[sequence] = digit(s);
		f[sequence + 1] = digit(s);
		f[sequence + 2] = (char)('0' + 2 * below(s, 5) + (uint32_t)(value.p[sequence + 2] - '0') % 2);
		if (old)
			return;
		f[17] = anon_id_check(f);
		if ((f[17] == 'X') == (value.p[17] == 'X'))
			return;
	}
}

/* Cards that begin with 62 get a range nobody issues; others keep the first digit, which tells the network. The last digit makes Luhn's sum right. */
static void fake_card(const struct anon_call *c, struct stream *s, struct str value, char *f)
{
	struct str prefix = str_n(value.p, 1);
	if (value.p[0] == '6' && value.p[1] == '2')
		prefix = choose(s, &c->rules->lists[RULE_FREE_CARDS]);
	memcpy(f, prefix.p, prefix.n);
	for (size_t i = prefix.n; i < value.n; i++)
		f[i] = digit(s);
	for (int last = 0; last < 10; last++) {
		f[value.n - 1] = (char)('0' + last);
		if (anon_luhn(f, value.n))
			return;
	}
}

/* Letters stay letters, digits digits, a first digit that is not 0 stays so, signs stay. */
static void fake_classes(struct stream *s, struct str value, char *f)
{
	for (size_t i = 0; i < value.n; i++) {
		char v = value.p[i];
		if (v >= '1' && v <= '9' && i == 0)
			f[i] = (char)('1' + below(s, 9));
		else if (v >= '0' && v <= '9')
			f[i] = digit(s);
		else if (v >= 'a' && v <= 'z')
			f[i] = (char)('a' + below(s, 26));
		else
			f[i] = v;
	}
}

/* name@ keeps its provider, which is not in the value; a domain of its own becomes example (RFC 2606). */
static void fake_mail(struct stream *s, struct str value, char *f)
{
	ptrdiff_t at = str_find(value, STR("@"));
	size_t local = at < 0 ? value.n : (size_t)at;
	fake_classes(s, str_n(value.p, local), f);
	ptrdiff_t end = str_find(value, str_n("#", 1));
	for (size_t i = local; i < value.n; i++)
		f[i] = i == local ? '@' : i == local + 1 ? FAKE_EXAMPLE : (ptrdiff_t)i == end ? FAKE_COM : FAKE_NOTHING;
}

static void fake_one(const struct anon_call *c, struct stream *s, const struct anon_value *v, char *f)
{
	struct str value = v->text;
	if (!anon_form_known(v->kind, value.p, value.n)) {
		fake_classes(s, value, f);
		return;
	}
	switch (v->kind) {
	case ANON_MOBILE:
		fake_mobile(c, s, f, value.n);
		return;
	case ANON_LANDLINE:
		fake_landline(s, value, f);
		return;
	case ANON_RESIDENT_ID:
		fake_id(c, s, value, f);
		return;
	case ANON_BANK_CARD:
		fake_card(c, s, value, f);
		return;
	case ANON_EMAIL:
		fake_mail(s, value, f);
		return;
	case ANON_PLATE: /* no city has the letter I */
		fake_classes(s, value, f);
		f[0] = 'i';
		return;
	case ANON_CHAT_ID:
	case ANON_CODE:
	case ANON_PASSPORT:
	case ANON_ACCOUNT:
		fake_classes(s, value, f);
		if (v->kind == ANON_PASSPORT)
			f[0] = value.p[0];
		return;
	case ANON_KINDS:
		break;
	}
	ASSERT(!"a kind");
}

/* "kind text" in the map of what is used up. */
static bool used(struct map *m, enum anon_kind kind, struct str text, bool add)
{
	CLEANUP(buf_release) struct buf name = BUF_INIT;
	bool fresh;
	buf_printf(&name, "%s %.*s", anon_kind_name(kind), STR_FMT(text));
	if (!add)
		return map_find(m, buf_view(&name)) != NULL;
	map_put(m, buf_view(&name), &fresh);
	return !fresh;
}

void anon_fake(struct anon_call *c)
{
	CLEANUP(map_release) struct map fakes = MAP_INIT;
	for (size_t i = 0; i < c->nvalues; i++) {
		struct anon_value *v = &c->values[i];
		char *f = arena_dup(c->a, v->text.p, v->text.n);
		v->fake = str_n(f, v->text.n);
		for (uint32_t attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
			struct stream s;
			stream_begin(&s, c->key, anon_kind_name(v->kind), v->text, attempt);
			fake_one(c, &s, v, f);
			stream_end(&s);
			if (!str_eq(v->fake, v->text) && !used(&c->known, v->kind, v->fake, false) &&
				!used(&fakes, v->kind, v->fake, false))
				break;
		}
		used(&fakes, v->kind, v->fake, true);
	}
}

/* --- Writing --- */

/* How a speaker says the digits: as the span shows, else as the rest of its style. */
struct voice {
	uint32_t say[10];
};

static void voice_of(const struct anon_text *t, const struct span *s, struct voice *v)
{
	static const uint32_t plain[10] = {0x96f6, 0x4e00, 0x4e8c, 0x4e09, 0x56db, 0x4e94, 0x516d, 0x4e03, 0x516b, 0x4e5d};
	bool radio = false, yao = false;
	memset(v, 0, sizeof(*v));
	for (size_t i = 0; i < s->natoms; i++) {
		const struct atom *a = &s->atoms[i];
		uint32_t cp = a->nsigns == 1 ? t->signs[a->sign].cp : 0;
		if (a->style != STYLE_SPOKEN || a->c < '0' || a->c > '9' || !cp)
			continue;
		radio |= cp == 0x6d1e || cp == 0x62d0 || cp == 0x52fe; /* 洞 拐 勾 */
		if (!v->say[a->c - '0'])
			v->say[a->c - '0'] = cp;
	}
	yao = radio || str_find(t->s, STR("幺")) >= 0;
	for (int d = 0; d < 10; d++)
		if (!v->say[d])
			v->say[d] = d == 1 && yao ? 0x5e7a : radio && d == 0 ? 0x6d1e : radio && d == 7 ? 0x62d0 : plain[d];
}

static void put_char(struct buf *b, uint32_t cp)
{
	char bytes[4];
	size_t n = utf8_put(cp, bytes);
	buf_add(b, bytes, n);
}

static void put_digit(struct buf *b, char d, uint8_t style, const struct voice *v)
{
	put_char(b, style == STYLE_SPOKEN ? v->say[d - '0']
				: style == STYLE_WIDE ? (uint32_t)(0xff10 + d - '0')
									  : (uint32_t)d);
}

static void put_atom(
	struct buf *b, const struct anon_text *t, const struct atom *a, struct str fake, const struct voice *v)
{
	const struct sign *s = &t->signs[a->sign];
	bool is_digit = a->c >= '0' && a->c <= '9', is_letter = s->kind == SIGN_LETTER && a->nsigns == 1;
	char f = a->index >= 0 ? fake.p[a->index] : a->index == INDEX_SLIP ? fake.p[(a->sign * 7 + 3) % fake.n] : '\0';
	if (f == FAKE_EXAMPLE)
		buf_puts(b, "example");
	if (f == FAKE_COM)
		buf_puts(b, "com");
	if (f == FAKE_EXAMPLE || f == FAKE_NOTHING || f == FAKE_COM)
		return;
	if (is_digit && f) {
		put_digit(b, f >= '0' && f <= '9' ? f : '0', a->style, v);
		if (a->nsigns == 2) /* a digit with its 十 or 百 */
			buf_str(b, anon_slice(t, a->sign + 1, a->sign + 2));
	} else if (is_letter && f >= 'a' && f <= 'z' && !(a->flags & ATOM_MARK)) {
		uint32_t wide = s->cp >= 0xff21 ? 0xfee0 : 0, plain = s->cp - wide;
		put_char(b, wide + (uint32_t)f - (plain >= 'A' && plain <= 'Z' ? 'a' - 'A' : 0));
	} else {
		buf_str(b, anon_slice(t, a->sign, a->sign + a->nsigns));
	}
}

static void put_span(const struct anon_call *c, const struct anon_text *t, const struct span *s, struct buf *ret)
{
	struct voice v;
	struct str fake = c->values[s->value].fake;
	size_t k = 0;
	voice_of(t, s, &v);
	for (size_t i = s->first; i < s->end;) {
		if (k == s->natoms || s->atoms[k].sign != i) {
			buf_str(ret, anon_slice(t, i, i + 1));
			i++;
			continue;
		}
		size_t nsigns = s->atoms[k].nsigns;
		do
			put_atom(ret, t, &s->atoms[k++], fake, &v);
		while (k < s->natoms && !s->atoms[k].nsigns);
		i += nsigns;
	}
}

void anon_render(const struct anon_call *c, const struct anon_text *t, struct buf *ret, size_t *ret_at, size_t *ret_chars)
{
	size_t from = 0, chars = 0;
	for (size_t i = 0; i < t->nspans; i++) {
		const struct span *s = &t->spans[i];
		buf_str(ret, anon_slice(t, from, s->first));
		chars += s->first - from;
		size_t start = ret->len;
		put_span(c, t, s, ret);
		ret_at[i] = chars;
		ret_chars[i] = utf8_count(str_n(ret->data + start, ret->len - start));
		chars += ret_chars[i];
		from = s->end;
	}
	buf_str(ret, anon_slice(t, from, t->n));
}

const char *anon_form(const struct span *s)
{
	const char *form = "digits";
	for (size_t i = 0; i < s->natoms; i++) {
		const struct atom *a = &s->atoms[i];
		bool number = (a->c >= '0' && a->c <= '9') || (a->flags & ATOM_MARK);
		if (!number)
			return "text";
		if (a->style == STYLE_SPOKEN)
			form = "spoken";
	}
	return form;
}

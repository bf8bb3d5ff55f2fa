#include "tests/stages/anonymize/anonkit.h"

#include "base/alloc.h"
#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

void anonkit_open(struct anonkit *k)
{
	struct err e = ERR_INIT;
	*k = (struct anonkit){.memory = ARENA_INIT};
	if (anon_rules_load(&k->rules_memory, "stages/anonymize/rules.yaml", &k->rules, &e) < 0)
		fail_msg("%s", e.text);
}

static void forget(struct anonkit *k)
{
	map_release(&k->call.known);
	arena_reset(&k->memory);
}

void anonkit_close(struct anonkit *k)
{
	forget(k);
	arena_release(&k->memory);
	arena_release(&k->rules_memory);
}

static char *render(struct anonkit *k, const struct anon_text *t)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	size_t *at = arena_array(&k->memory, t->nspans + 1, sizeof(*at));
	size_t *chars = arena_array(&k->memory, t->nspans + 1, sizeof(*chars));
	anon_render(&k->call, t, &b, at, chars);
	return arena_dup(&k->memory, b.data, b.len);
}

void anonkit_turns(struct anonkit *k, const char *key, const char *const *turns, size_t n)
{
	forget(k);
	k->call = (struct anon_call){.a = &k->memory, .rules = &k->rules, .key = str_of(key), .known = MAP_INIT};
	k->call.texts = arena_array(&k->memory, n + 1, sizeof(*k->call.texts));
	for (size_t i = 0; i < n; i++) {
		bool said = (turns[i][0] == 'l' || turns[i][0] == 'r') && turns[i][1] == ':';
		k->call.texts[i] = (struct anon_text){.s = arena_str(&k->memory, str_of(turns[i] + (said ? 2 : 0))),
			.turn = (int)i,
			.side = said ? turns[i][0] : 'l'};
	}
	k->call.ntexts = n;
	for (size_t i = 0; i < n; i++)
		anon_read(&k->call, &k->call.texts[i]);
	anon_find(&k->call);
	anon_fake(&k->call);
	k->out = arena_array(&k->memory, n + 1, sizeof(*k->out));
	for (size_t i = 0; i < n; i++)
		k->out[i] = render(k, &k->call.texts[i]);
}

const char *anonkit_text(struct anonkit *k, const char *text)
{
	anonkit_turns(k, "public-demo", &text, 1);
	return k->out[0];
}

const char *anonkit_found(struct anonkit *k, size_t i)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	const struct anon_text *t = &k->call.texts[i];
	for (size_t s = 0; s < t->nspans; s++)
		buf_printf(&b, "%s%s:%.*s", s ? "|" : "", anon_kind_name(t->spans[s].kind),
			STR_FMT(anon_slice(t, t->spans[s].first, t->spans[s].end)));
	return arena_dup(&k->memory, b.data, b.len);
}

void anonkit_check_outside(struct anonkit *k, size_t i)
{
	const struct anon_text *t = &k->call.texts[i];
	size_t *at = arena_array(&k->memory, t->nspans + 1, sizeof(*at)),
		   *chars = arena_array(&k->memory, t->nspans + 1, sizeof(*chars));
	CLEANUP(buf_release) struct buf b = BUF_INIT, kept = BUF_INIT, expected = BUF_INIT;
	anon_render(&k->call, t, &b, at, chars);
	struct str rest = buf_view(&b);
	uint32_t cp;
	size_t s = 0;
	for (size_t n = 0; rest.n; n++) {
		const char *p = rest.p;
		utf8_next(&rest, &cp);
		while (s < t->nspans && n >= at[s] + chars[s])
			s++;
		if (s == t->nspans || n < at[s])
			buf_add(&kept, p, (size_t)(rest.p - p));
	}
	size_t from = 0;
	for (s = 0; s <= t->nspans; s++) {
		size_t to = s < t->nspans ? t->spans[s].first : t->n;
		buf_str(&expected, anon_slice(t, from, to));
		from = s < t->nspans ? t->spans[s].end : t->n;
	}
	assert_string_equal(kept.data, expected.data);
}

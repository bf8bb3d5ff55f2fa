#include "tests/provider/tts_kit.h"

#include "base/alloc.h"
#include "core/problems.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* --- The server --- */

static const struct tts_say *line_at(const struct tts_say *lines, int i)
{
	int k = 0;
	while (k < i && (lines[k + 1].head || lines[k + 1].body))
		k++;
	return &lines[k];
}

static bool say(struct net_connection *c, const struct tts_say *l)
{
	struct str body = l->n ? str_n(l->body, l->n) : str_of(l->body);
	if (!l->head)
		return net_reset(c);
	if (strcmp(l->head, "hang") == 0)
		return net_hang(c);
	if (strcmp(l->head, "cut") != 0)
		return net_reply(c, l->head, body);
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	buf_printf(&b, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", body.n);
	buf_add(&b, body.p, body.n / 2);
	net_send(c, b.data, b.len);
	return false;
}

static bool answer(struct net_connection *c)
{
	struct tts_server *s = c->server->arg;
	bool ready = str_find(c->request, STR("/ready HTTP")) >= 0, status = str_find(c->request, STR("/status HTTP")) >= 0;
	const struct tts_say none = {"404 Not Found", "{\"detail\":\"Not Found\"}", 0};
	if (ready || status) {
		const struct tts_say *lines = ready ? s->ready : s->status;
		int i = atomic_fetch_add(ready ? &s->nready : &s->nstatus, 1);
		return say(c, lines ? line_at(lines, i) : &none);
	}
	if (s->bad && str_find(c->body, str_of(s->bad)) >= 0)
		return net_reply(c, "500 Internal Server Error", STR("{\"detail\":\"tensor\"}"));
	int i = atomic_fetch_add(&s->n, 1);
	if (i < TTS_SEEN_MAX) {
		snprintf(s->seen[i], sizeof(s->seen[i]), "%.*s", STR_FMT(c->body));
		snprintf(s->heads[i], sizeof(s->heads[i]), "%.*s", STR_FMT(c->request));
	}
	return say(c, line_at(s->lines, i));
}

void tts_server_start(struct tts_server *s, const struct tts_say *lines)
{
	memset(s, 0, sizeof(*s));
	s->lines = lines;
	net_start(&s->net, answer, s);
}

void tts_server_stop(struct tts_server *s)
{
	net_stop(&s->net);
}

/* --- The provider --- */

static void take_told(void *arg, const char *account, const char *words)
{
	struct tts_kit *k = arg;
	(void)account;
	snprintf(k->told, sizeof(k->told), "%s", words);
	k->ntold++;
}

void tts_kit_open(struct tts_kit *k, const struct provider_ops *ops, const char *with, struct err *e)
{
	struct problems problems = {0};
	struct yaml_node *node = NULL;
	struct account_config c;
	memset(k, 0, sizeof(*k));
	if (yaml_parse(&k->arena, NULL, str_of(with), &node, &k->e) < 0)
		fail_msg("%s", k->e.text);
	k->params = arena_alloc(&k->arena, ops->params_size);
	if (!options_parse(&k->arena, ops->options, ops->noptions, node, ".", "provider", k->params, &problems))
		fail_msg("%s: %s", with, problems.v[0].text);
	k->p = (struct provider){.name = "speaker", .ops = ops, .params = k->params};
	provider_identify(&k->arena, &k->p);
	if (ops->ready(&k->p, e ? e : &k->e) < 0 && !e)
		fail_msg("%s", k->e.text);
	budget_init(&k->budget);
	k->accounts = accounts_new(&k->budget, take_told, k);
	ops->account(&k->p, &c);
	k->n = ops->places(&k->p);
	for (size_t i = 0; i < k->n; i++) {
		c.place = k->n > 1 ? ops->place(&k->p, i) : NULL;
		k->v[i] = account_add(k->accounts, &c);
	}
}

void tts_kit_close(struct tts_kit *k)
{
	accounts_stop(k->accounts, true);
	accounts_free(k->accounts);
	arena_release(&k->arena);
}

int tts_kit_speak(struct tts_kit *k, const char *const *texts, const char *voice, int rung)
{
	struct str v[TTS_TEXTS_MAX];
	struct provider_speak q = {.arena = &k->arena, .texts = v, .rung = rung, .voice = tts_kit_json(k, voice)};
	for (; texts[q.n]; q.n++)
		v[q.n] = str_of(texts[q.n]);
	memset(k->sounds, 0, sizeof(k->sounds));
	err_clear(&k->e);
	return k->p.ops->speak(&k->p, k->v, k->n, &q, k->sounds, &k->e);
}

struct json *tts_kit_json(struct tts_kit *k, const char *text)
{
	struct json *v = NULL;
	struct err e = ERR_INIT;
	if (json_parse(&k->arena, str_of(text), &v, &e) < 0)
		fail_msg("%s: %s", text, e.text);
	return v;
}

void tts_kit_says(const struct tts_kit *k, const char *text)
{
	if (!strstr(k->e.text, text))
		fail_msg("'%s' is not in: %s", text, k->e.text);
}

void tts_kit_no_sound(const struct tts_kit *k, size_t i, const char *why)
{
	assert_int_equal(k->sounds[i].bytes.n, 0);
	if (!k->sounds[i].why || !strstr(k->sounds[i].why, why))
		fail_msg("'%s' is not in: %s", why, k->sounds[i].why ? k->sounds[i].why : "(nothing)");
}

void tts_kit_sound(const struct tts_kit *k, size_t i, const char *bytes)
{
	if (k->sounds[i].why)
		fail_msg("sound %zu: %s", i, k->sounds[i].why);
	if (!str_is(k->sounds[i].bytes, bytes))
		fail_msg("sound %zu is '%.*s', not '%s'", i, STR_FMT(k->sounds[i].bytes), bytes);
}

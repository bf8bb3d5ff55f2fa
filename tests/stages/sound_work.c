#include "tests/stages/sound_work.h"

#include "base/alloc.h"
#include "core/problems.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int object_put(void *arg, struct str bytes, struct digest *ret, struct err *e)
{
	struct sound_work *s = arg;
	(void)e;
	digest_of(bytes.p, bytes.n, ret);
	for (size_t i = 0; i < s->n; i++)
		if (memcmp(&s->objects[i].digest, ret, sizeof *ret) == 0)
			return 0;
	GROW(s->objects, s->n, s->cap);
	struct memory_object *o = &s->objects[s->n++];
	o->digest = *ret;
	buf_init(&o->bytes, (size_t)1 << 30);
	buf_str(&o->bytes, bytes);
	return 0;
}

static int object_read(void *arg, const struct digest *d, size_t max, struct buf *ret, struct err *e)
{
	struct sound_work *s = arg;
	for (size_t i = 0; i < s->n && !s->damaged; i++) {
		if (memcmp(&s->objects[i].digest, d, sizeof *d) != 0)
			continue;
		if (s->objects[i].bytes.len > max)
			return err_set(e, ERR_TOOBIG, "object");
		buf_str(ret, buf_view(&s->objects[i].bytes));
		return 0;
	}
	return err_set(e, ERR_LOST, "no such object");
}

void sound_work_init(
	struct sound_work *s, const struct stage_ops *ops, const struct provider *provider, const char *options)
{
	memset(s, 0, sizeof *s);
	struct stage *st = &s->stage;
	*st = (struct stage){.ops = ops, .name = ops->name, .seed = 7, .dataset = "test", .provider = provider, .base = "."};
	st->params = arena_alloc(&st->arena, ops->params_size);
	struct yaml_node *with = NULL;
	struct err e = ERR_INIT;
	struct problems problems = PROBLEMS_INIT;
	if (yaml_parse(&st->arena, "test", str_of(options), &with, &e) != 0 ||
		!options_parse(&st->arena, ops->options, ops->noptions, with, ".", ops->name, st->params, &problems) ||
		(ops->check && ops->check(st->params, &e) != 0) || (ops->init && ops->init(st, &e) != 0)) {
		struct buf text = BUF_INIT;
		problems_print(&problems, &text);
		fprintf(stderr, "options of %s: %s %s\n", ops->name, e.text, text.data);
		abort();
	}
	problems_release(&problems);
	s->io = (struct work_io){.object_put = object_put, .object_read = object_read, .arg = s};
	s->work = (struct work){.stage = st, .arena = &s->arena, .io = &s->io};
}

void sound_work_release(struct sound_work *s)
{
	for (size_t i = 0; i < s->n; i++)
		buf_release(&s->objects[i].bytes);
	free(s->objects);
	arena_release(&s->arena);
	arena_release(&s->stage.arena);
}

void sound_work_call(struct sound_work *s, const char *id, const struct json *call)
{
	s->io.asks = s->io.answers = s->io.objects = NULL;
	s->work = (struct work){
		.stage = &s->stage, .arena = &s->arena, .io = &s->io, .id = str_of(arena_strdup(&s->arena, id)), .call = call};
}

const struct json *sound_work_json(struct sound_work *s, const char *text)
{
	struct json *v = NULL;
	struct err e = ERR_INIT;
	if (json_parse(&s->arena, str_of(text), &v, &e) != 0) {
		fprintf(stderr, "%s in %s\n", e.text, text);
		abort();
	}
	return v;
}

int sound_work_ask(struct sound_work *s, struct err *e)
{
	int code = s->stage.ops->asks(&s->work, e);
	struct json *out = json_array(&s->arena);
	JSON_EACH(request, s->io.asks) {
		struct json *row = json_object(&s->arena);
		json_set(&s->arena, row, "request", json_copy(&s->arena, request));
		json_set(&s->arena, row, "answer", json_null(&s->arena));
		json_append(out, row);
	}
	s->work.asks = out;
	return code;
}

const char *sound_work_put(struct sound_work *s, struct str bytes)
{
	struct digest d;
	struct err e = ERR_INIT;
	char *hex = arena_alloc(&s->arena, DIGEST_HEX + 1);
	object_put(s, bytes, &d, &e);
	digest_hex(&d, hex);
	return hex;
}

const struct buf *sound_work_get(const struct sound_work *s, struct str hex)
{
	struct digest d;
	for (size_t i = 0; digest_parse(hex, &d) && i < s->n; i++)
		if (memcmp(&s->objects[i].digest, &d, sizeof d) == 0)
			return &s->objects[i].bytes;
	return NULL;
}

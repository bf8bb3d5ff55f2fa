#include "tests/servers/llm/replay.h"

#include "base/alloc.h"
#include "base/fs.h"
#include "io/json.h"

#include <stdlib.h>

static size_t interleave(const struct json *row, struct arena *a, struct str **ret)
{
	const struct json *left = json_first(json_get(row, "left")), *right = json_first(json_get(row, "right"));
	size_t n = 0, most = json_count(json_get(row, "left")) + json_count(json_get(row, "right"));
	*ret = arena_array(a, most + 1, sizeof(struct str));
	while (left || right) {
		if (left && left->kind == JSON_STRING)
			(*ret)[n++] = arena_str(a, left->u.s);
		if (right && right->kind == JSON_STRING)
			(*ret)[n++] = arena_str(a, right->u.s);
		left = left ? left->next : NULL;
		right = right ? right->next : NULL;
	}
	return n;
}

static size_t in_order(const struct json *turns, struct arena *a, struct str **ret)
{
	size_t n = 0;
	*ret = arena_array(a, json_count(turns) + 1, sizeof(struct str));
	JSON_EACH(t, turns)
		(*ret)[n++] = arena_str(a, json_get_str(t, "text"));
	return n;
}

static int read_row(struct replay *r, struct str line, struct err *e)
{
	CLEANUP(arena_release) struct arena row_arena = ARENA_INIT;
	struct json *row = NULL;
	struct replay_talk talk = {.n = 0};
	bool fresh = false;
	int rc = json_parse(&row_arena, line, &row, e);
	if (rc < 0)
		return rc;
	talk.n = json_get(row, "turns") ? in_order(json_get(row, "turns"), &r->arena, &talk.turns)
									: interleave(row, &r->arena, &talk.turns);
	if (talk.n == 0 || talk.turns[0].n == 0)
		return err_set(e, ERR_DATA, "a dialogue has `turns` [{role, text}], or `left` and `right` lists of texts");
	GROW(r->v, r->n, r->cap);
	r->v[r->n] = talk;
	struct map_entry *at = map_put(&r->openings, talk.turns[0], &fresh);
	if (fresh)
		at->value.i = (int64_t)r->n;
	r->n++;
	return 0;
}

int replay_read(const char *path, struct replay *ret, struct err *e)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT_MAX(REPLAY_FILE_MAX);
	*ret = (struct replay){.n = 0};
	int rc = fs_read(path, REPLAY_FILE_MAX, &b, e);
	struct str rest = buf_view(&b), line;
	for (int n = 1; rc == 0 && str_line(&rest, &line); n++)
		if (str_trim(line).n && (rc = read_row(ret, line, e)) < 0)
			err_context(e, "%s:%d", path, n);
	if (rc == 0 && ret->n == 0)
		rc = err_set(e, ERR_DATA, "%s: there is no dialogue in it", path);
	return rc;
}

void replay_release(struct replay *r)
{
	map_release(&r->openings);
	free(r->v);
	arena_release(&r->arena);
}

bool replay_line(const struct replay *r, struct str opening, size_t turn, uint64_t key, struct str *ret, bool *ret_last)
{
	size_t i = (size_t)(key % r->n);
	if (turn) {
		const struct map_entry *at = map_find(&r->openings, opening);
		if (!at)
			return false;
		i = (size_t)at->value.i;
	}
	if (turn >= r->v[i].n)
		return false;
	*ret = r->v[i].turns[turn];
	*ret_last = turn + 1 == r->v[i].n;
	return true;
}

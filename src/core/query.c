#include "core/query.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

#define NOW_FAILED " AND m.outcome IN (3,4)" /* OUTCOME_QUARANTINED, OUTCOME_FAILED */

_Static_assert(OUTCOME_REJECTED == 2 && OUTCOME_QUARANTINED == 3 && OUTCOME_FAILED == 4, "numbers in SQL");

/* A query whose one parameter is its limit, before its first row. */
static int list_prepare(struct store *s, size_t max, const char *sql, struct db_stmt **ret)
{
	int rc = db_prepare(store_db(s), sql, ret, NULL);
	if (rc >= 0)
		db_int(*ret, 1, (int64_t)max);
	return rc;
}

/* `n` rows of `size` bytes, as an array in the arena. */
static void *rows_keep(struct arena *a, const void *rows, size_t n, size_t size)
{
	void *kept = arena_array(a, n + 1, size);
	if (n)
		memcpy(kept, rows, n * size);
	return kept;
}

static void fill_failure(struct arena *a, struct db_stmt *st, struct query_failure *ret)
{
	ret->stage = arena_str(a, db_col_str(st, 0));
	ret->id = arena_str(a, db_col_str(st, 1));
	ret->code = (int)db_col_int(st, 2);
	ret->text = arena_str(a, db_col_str(st, 3));
	ret->run = (int32_t)db_col_int(st, 4);
}

size_t query_failures(struct store *s, struct arena *a, size_t max, struct query_failure **ret)
{
	CLEANUP(db_stmt_cleanup) struct db_stmt *st = NULL;
	CLEANUP(free_ptr) struct query_failure *v = NULL;
	size_t n = 0, cap = 0;
	/* One row a call and stage: with max() SQLite takes the other columns from that row. */
	int rc = list_prepare(s, max,
		"SELECT s.name,i.id,f.code,f.text,max(f.run) FROM failure f JOIN memo m ON m.stage=f.stage AND "
		"m.item=f.item" NOW_FAILED " JOIN stage s ON s.n=f.stage JOIN item i ON i.n=f.item GROUP BY f.stage,f.item "
		"ORDER BY m.outcome,max(f.run) DESC,i.id LIMIT ?",
		&st);
	if (rc < 0)
		return 0;
	while (n < max && db_step(st, NULL) > 0) {
		GROW(v, n, cap);
		fill_failure(a, st, &v[n++]);
	}
	*ret = rows_keep(a, v, n, sizeof(*v));
	return n;
}

size_t query_rejections(struct store *s, struct arena *a, size_t max, struct query_rejection **ret)
{
	CLEANUP(db_stmt_cleanup) struct db_stmt *st = NULL;
	CLEANUP(free_ptr) struct query_rejection *v = NULL;
	size_t n = 0, cap = 0;
	int rc = list_prepare(s, max,
		"SELECT s.name,i.id,r.fields FROM memo m JOIN stage s ON s.n=m.stage JOIN item i ON i.n=m.item LEFT JOIN "
		"result r ON "
		"r.n=m.result WHERE m.outcome=2 ORDER BY s.n,i.id LIMIT ?",
		&st);
	if (rc < 0)
		return 0;
	while (n < max && db_step(st, NULL) > 0) {
		struct json *fields = NULL;
		if (json_parse(a, db_col_str(st, 2), &fields, NULL) < 0)
			fields = NULL;
		GROW(v, n, cap);
		v[n++] = (struct query_rejection){.stage = arena_str(a, db_col_str(st, 0)),
			.id = arena_str(a, db_col_str(st, 1)),
			.findings = json_get(json_get(json_get(fields, "qa"), "@"), "findings")};
	}
	*ret = rows_keep(a, v, n, sizeof(*v));
	return n;
}

int query_item(struct store *s, struct str id, int32_t *ret, struct err *e)
{
	CLEANUP(db_stmt_cleanup) struct db_stmt *st = NULL;
	int rc = db_prepare(store_db(s), "SELECT n FROM item WHERE id=? ORDER BY n DESC LIMIT 1", &st, e);
	if (rc < 0)
		return rc;
	db_text(st, 1, id);
	rc = db_step(st, e);
	if (rc > 0)
		*ret = (int32_t)db_col_int(st, 0);
	return rc;
}

struct near_list {
	struct arena *arena;
	struct str want;
	size_t max;
	struct option_list *list;
	int *scores;
};

/* 0 is nearest; -1: not near at all. */
static int near_score(struct str id, struct str want)
{
	int limit = want.n < 6 ? 2 : want.n < 12 ? 3 : 5;
	if (want.n && id.n >= want.n && memcmp(id.p, want.p, want.n) == 0)
		return 1;
	int d = str_distance(id, want, limit);
	if (d <= limit && (size_t)d < want.n)
		return 1 + d;
	return want.n >= 3 && str_find(id, want) >= 0 ? 8 : -1;
}

static int near_take(void *arg, int32_t n, struct str id)
{
	struct near_list *l = arg;
	int score = near_score(id, l->want);
	(void)n;
	if (score < 0)
		return 0;
	size_t at = l->list->n;
	while (at > 0 && l->scores[at - 1] > score)
		at--;
	if (at == l->max)
		return 0;
	size_t last = l->list->n < l->max ? l->list->n : l->max - 1;
	memmove(&l->list->v[at + 1], &l->list->v[at], (last - at) * sizeof(*l->list->v));
	memmove(&l->scores[at + 1], &l->scores[at], (last - at) * sizeof(*l->scores));
	l->list->v[at] = arena_str(l->arena, id);
	l->scores[at] = score;
	l->list->n = last + 1;
	return 0;
}

int query_near(struct store *s, struct arena *a, struct str id, size_t max, struct option_list *ret, struct err *e)
{
	*ret = (struct option_list){arena_array(a, max, sizeof(struct str)), 0};
	struct near_list l = {a, id, max, ret, arena_array(a, max, sizeof(int))};
	return store_items(s, near_take, &l, e);
}

int query_stages(struct store *s, struct arena *a, struct query_stage **ret, size_t *ret_n, struct err *e)
{
	CLEANUP(db_stmt_cleanup) struct db_stmt *st = NULL;
	CLEANUP(free_ptr) struct query_stage *v = NULL;
	size_t n = 0, cap = 0;
	int rc = db_prepare(store_db(s), "SELECT n,name,type,state FROM stage ORDER BY n", &st, e);
	while (rc >= 0 && (rc = db_step(st, e)) > 0) {
		GROW(v, n, cap);
		v[n].n = (int32_t)db_col_int(st, 0);
		v[n].name = arena_str(a, db_col_str(st, 1)).p;
		v[n].type = arena_str(a, db_col_str(st, 2)).p;
		v[n++].state = arena_str(a, db_col_str(st, 3));
	}
	if (rc < 0)
		return rc;
	*ret = rows_keep(a, v, n, sizeof(*v));
	*ret_n = n;
	return 0;
}

int query_memo(struct store *s, int32_t stage, int32_t item, struct memo *ret, struct err *e)
{
	CLEANUP(db_stmt_cleanup) struct db_stmt *st = NULL;
	int rc = db_prepare(
		store_db(s), "SELECT outcome,reason,fingerprint,changed,checked,was_fingerprint,result,was_result,input FROM memo WHERE stage=? AND item=?",
		&st, e);
	if (rc < 0)
		return rc;
	db_int(st, 1, stage);
	db_int(st, 2, item);
	rc = db_step(st, e);
	if (rc <= 0)
		return rc;
	*ret = (struct memo){.item = item,
		.outcome = (uint8_t)db_col_int(st, 0),
		.reason = (uint8_t)db_col_int(st, 1),
		.fingerprint = (int32_t)db_col_int(st, 2),
		.changed = (int32_t)db_col_int(st, 3),
		.checked = (int32_t)db_col_int(st, 4),
		.was_fingerprint = (int32_t)db_col_int(st, 5),
		.result = db_col_int(st, 6),
		.was_result = db_col_int(st, 7)};
	struct str input = db_col_str(st, 8);
	if (input.n == MEMO_INPUT)
		memcpy(ret->input, input.p, MEMO_INPUT);
	return 1;
}

int query_failure(struct store *s, struct arena *a, int32_t stage, int32_t item, struct query_failure *ret, struct err *e)
{
	CLEANUP(db_stmt_cleanup) struct db_stmt *st = NULL;
	int rc = db_prepare(store_db(s),
		"SELECT s.name,i.id,f.code,f.text,f.run FROM failure f JOIN stage s ON s.n=f.stage JOIN item i ON i.n=f.item"
		" WHERE f.stage=? AND f.item=? ORDER BY f.run DESC LIMIT 1",
		&st, e);
	if (rc < 0)
		return rc;
	db_int(st, 1, stage);
	db_int(st, 2, item);
	rc = db_step(st, e);
	if (rc > 0)
		fill_failure(a, st, ret);
	return rc;
}

int query_fields(struct store *s, struct arena *a, int64_t result, struct json **ret, struct err *e)
{
	CLEANUP(db_stmt_cleanup) struct db_stmt *st = NULL;
	int rc = db_prepare(store_db(s), "SELECT fields FROM result WHERE n=?", &st, e);
	if (rc < 0)
		return rc;
	db_int(st, 1, result);
	rc = db_step(st, e);
	if (rc <= 0)
		return rc;
	rc = json_parse(a, db_col_str(st, 0), ret, e);
	return rc < 0 ? rc : 1;
}

const char *query_run_id(struct store *s, struct arena *a, int32_t n)
{
	struct run_row row = {.stats = BUF_INIT};
	const char *id = n > 0 && store_run(s, n, &row, NULL) > 0 ? arena_strdup(a, row.id) : "";
	buf_release(&row.stats);
	return id;
}

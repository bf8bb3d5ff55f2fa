/* engine: map stages that do nothing, 28,511 calls × 8, cold, beside a bare SQLite loop that writes the same rows. */
#include "tests/bench/kit.h"

#include "base/fs.h"
#include "core/store_rows.h"

#include <stdio.h>
#include <string.h>

static const char *const sql[] = {
#define X(name, text) text,
	STORE_ROWS(X)
#undef X
};

struct bare {
	struct db *db;
	struct db_stmt *item, *result, *key, *memo;
	int64_t n; /* results so far */
};

/* The rows of one record-stage: its result, its key's head, its memo; of the sink, the memo alone. */
static void put_rows(struct bare *b, int stage, int item, struct str fields)
{
	unsigned char digest[DIGEST_SIZE] = {0};
	if (fields.n) {
		b->n++;
		digest_of(&b->n, sizeof(b->n), (struct digest *)(void *)digest);
		db_int(b->result, 1, b->n);
		db_int(b->result, 2, 0);
		db_blob(b->result, 3, digest, DIGEST_SIZE);
		db_text(b->result, 4, fields);
		db_int(b->result, 5, 1);
		db_run(b->result, NULL);
		int64_t head;
		memcpy(&head, digest, sizeof(head));
		db_int(b->key, 1, b->n);
		db_int(b->key, 2, head);
		db_run(b->key, NULL);
	}
	for (int i = 1; i <= 11; i++)
		db_int(b->memo, i, 1);
	db_int(b->memo, 1, stage);
	db_int(b->memo, 2, item);
	db_blob(b->memo, 5, digest, 16);
	db_int(b->memo, 10, b->n);
	db_run(b->memo, NULL);
}

/* All that the run writes of one call: its item, what the source made of it (ten turns of 129 bytes), the map stages, the sink's memo. */
static void put_call(struct bare *b, int maps, int item, struct str call)
{
	char id[32];
	snprintf(id, sizeof(id), "call/%06d", item);
	db_int(b->item, 1, item);
	db_text(b->item, 2, str_of(id));
	db_run(b->item, NULL);
	put_rows(b, 1, item, call);
	for (int s = 2; s <= maps + 1; s++)
		put_rows(b, s, item, STR("{}"));
	put_rows(b, maps + 2, item, (struct str){NULL, 0});
}

static double bare_loop(struct bench *bench, int calls, int maps)
{
	char path[512], call[1700];
	struct store *store;
	struct err e = ERR_INIT;
	struct bare b = {.n = 0};
	bench_path(bench, path, sizeof(path), "bare");
	if (fs_mkdirs(path, &e) < 0 || store_open(path, DB_WRITE, &store, &e) < 0)
		bench_die("bare loop: %s", e.text);
	store_close(store, false);
	strncat(path, "/taf.db", sizeof(path) - strlen(path) - 1);
	if (db_open(path, DB_WRITE, &b.db, &e) < 0 || db_prepare(b.db, sql[ROW_ITEM], &b.item, &e) < 0 ||
		db_prepare(b.db, sql[ROW_RESULT], &b.result, &e) < 0 || db_prepare(b.db, sql[ROW_RESULT_KEY], &b.key, &e) < 0 ||
		db_prepare(b.db, sql[ROW_MEMO], &b.memo, &e) < 0)
		bench_die("bare loop: %s", e.text);
	memset(call, 'x', sizeof(call));
	double from = bench_now();
	db_exec(b.db, "BEGIN", &e);
	for (int i = 1; i <= calls; i++) {
		put_call(&b, maps, i, str_n(call, sizeof(call)));
		if (i % 35 == 0) /* commits of about 1,000 rows, as the writer's */
			db_exec(b.db, "COMMIT; BEGIN", &e);
	}
	db_exec(b.db, "COMMIT", &e);
	double seconds = bench_now() - from;
	db_finalize(b.item);
	db_finalize(b.result);
	db_finalize(b.key);
	db_finalize(b.memo);
	db_close(b.db);
	return seconds;
}

int main(int argc, char **argv)
{
	int rc = bench_child(argc, argv);
	if (rc >= 0)
		return rc;
	struct bench b;
	const int maps = 8;
	bench_begin(&b, BENCH_CALLS, maps);
	double bare = bare_loop(&b, BENCH_CALLS, maps);
	double cold = bench_run(&b);
	double done = (double)BENCH_CALLS * maps;
	if (bench_computed(&b) != BENCH_CALLS * (maps + 1) + 1)
		bench_die("computed %lld", (long long)bench_computed(&b));
	/* What the source and the sink do is in `cold` too, and their rows in the bare loop. */
	printf("engine: %.1f s for %.0f record-stages (%.0f/s); bare SQLite loop of the same rows %.1f s (%.0f/s)\n", cold,
		done, done / cold, bare, done / bare);
	bench_line("engine", done / cold, "/s", 30000, false);
	bench_line("engine-ratio", bare / cold, "", 0.4, false);
	bench_end(&b);
	return 0;
}

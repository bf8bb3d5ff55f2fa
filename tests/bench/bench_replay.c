/* replay: the memos gone, every item is keyed and looked up; beside a bare loop of look-ups by key. */
#include "tests/bench/kit.h"

#include "base/alloc.h"

#include <stdio.h>
#include <string.h>

static double bare_loop(struct bench *b, int64_t *ret_n)
{
	char path[512];
	struct store *store;
	struct err e = ERR_INIT;
	bench_path(b, path, sizeof(path), "work");
	if (store_open(path, DB_READ, &store, &e) < 0)
		bench_die("%s", e.text);
	struct db_stmt *st;
	int64_t n = 0, cap = 0;
	if (db_query_int(store_db(store), "SELECT count(*) FROM result", 0, &cap, &e) < 0)
		bench_die("%s", e.text);
	struct digest *keys = xcalloc((size_t)cap, sizeof(*keys));
	if (db_prepare(store_db(store), "SELECT key FROM result", &st, &e) < 0)
		bench_die("%s", e.text);
	while (n < cap && db_step(st, &e) > 0)
		memcpy(keys[n++].b, db_col_str(st, 0).p, DIGEST_SIZE);
	db_finalize(st);
	struct result row = {.fields = BUF_INIT};
	double from = bench_now();
	for (int64_t i = 0; i < n; i++)
		if (store_find(store, &keys[i], &row, &e) != 1)
			bench_die("a key is not found");
	double seconds = bench_now() - from;
	buf_release(&row.fields);
	free_ptr(&keys);
	store_close(store, false);
	*ret_n = n;
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
	bench_run(&b);
	char path[512];
	struct db *db;
	struct err e = ERR_INIT;
	bench_path(&b, path, sizeof(path), "work/taf.db");
	if (db_open(path, DB_WRITE, &db, &e) < 0 || db_exec(db, "DELETE FROM memo; UPDATE stage SET state=''", &e) < 0)
		bench_die("%s", e.text);
	db_close(db);
	int64_t n;
	double bare = bare_loop(&b, &n);
	double warm = bench_run(&b);
	if (bench_computed(&b) != 0)
		bench_die("computed %lld, not 0", (long long)bench_computed(&b));
	double done = (double)BENCH_CALLS * (maps + 1);
	printf("replay: %.1f s for %.0f items (%.0f/s); bare look-ups %.0f/s\n", warm, done, done / warm, (double)n / bare);
	bench_line("replay", done / warm, "/s", 60000, false);
	bench_end(&b);
	return 0;
}

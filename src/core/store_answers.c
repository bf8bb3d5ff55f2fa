#include "core/store_parts.h"

#include "base/alloc.h"
#include "io/deflate.h"

#include <string.h>

/* Provider answers, what they cost, and which of them a result was made of. The large columns stand last: a row's others are then read without its
 * overflow pages. */
const char store_answer_tables[] =
	"CREATE TABLE answer(request BLOB, draw INTEGER, run INTEGER NOT NULL, stage INTEGER NOT NULL, item INTEGER NOT "
	"NULL,"
	" asked INTEGER NOT NULL, step TEXT NOT NULL, model TEXT NOT NULL, tokens_in INTEGER NOT NULL, tokens_out INTEGER "
	"NOT "
	"NULL, cost INTEGER NOT NULL, imported INTEGER NOT NULL, object BLOB, answer TEXT NOT NULL, sent BLOB NOT NULL,"
	" PRIMARY KEY(request,draw)) WITHOUT ROWID;"
	"CREATE INDEX answer_object ON answer(object) WHERE object IS NOT NULL;"
	"CREATE INDEX answer_item ON answer(item) WHERE item>0;"
	"CREATE TABLE result_answer(result INTEGER, at INTEGER, request BLOB NOT NULL, draw INTEGER NOT NULL, PRIMARY "
	"KEY(result,at)) WITHOUT ROWID;"
	"CREATE TABLE spent(run INTEGER PRIMARY KEY, answers INTEGER NOT NULL, tokens_in INTEGER NOT NULL, tokens_out "
	"INTEGER "
	"NOT NULL, cost INTEGER NOT NULL);"
	"PRAGMA user_version=2;";

#define ANSWER_KEY (DIGEST_SIZE + sizeof(int64_t))

static void answer_key(const struct digest *request, int64_t draw, char ret[ANSWER_KEY])
{
	memcpy(ret, request->b, DIGEST_SIZE);
	memcpy(ret + DIGEST_SIZE, &draw, sizeof(draw));
}

/* Whether this answer was put a moment ago and is still in the writer's queue. */
static bool answer_queued(struct store *s, const struct digest *request, int64_t draw)
{
	char key[ANSWER_KEY];
	answer_key(request, draw, key);
	pthread_mutex_lock(&s->lock);
	bool queued = s->answered.n > 0 && map_find(&s->answered, str_n(key, sizeof(key))) != NULL;
	pthread_mutex_unlock(&s->lock);
	return queued;
}

static int read_answer(
	struct store *s, const struct digest *request, int64_t draw, struct stored_answer *ret, struct err *e)
{
	struct reader *r;
	struct db_stmt *st;
	int rc = reader_take(s, READ_ANSWER, &r, &st, e);
	if (rc < 0)
		return rc;
	db_blob(st, 1, request->b, DIGEST_SIZE);
	db_int(st, 2, draw);
	rc = db_step(st, e);
	if (rc > 0) {
		buf_clear(&ret->text);
		buf_str(&ret->text, db_col_str(st, 0));
		ret->tokens_in = db_col_int(st, 1);
		ret->tokens_out = db_col_int(st, 2);
	}
	db_reset(st);
	reader_give(s, r);
	return rc;
}

void stored_answer_release(struct stored_answer *a)
{
	buf_release(&a->text);
}

int store_answer(struct store *s, const struct digest *request, int64_t draw, struct stored_answer *ret, struct err *e)
{
	if (!store_used(s, &s->has_answers, "SELECT 1 FROM answer LIMIT 1"))
		return 0;
	int rc = read_answer(s, request, draw, ret, e);
	if (rc == 0 && answer_queued(s, request, draw)) {
		rc = store_flush(s, e);
		if (rc == 0)
			rc = read_answer(s, request, draw, ret, e);
	}
	return rc;
}

void store_put_answer(struct store *s, const struct answer_row *a)
{
	struct digest object;
	bool has = digest_parse(a->object, &object);
	char key[ANSWER_KEY];
	CLEANUP(buf_release) struct buf sent = BUF_INIT;
	deflate_pack(&sent, a->sent);
	store_mark_used(s, &s->has_answers);
	answer_key(&a->request, a->draw, key);
	int64_t run = s->run + (a->imported ? 1 : 0); /* for gc: as if the next run had asked */
	int64_t committed = writer_committed(s->writer);
	writer_begin(s->writer);
	int64_t ticket =
		writer_put(s->writer, ROW_ANSWER, has ? "biiiiittiiiibtb" : "biiiiittiiiintb", (const void *)a->request.b,
			(size_t)DIGEST_SIZE, a->draw, run, (int64_t)a->stage, (int64_t)a->item, (int64_t)a->asked, a->step,
			a->model, a->tokens_in, a->tokens_out, a->cost, (int64_t)a->imported, (const void *)(has ? object.b : NULL),
			has ? (size_t)DIGEST_SIZE : (size_t)0, a->answer, (const void *)sent.data, sent.len);
	if (!a->imported)
		ticket =
			writer_put(s->writer, ROW_SPENT, "iiiii", (int64_t)s->run, (int64_t)1, a->tokens_in, a->tokens_out, a->cost);
	writer_end(s->writer);
	pthread_mutex_lock(&s->lock);
	if (s->last_answer <= committed)
		map_clear(&s->answered); /* all on disk */
	map_put(&s->answered, str_n(key, sizeof(key)), NULL);
	s->last_answer = ticket;
	pthread_mutex_unlock(&s->lock);
}

void store_put_spent(struct store *s, int64_t cost)
{
	writer_begin(s->writer);
	writer_put(s->writer, ROW_SPENT, "iiiii", (int64_t)s->run, (int64_t)0, (int64_t)0, (int64_t)0, cost);
	writer_end(s->writer);
}

int store_spent(struct store *s, struct spent *ret, struct err *e)
{
	struct spent sum = {0, 0, 0, 0};
	int rc = 0;
	if (s->format >= 2) /* format 1 asked no paid provider */
		rc = db_query_int(s->db, "SELECT sum(answers) FROM spent", 0, &sum.answers, e);
	if (rc == 0 && sum.answers)
		rc = db_query_int(s->db, "SELECT sum(tokens_in) FROM spent", 0, &sum.tokens_in, e);
	if (rc == 0 && sum.answers)
		rc = db_query_int(s->db, "SELECT sum(tokens_out) FROM spent", 0, &sum.tokens_out, e);
	if (rc == 0 && s->format >= 2)
		rc = db_query_int(s->db, "SELECT sum(cost) FROM spent", 0, &sum.cost, e);
	if (rc == 0)
		*ret = sum;
	return rc;
}

/* --- For commands --- */

#define COLUMNS \
	"a.request,a.draw,a.stage,a.item,a.asked,a.step,a.model,a.tokens_in,a.tokens_out,a.cost,a.imported,a.object,a." \
	"answer,a.sent"

static const char by_result[] =
	"SELECT " COLUMNS " FROM result_answer r JOIN answer a ON a.request=r.request AND a.draw=r.draw"
	" WHERE r.result=? GROUP BY r.request,r.draw ORDER BY min(r.at)";
static const char by_item[] =
	"SELECT " COLUMNS " FROM answer a WHERE a.item=? AND a.stage=? ORDER BY a.asked,a.draw,a.request";
static const char by_all[] = "SELECT " COLUMNS " FROM answer a ORDER BY a.request,a.draw";

static int take_row(struct db_stmt *st, struct buf *sent, struct answer_row *ret, char hex[DIGEST_HEX + 1], struct err *e)
{
	struct str request = db_col_str(st, 0), object = db_col_str(st, 11);
	struct digest d;
	*ret = (struct answer_row){.draw = db_col_int(st, 1),
		.stage = (int32_t)db_col_int(st, 2),
		.item = (int32_t)db_col_int(st, 3),
		.asked = (int)db_col_int(st, 4),
		.step = db_col_str(st, 5),
		.model = db_col_str(st, 6),
		.tokens_in = db_col_int(st, 7),
		.tokens_out = db_col_int(st, 8),
		.cost = db_col_int(st, 9),
		.imported = db_col_int(st, 10) != 0,
		.answer = db_col_str(st, 12)};
	if (request.n != DIGEST_SIZE)
		return err_set(e, ERR_DB, "an answer's key has %zu bytes, not %d", request.n, DIGEST_SIZE);
	memcpy(ret->request.b, request.p, DIGEST_SIZE);
	if (object.n == DIGEST_SIZE) {
		memcpy(d.b, object.p, DIGEST_SIZE);
		digest_hex(&d, hex);
		ret->object = str_n(hex, DIGEST_HEX);
	}
	buf_clear(sent);
	int rc = deflate_unpack(db_col_str(st, 13), BUF_DEFAULT_MAX, sent, e);
	ret->sent = buf_view(sent);
	return rc < 0 ? err_context(e, "the request of a stored answer") : 0;
}

int store_answers(struct store *s, const struct answer_query *q,
	int (*take)(void *arg, const struct answer_row *row, struct err *e), void *arg, struct err *e)
{
	CLEANUP(db_stmt_cleanup) struct db_stmt *st = NULL;
	CLEANUP(buf_release) struct buf sent = BUF_INIT;
	struct answer_row row;
	char hex[DIGEST_HEX + 1];
	if (s->format < 2)
		return 0;
	int rc = db_prepare(s->db, q->result ? by_result : q->item ? by_item : by_all, &st, e);
	if (rc < 0)
		return rc;
	if (q->result || q->item)
		db_int(st, 1, q->result ? q->result : q->item);
	if (!q->result && q->item)
		db_int(st, 2, q->stage);
	while (rc >= 0 && (rc = db_step(st, e)) > 0) {
		rc = take_row(st, &sent, &row, hex, e);
		if (rc == 0)
			rc = take(arg, &row, e);
	}
	return rc;
}

#include "cli/show_requests.h"

#include "base/alloc.h"
#include "base/map.h"
#include "base/utf8.h"
#include "cli/say.h"
#include "core/chat.h"

#define CLIP 400 /* bytes of a text that are shown */

/* --- Collecting --- */

struct requests {
	struct arena *arena;
	struct json *rows;
	struct map draws; /* digest of a request → its answers so far */
};

static struct json *kept(struct arena *a, struct str text, struct err *e)
{
	struct json *v = NULL;
	return json_parse(a, text, &v, e) == 0 ? v : NULL;
}

static int take_request(void *arg, const struct answer_row *row, struct err *e)
{
	struct requests *r = arg;
	struct arena *a = r->arena;
	struct json *out = json_object(a), *answer = kept(a, row->answer, e), *sent = kept(a, row->sent, e);
	if (!answer || !sent)
		return err_context(e, "a stored answer");
	struct map_entry *tries = map_put(&r->draws, str_n((const char *)row->request.b, DIGEST_SIZE), NULL);
	json_set_str(a, out, "step", row->step);
	json_set_int(a, out, "draw", row->draw);
	json_set_int(a, out, "try", ++tries->value.i);
	json_set_str(a, out, "model", row->model);
	json_set(a, out, "imported", json_bool(a, row->imported));
	json_set_int(a, out, "tokens_in", row->tokens_in);
	json_set_int(a, out, "tokens_out", row->tokens_out);
	json_set(a, out, "cost", json_real(a, (double)row->cost / 1e6));
	json_set(a, out, "request", sent);
	json_set(a, out, "answer", answer);
	struct str content = json_get_str(answer, "content"), thinking, text;
	if (content.p) {
		answer_split(content, json_get_str(answer, "reasoning"), &thinking, &text);
		json_set_str(a, out, "text", text);
		if (thinking.n)
			json_set_str(a, out, "thinking", thinking);
	}
	if (row->object.n)
		json_set_str(a, out, "object", row->object);
	json_append(r->rows, out);
	return 0;
}

int requests_of(struct trace *t, const struct trace_stage *s, struct json **ret, struct err *e)
{
	struct requests r = {.arena = &t->arena, .rows = json_array(&t->arena), .draws = MAP_INIT};
	int rc = 0;
	*ret = NULL;
	if (s->withheld)
		return 0;
	if (s->memo.result > 0)
		rc = store_answers(t->store, &(struct answer_query){.result = s->memo.result}, take_request, &r, e);
	if (rc == 0 && json_count(r.rows) == 0)
		rc = store_answers(t->store, &(struct answer_query){.item = t->item, .stage = s->row}, take_request, &r, e);
	map_release(&r.draws);
	if (rc == 0 && json_count(r.rows))
		*ret = r.rows;
	return rc;
}

/* --- For people --- */

static double number(const struct json *v)
{
	return json_is(v, JSON_REAL) ? v->u.d : json_is(v, JSON_INT) ? (double)v->u.i : 0;
}

static void put_cost(struct buf *b, bool speech, int64_t in, int64_t out, double cost)
{
	put_taken(b, speech, in, out);
	if (cost > 0)
		buf_printf(b, ", cost %.4f", cost);
}

/* The answer is a sound: its text was counted by characters. */
static bool is_speech(const struct json *row)
{
	return json_get(row, "object") != NULL;
}

/* "     LABEL: text", further lines below its beginning. */
static void put_text(struct buf *b, const char *label, struct str text, bool full)
{
	struct str shown = full ? text : utf8_clip(text, CLIP), line;
	buf_printf(b, "     %s: ", label);
	for (bool first = true; str_line(&shown, &line); first = false) {
		buf_puts(b, first ? "" : "\n       ");
		put_clean(b, line);
	}
	if (!full && text.n > CLIP) {
		buf_puts(b, "… (");
		put_bytes(b, (int64_t)text.n);
		buf_puts(b, ")");
	}
	buf_putc(b, '\n');
}

static void put_message(struct buf *b, const struct json *message, bool full)
{
	CLEANUP(buf_release) struct buf label = BUF_INIT;
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	const struct json *content = json_get(message, "content");
	put_clean(&label, json_get_str(message, "role"));
	if (json_is(content, JSON_STRING)) {
		put_text(b, label.data, content->u.s, full);
		return;
	}
	JSON_EACH(part, content) {
		buf_clear(&text);
		if (json_get_str(part, "text").p)
			buf_str(&text, json_get_str(part, "text"));
		else
			json_write(&text, part); /* sound, by its digest */
		put_text(b, label.data, buf_view(&text), full);
	}
}

/* What has no messages (a turn that is spoken), and what is no text. */
static void put_value(struct buf *b, const char *label, const struct json *v, bool full)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	json_write(&text, v);
	put_text(b, label, buf_view(&text), full);
}

static void put_request(struct buf *b, size_t n, const struct json *row, bool full)
{
	int64_t again = json_get_int(row, "try", 1);
	const struct json *sent = json_get(row, "request"), *text = json_get(row, "text");
	buf_printf(b, "  %zu. ", n);
	put_clean(b, json_get_str(row, "step"));
	if (again > 1)
		buf_printf(b, ", draw %lld", (long long)again);
	buf_puts(b, ": ");
	put_clean(b, json_get_str(row, "model"));
	buf_puts(b, ", ");
	put_cost(b, is_speech(row), json_get_int(row, "tokens_in", 0), json_get_int(row, "tokens_out", 0),
		number(json_get(row, "cost")));
	buf_puts(b, json_get_bool(row, "imported", false) ? ", imported: it cost nothing here\n" : "\n");
	if (json_get(sent, "messages")) {
		JSON_EACH(message, json_get(sent, "messages"))
			put_message(b, message, full);
	} else {
		put_value(b, "request", sent, full);
	}
	if (json_get(row, "thinking"))
		put_text(b, "thinking", json_get_str(row, "thinking"), full);
	if (text)
		put_text(b, "answer", text->u.s, full);
	else
		put_value(b, "answer", json_get(row, "answer"), full);
}

void put_requests(struct buf *b, const struct trace_stage *s, const struct json *requests, bool full)
{
	int64_t in = 0, out = 0;
	double cost = 0;
	size_t n = 0;
	bool speech = false; /* a stage asks one provider: all or none */
	JSON_EACH(row, requests) {
		speech |= is_speech(row);
		in += json_get_int(row, "tokens_in", 0);
		out += json_get_int(row, "tokens_out", 0);
		cost += number(json_get(row, "cost"));
	}
	buf_printf(b, "\n%s (%s): ", s->name, s->uses);
	if (s->withheld) {
		buf_puts(b, "(withheld: from before anonymize; --originals shows it)\n");
		return;
	}
	put_many(b, (int64_t)json_count(requests), "request");
	if (json_count(requests)) {
		buf_puts(b, ", ");
		put_cost(b, speech, in, out, cost);
	}
	buf_putc(b, '\n');
	JSON_EACH(row, requests)
		put_request(b, ++n, row, full);
}

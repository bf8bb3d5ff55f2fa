/* The rows inside the zips: labels, training conversations and the benchmark, each line against the manifest. */
#include "base/alloc.h"
#include "base/utf8.h"
#include "cli/verify_parts.h"

#include <stdio.h>
#include <string.h>

/* A row, where it stands, and memory for it. */
struct place {
	struct release *r;
	struct arena arena;
	struct json *row;
	char where[256]; /* "sft.zip: train.jsonl:12" */
};

static bool parse(struct place *p, struct str text, struct json **ret)
{
	struct err e = ERR_INIT;
	if (json_parse(&p->arena, text, ret, &e) == 0)
		return true;
	verify_bad(p->r->v, "%s: %s", p->where, e.text);
	return false;
}

bool verify_fields(
	struct verify *v, const char *where, const struct json *row, const struct verify_field *fields, size_t n)
{
	bool good = true;
	size_t known = 0;
	if (!json_is(row, JSON_OBJECT)) {
		verify_bad(v, "%s: is not an object", where);
		return false;
	}
	for (size_t i = 0; i < n; i++) {
		const struct json *m = json_get(row, fields[i].name);
		known += m != NULL;
		if (m ? m->kind == fields[i].kind : !fields[i].required)
			continue;
		good = false;
		if (m)
			verify_bad(v, "%s: %s is of kind %s, not %s", where, fields[i].name, json_kind_name(m->kind),
				json_kind_name(fields[i].kind));
		else
			verify_bad(v, "%s: %s is missing", where, fields[i].name);
	}
	JSON_EACH(m, row) {
		bool found = known == json_count(row);
		for (size_t i = 0; i < n && !found; i++)
			found = str_is(m->key, fields[i].name);
		if (!found)
			verify_bad(v, "%s: has a member %.*s, which is not known", where, STR_FMT(m->key));
		good &= found;
	}
	return good;
}

/* --- binary_classification.zip --- */

/* "left：…", a line a turn; a line that begins otherwise goes on with the turn. */
static int64_t turns_of(struct str text, int64_t *ret_characters)
{
	const struct str roles[] = {STR("left："), STR("right：")};
	int64_t turns = 0, characters = 0;
	struct str line;
	while (str_split(&text, '\n', &line)) {
		size_t i = 0;
		while (i < COUNT_OF(roles) && !(line.n >= roles[i].n && memcmp(line.p, roles[i].p, roles[i].n) == 0))
			i++;
		bool turn = i < COUNT_OF(roles);
		if (turn)
			line = str_n(line.p + roles[i].n, line.n - roles[i].n);
		turns += turn;
		characters += (int64_t)utf8_count(line) + !turn;
	}
	*ret_characters = characters;
	return turns;
}

static void classification_row(struct place *p)
{
	static const struct verify_field fields[] = {
		{"audio", JSON_STRING, true}, {"label", JSON_STRING, true}, {"text", JSON_STRING, true}};
	struct verify *v = p->r->v;
	if (!verify_fields(v, p->where, p->row, fields, COUNT_OF(fields)))
		return;
	struct str audio = json_get_str(p->row, "audio");
	struct verify_row *known = verify_row_of(p->r, audio);
	if (!known) {
		verify_bad(v, "%s: its audio %.*s is not in the manifest", p->where, STR_FMT(audio));
		return;
	}
	if (known->in_classification)
		verify_bad(v, "%s: %.*s stands twice", p->where, STR_FMT(audio));
	known->in_classification = true;
	int64_t turns = turns_of(json_get_str(p->row, "text"), &known->characters);
	if (turns != known->turns)
		verify_bad(v, "%s: its text has %lld turns, but manifest.jsonl:%zu has %lld", p->where, (long long)turns,
			known->line, (long long)known->turns);
	if (!str_eq(known->label, json_get_str(p->row, "label")))
		verify_bad(v, "%s: its label is not the manifest's (%.*s)", p->where, STR_FMT(known->label));
}

static void each_line(struct release *r, const char *entry, struct str text, void (*one)(struct place *p))
{
	struct place p = {.r = r, .arena = ARENA_INIT};
	struct str line;
	for (size_t n = 1; str_line(&text, &line); n++) {
		snprintf(p.where, sizeof(p.where), "%s:%zu", entry, n);
		if (parse(&p, line, &p.row))
			one(&p);
		arena_reset(&p.arena);
	}
	arena_release(&p.arena);
}

void verify_classification(struct release *r, const char *entry, struct str text)
{
	each_line(r, entry, text, classification_row);
}

/* --- Messages --- */

static bool message_whole(struct place *p, const struct json *m, size_t i)
{
	static const struct verify_field fields[] = {{"role", JSON_STRING, true}, {"content", JSON_STRING, true}};
	const char *role = i == 0 ? "system" : i % 2 ? "user" : "assistant";
	if (!verify_fields(p->r->v, p->where, m, fields, COUNT_OF(fields)))
		return false;
	if (!str_is(json_get_str(m, "role"), role)) {
		verify_bad(p->r->v, "%s: message %zu is of %.*s, not of %s", p->where, i, STR_FMT(json_get_str(m, "role")), role);
		return false;
	}
	if (json_get_str(m, "content").n == 0)
		verify_bad(p->r->v, "%s: message %zu is empty", p->where, i);
	return true;
}

static bool messages_whole(struct place *p, const struct json *list, size_t count)
{
	if (json_count(list) != count) {
		verify_bad(p->r->v, "%s: has %zu messages, not %zu", p->where, json_count(list), count);
		return false;
	}
	size_t i = 0;
	bool good = true;
	JSON_EACH(m, list)
		good &= message_whole(p, m, i++);
	return good;
}

/* What stands between two marks; false when they are not there. */
static bool between(struct str text, const char *from, const char *to, struct str *ret)
{
	ptrdiff_t a = str_find(text, str_of(from));
	if (a < 0)
		return false;
	struct str rest = str_n(text.p + a + strlen(from), text.n - (size_t)a - strlen(from));
	ptrdiff_t b = str_find(rest, str_of(to));
	if (b >= 0)
		*ret = str_n(rest.p, (size_t)b);
	return b >= 0;
}

static struct str truth(const struct verify_row *row, int round)
{
	return round == RELEASE_SCENE ? row->scene : round == RELEASE_FRAUD ? row->label : row->fraud_type;
}

/* An answer's JSON: the round's key, the reason, the confidence; its label as the manifest tells it. */
static void answer_true(struct place *p, const struct verify_row *row, int round, struct str text)
{
	static const struct verify_field keys[RELEASE_ROUNDS] = {
		{"scene", JSON_STRING, true}, {"is_fraud", JSON_BOOL, true}, {"fraud_type", JSON_STRING, true}};
	struct verify *v = p->r->v;
	struct json *answer;
	if (!parse(p, text, &answer))
		return;
	const struct verify_field all[] = {keys[round], {"reason", JSON_STRING, true}};
	const struct json *confidence = json_get(answer, "confidence");
	double sure = !confidence                     ? -1
				  : confidence->kind == JSON_INT  ? (double)confidence->u.i
				  : confidence->kind == JSON_REAL ? confidence->u.d
												  : -1;
	if (!(sure >= 0 && sure <= 1))
		verify_bad(
			v, "%s: the confidence of its %s answer is not a number from 0 to 1", p->where, release_round_name(round));
	for (size_t i = 0; i < COUNT_OF(all); i++)
		if (!json_is(json_get(answer, all[i].name), all[i].kind)) {
			verify_bad(v, "%s: its %s answer has no %s", p->where, release_round_name(round), all[i].name);
			return;
		}
	struct str want = truth(row, round), got = json_get_str(answer, all[0].name);
	if (round == RELEASE_FRAUD)
		got = json_get_bool(answer, "is_fraud", false) ? STR("fraud") : STR("normal");
	if (!str_eq(want, got))
		verify_bad(v, "%s: its %s answer is %.*s, but the manifest has %.*s", p->where, release_round_name(round),
			STR_FMT(got), STR_FMT(want));
}

static void reply_true(struct place *p, const struct verify_row *row, int round, struct str reply)
{
	struct str think, answer;
	if (!str_starts(reply, "<think>") || !str_ends(reply, "</answer>") || !between(reply, "<think>", "</think>", &think) ||
		!between(reply, "<answer>", "</answer>", &answer) || think.n == 0)
		verify_bad(
			p->r->v, "%s: its %s reply is not <think>…</think><answer>…</answer>", p->where, release_round_name(round));
	else
		answer_true(p, row, round, answer);
}

/* --- Texts that stand in several places --- */

static void same(struct place *p, struct verify_text *before, struct str text, const char *round, const char *what)
{
	struct digest d;
	digest_of(text.p, text.n, &d);
	if (before->read && !digest_equal(&before->digest, &d))
		verify_bad(p->r->v, "%s: its %s %s is not the one that stands elsewhere in sft.zip or bench.zip", p->where,
			round, what);
	*before = (struct verify_text){true, d};
}

/* The system text and the questions up to `last`: the same for all calls, but for the sound before the first. */
static void questions_same(struct place *p, const struct json *messages, int last)
{
	same(p, &p->r->ask[RELEASE_ROUNDS], json_get_str(json_first(messages), "content"), "system", "text");
	for (int i = 0; i <= last; i++) {
		struct str text = json_get_str(json_at(messages, 1 + 2 * (size_t)i), "content"), path;
		const struct str mark = STR("<audio>"), end = STR("</audio>\n");
		if (i == 0 && between(text, "<audio>", "</audio>\n", &path))
			text = str_n(path.p + path.n + end.n, (size_t)(text.p + text.n - path.p) - path.n - end.n);
		else if (i == 0 && str_starts(text, "<audio>"))
			text = str_n(text.p + mark.n, text.n - mark.n);
		same(p, &p->r->ask[i], text, release_round_name(i), "question");
	}
}

/* The replies of the rounds before `end`. */
static void replies_true(struct place *p, struct verify_row *row, const struct json *messages, int end)
{
	for (int i = 0; i < end; i++) {
		struct str reply = json_get_str(json_at(messages, 2 + 2 * (size_t)i), "content");
		reply_true(p, row, i, reply);
		same(p, &row->reply[i], reply, release_round_name(i), "reply");
	}
}

/* The reference of a bench item is the reply of sft.zip. */
static void reference_same(struct place *p, struct verify_row *row, int task)
{
	CLEANUP(buf_release) struct buf reply = BUF_INIT;
	struct str reasoning = json_get_str(p->row, "reasoning"), response = json_get_str(p->row, "response");
	buf_printf(&reply, "<think>%.*s</think><answer>%.*s</answer>", STR_FMT(reasoning), STR_FMT(response));
	same(p, &row->reply[task], buf_view(&reply), release_round_name(task), "reply");
}

/* --- sft.zip --- */

/* <audio> stands for the sound: once, before the first question. */
static void sound_once(struct place *p, const struct json *messages)
{
	int seen = 0;
	JSON_EACH(m, messages) {
		struct str text = json_get_str(m, "content");
		for (ptrdiff_t at; (at = str_find(text, STR("<audio>"))) >= 0; seen++)
			text = str_n(text.p + at + 7, text.n - (size_t)at - 7);
	}
	if (seen != 1 || !str_starts(json_get_str(json_at(messages, 1), "content"), "<audio>"))
		verify_bad(p->r->v, "%s: <audio> must stand once, at the beginning of the first question", p->where);
}

static void sft_row(struct place *p)
{
	static const struct verify_field fields[] = {{"messages", JSON_ARRAY, true}, {"audios", JSON_ARRAY, true}};
	struct verify *v = p->r->v;
	if (!verify_fields(v, p->where, p->row, fields, COUNT_OF(fields)))
		return;
	const struct json *messages = json_get(p->row, "messages"), *audio = json_first(json_get(p->row, "audios"));
	struct verify_row *row = json_is(audio, JSON_STRING) ? verify_row_of(p->r, audio->u.s) : NULL;
	if (!row || json_count(json_get(p->row, "audios")) != 1) {
		verify_bad(v, "%s: its audios are not one sound of the manifest", p->where);
		return;
	}
	struct str split = row->split.n ? row->split : STR("train");
	const char *colon = strstr(p->where, ": ");
	struct str file = str_of(colon ? colon + 2 : p->where);
	if (file.n <= split.n || memcmp(file.p, split.p, split.n) != 0 || file.p[split.n] != '.')
		verify_bad(v, "%s: %.*s is in the split %.*s", p->where, STR_FMT(audio->u.s), STR_FMT(split));
	if (row->in_sft)
		verify_bad(v, "%s: %.*s stands twice in sft.zip", p->where, STR_FMT(audio->u.s));
	row->in_sft = true;
	map_put(&p->r->sft, split, NULL)->value.i++;
	int rounds = str_is(row->label, "fraud") ? 3 : 2;
	if (!messages_whole(p, messages, 1 + 2 * (size_t)rounds))
		return;
	sound_once(p, messages);
	questions_same(p, messages, rounds - 1);
	replies_true(p, row, messages, rounds);
}

void verify_sft(struct release *r, const char *entry, struct str text)
{
	each_line(r, entry, text, sft_row);
}

/* --- bench.zip --- */

/* One prompt for two items would make one of them: the scripts join on it. */
static void prompt_alone(struct place *p, const struct json *prompt, int task)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct digest d;
	bool fresh;
	json_write(&text, prompt);
	digest_of(text.data, text.len, &d);
	map_put(&p->r->prompts, str_n((const char *)d.b, DIGEST_SIZE), &fresh);
	if (!fresh)
		verify_bad(p->r->v, "%s: its prompt stands twice in bench.zip", p->where);
	int taken = release_task_of(buf_view(&text));
	if (taken != task)
		verify_bad(p->r->v, "%s: by the words of its prompt it would be taken for a question of %s", p->where,
			taken < 0 ? "no task" : release_round_name(taken));
}

static void bench_item(struct place *p, int task)
{
	static const struct verify_field fields[] = {{"prompt", JSON_ARRAY, true}, {"response", JSON_STRING, true},
		{"reasoning", JSON_STRING, true}, {"answer", JSON_STRING, true}};
	struct verify *v = p->r->v;
	if (!verify_fields(v, p->where, p->row, fields, COUNT_OF(fields)))
		return;
	const struct json *prompt = json_get(p->row, "prompt");
	struct str answer = json_get_str(p->row, "answer"), audio;
	map_put(&p->r->bench[task], answer, NULL)->value.i++;
	if (!messages_whole(p, prompt, 2 + 2 * (size_t)task))
		return;
	prompt_alone(p, prompt, task);
	struct verify_row *row = NULL;
	if (between(json_get_str(json_at(prompt, 1), "content"), "<audio>", "</audio>", &audio))
		row = verify_row_of(p->r, audio);
	if (!row) {
		verify_bad(v, "%s: its first question names no sound of the manifest", p->where);
		return;
	}
	if (!str_is(row->split, "test"))
		verify_bad(v, "%s: %.*s is not in the test split", p->where, STR_FMT(audio));
	row->in_bench |= 1U << task;
	if (!str_eq(answer, truth(row, task)))
		verify_bad(v, "%s: its answer is %.*s, but the manifest has %.*s", p->where, STR_FMT(answer),
			STR_FMT(truth(row, task)));
	if (json_get_str(p->row, "reasoning").n == 0)
		verify_bad(v, "%s: its reasoning is empty", p->where);
	questions_same(p, prompt, task);
	replies_true(p, row, prompt, task);
	answer_true(p, row, task, json_get_str(p->row, "response"));
	reference_same(p, row, task);
}

static int task_of_entry(const char *entry)
{
	const char *slash = strstr(entry, ": ");
	for (int i = 0; i < RELEASE_ROUNDS; i++) {
		char name[64];
		snprintf(name, sizeof(name), "%s.json", release_round_name(i));
		if (strcmp(slash ? slash + 2 : entry, name) == 0)
			return i;
	}
	return -1;
}

/* A list with an item a line, as the release writes it: it is read line by line, and lines can be named. */
void verify_bench(struct release *r, const char *entry, struct str text)
{
	struct place p = {.r = r, .arena = ARENA_INIT};
	int task = task_of_entry(entry);
	struct str line;
	size_t n = 1;
	bool more = true, first = str_line(&text, &line) && str_is(line, "[");
	if (!first)
		verify_bad(r->v, "%s:1: is not a JSON list with an item a line", entry);
	for (; first && str_line(&text, &line) && !str_is(line, "]"); arena_reset(&p.arena)) {
		snprintf(p.where, sizeof(p.where), "%s:%zu", entry, ++n);
		if (line.n == 0) /* of an empty list */
			continue;
		if (!more)
			verify_bad(r->v, "%s: no comma before this item", p.where);
		more = str_ends(line, ",");
		line.n -= more;
		if (parse(&p, line, &p.row) && task >= 0)
			bench_item(&p, task);
	}
	if (first && (!str_is(line, "]") || (more && n > 1)))
		verify_bad(r->v, "%s: the list does not end as it should", entry);
	arena_release(&p.arena);
}

#include "core/barrier_parts.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fs.h"
#include "core/objects.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Reduce and sink: work over all calls at once, when every input is settled. */

/* --- Facts for sinks --- */

static int count_rules(struct barrier *b, struct stage_run *s, struct json *rules, struct err *e)
{
	struct engine *g = b->s->g;
	struct result row = {.fields = BUF_INIT};
	int rc = 0;
	for (int32_t i = 1; rc == 0 && i < g->nitems; i++) {
		struct slot *slot = slot_if(s, i);
		if (!slot || slot->now != SLOT_SETTLED || slot->m.outcome != OUTCOME_REJECTED || !slot->m.result)
			continue;
		rc = store_result(g->store, slot->m.result, &row, e);
		struct arena a = ARENA_INIT;
		struct json *fields;
		if (rc == 0)
			rc = json_parse(&a, buf_view(&row.fields), &fields, e);
		if (rc == 0) {
			struct json *seen = json_object(&a); /* a rule counts once a call */
			JSON_EACH(finding, json_path(fields, "qa.@.findings")) {
				struct str rule = json_get_str(finding, "rule");
				if (rule.n == 0 || json_get_key(seen, rule))
					continue;
				json_set_key(&a, seen, rule, json_null(&a));
				const struct json *had = json_get_key(rules, rule);
				json_set_key(&b->arena, rules, rule, json_int(&b->arena, had ? had->u.i + 1 : 1));
			}
		}
		arena_release(&a);
	}
	buf_release(&row.fields);
	return rc;
}

/* What shaped a stage's output: its fingerprint, and the digests of its prompts and other data files, by option. */
static void name_digests(struct barrier *b, const struct stage_run *s, struct json *row)
{
	struct json *parts;
	char hex[DIGEST_HEX + 1];
	digest_hex(&s->fingerprint, hex);
	json_set_text(&b->arena, row, "fingerprint", hex);
	if (json_parse(&b->arena, buf_view(&s->parts), &parts, NULL) < 0)
		return;
	const struct json *files = json_get(parts, "files");
	if (json_count(files))
		json_set(&b->arena, row, "files", json_copy(&b->arena, files));
}

static int make_facts(struct barrier *b, struct gather_facts *ret, struct err *e)
{
	struct engine *g = b->s->g;
	struct arena *a = &b->arena;
	struct json *stages = json_array(a), *pipeline = json_object(a);
	struct json *tools = json_object(a);
	for (size_t i = 0; i < g->nstages; i++) {
		struct stage_run *s = &g->stages[i];
		if (!graph_is_ancestor(g->config->graph, (int)i, b->s->at))
			continue;
		if (s->ops->libraries)
			json_set_text(a, tools, s->ops->name, s->ops->libraries());
		if (s->cs->stage.provider)
			json_set(a, tools, s->cs->stage.provider->ops->kind, json_copy(a, s->cs->stage.provider->identity));
		struct json *row = json_object(a), *rules = json_object(a);
		int rc = count_rules(b, s, rules, e);
		if (rc < 0)
			return rc;
		ret->rejected += s->rejected;
		ret->quarantined += s->quarantined;
		json_set_text(a, row, "name", s->cs->stage.name);
		json_set_text(a, row, "uses", s->ops->name);
		json_set_int(a, row, "version", s->ops->version);
		json_set_int(a, row, "rejected", s->rejected);
		json_set_int(a, row, "quarantined", s->quarantined);
		json_set(a, row, "rules", rules);
		name_digests(b, s, row);
		json_append(stages, row);
	}
	json_set_text(a, pipeline, "name", g->config->name);
	json_set_int(a, pipeline, "seed", g->config->seed);
	json_set_text(a, pipeline, "digest", g->config->digest);
	json_set_text(a, pipeline, "taf", TAF_VERSION);
	if (g->config->date)
		json_set_text(a, pipeline, "date", g->config->date);
	json_set(a, pipeline, "tools", tools);
	ret->stages = stages;
	ret->pipeline = pipeline;
	ret->partial = g->args->partial || g->narrowed;
	return 0;
}

/* --- The key over all calls --- */

static int digest_members(struct barrier *b, const struct gather_facts *facts, struct err *e)
{
	struct stage_run *s = b->s;
	struct digester *d = digester_new();
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < b->n; i++) {
		struct member *m = &b->v[i];
		struct slot *slot = slot_at(s, m->item);
		record_begin(&b->r, m->item);
		m->held = visit_memo_holds(&b->r, s, slot);
		if (m->held) {
			memcpy(m->input.b, slot->m.input, MEMO_INPUT);
		} else {
			struct json *call;
			rc = record_view(&b->r, s, &call, e);
			if (rc == 0)
				key_input(buf_view(&b->r.text), NULL, 0, &m->input);
		}
		digester_part(d, item_at(s->g, m->item)->id.p, item_at(s->g, m->item)->id.n);
		digester_part(d, m->input.b, MEMO_INPUT);
	}
	if (facts) {
		CLEANUP(buf_release) struct buf text = BUF_INIT;
		json_write(&text, facts->stages);
		json_write(&text, facts->pipeline);
		/* Also what only decides whether it is written at all: a tighter limit is to be held against what stands. */
		json_write(&text, options_json(&b->arena, s->ops->options, s->ops->noptions, s->cs->stage.params, 0));
		buf_putc(&text, facts->partial ? '1' : '0');
		digester_part(d, text.data, text.len);
	}
	digester_end(d, &b->all);
	digester_free(d);
	key_item(&s->fingerprint, &b->all, (struct str){NULL, 0}, -1, &s->key);
	return rc;
}

/* --- Reduce --- */

static void member_key(struct barrier *b, const struct member *m, struct digest *ret)
{
	key_item(&b->s->fingerprint, &b->s->key, item_at(b->s->g, m->item)->id, -1, ret);
}

static void settle_member(struct barrier *b, struct member *m, int64_t result, bool rejected)
{
	struct slot *slot = slot_at(b->s, m->item);
	visit_remember(b->s, m->item, slot, &m->input, result, rejected);
	visit_count(b->s, &slot->m);
	flow_settled(b->s, m->item, NULL);
}

/* All members have a stored result under this key: 1; else 0. */
static int reduce_stored(struct barrier *b, struct err *e)
{
	struct store *store = b->s->g->store;
	int rc = store ? store_find(store, &b->s->key, NULL, e) : 0;
	if (rc <= 0)
		return rc;
	struct result row = {.fields = BUF_INIT};
	int64_t *rows = xcalloc(b->n + 1, sizeof(*rows));
	bool *rejected = xcalloc(b->n + 1, sizeof(*rejected));
	for (size_t i = 0; rc > 0 && i < b->n; i++) {
		struct digest key;
		member_key(b, &b->v[i], &key);
		rc = store_find(store, &key, &row, e);
		rows[i] = row.n;
		rejected[i] = row.rejected;
	}
	for (size_t i = 0; rc > 0 && i < b->n; i++)
		settle_member(b, &b->v[i], rows[i], rejected[i]);
	buf_release(&row.fields);
	free(rows);
	free(rejected);
	return rc;
}

static int reduce_work(struct barrier *b, struct err *e)
{
	struct stage_run *s = b->s;
	struct gather_io io;
	barrier_io(b, &io);
	struct gather gather = {&io};
	int rc = stage_ready(s, e);
	if (rc == 0)
		rc = s->ops->reduce(&s->cs->stage, &gather, e);
	if (rc == 0 && e->code)
		rc = e->code; /* a call could not be read */
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < b->n; i++) {
		struct member *m = &b->v[i];
		struct digest key;
		member_key(b, m, &key);
		struct str fields = m->fields ? str_of(m->fields) : STR("{}");
		settle_member(b, m, store_put_result(s->g->store, &key, m->rejected, fields), m->rejected);
	}
	store_put_result(s->g->store, &s->key, false, STR("{}"));
	return 0;
}

/* --- Sink --- */

static int sink_outputs(struct stage_run *s, const char *folder, struct err *e)
{
	struct arena a = ARENA_INIT;
	struct json *list = json_array(&a);
	struct fs_names names = {NULL, 0};
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	int rc = fs_files(folder, &names, e);
	for (size_t i = 0; rc == 0 && i < names.n; i++) {
		struct fs_stat st;
		fs_join(&path, folder, names.v[i]);
		rc = fs_stat(path.data, &st, e);
		struct json *row = json_object(&a);
		json_set_text(&a, row, "name", names.v[i]);
		json_set_int(&a, row, "size", st.size);
		json_set_int(&a, row, "mtime_ns", st.mtime_ns / 1000); /* microseconds: exact in JSON */
		json_set_int(&a, row, "ctime_ns", st.ctime_ns / 1000);
		json_append(list, row);
	}
	fs_names_free(&names);
	buf_clear(&s->outputs);
	json_write(&s->outputs, list);
	arena_release(&a);
	return rc;
}

bool sink_whole(struct stage_run *s, const struct json *state)
{
	CLEANUP(buf_release) struct buf folder = BUF_INIT;
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	sink_folder(s, &folder);
	const struct json *outputs = json_get(state, "outputs");
	if (json_count(outputs) == 0)
		return false;
	JSON_EACH(row, outputs) {
		struct fs_stat st;
		buf_clear(&path);
		buf_printf(&path, "%s/%.*s", folder.data, STR_FMT(json_get_str(row, "name")));
		if (fs_stat(path.data, &st, NULL) < 0 || !st.exists || st.size != json_get_int(row, "size", -1) ||
			st.mtime_ns / 1000 != json_get_int(row, "mtime_ns", -1) ||
			st.ctime_ns / 1000 != json_get_int(row, "ctime_ns", -1))
			return false;
	}
	buf_clear(&s->outputs);
	json_write(&s->outputs, outputs);
	return true;
}

void sink_folder(struct stage_run *s, struct buf *ret)
{
	struct engine *g = s->g;
	int same = 0;
	for (size_t i = 0; i < g->config->nstages; i++)
		same += g->config->stages[i].stage.ops == s->ops;
	buf_printf(ret, "%s/%s%s", g->args->work, g->narrowed ? "pilot/" : "", same > 1 ? s->cs->stage.name : s->ops->name);
}

/* Whether the files of this key are in their place already. */
static bool sink_stands(struct stage_run *s)
{
	struct arena a = ARENA_INIT;
	struct json *state;
	char hex[DIGEST_HEX + 1];
	digest_hex(&s->key, hex);
	bool stands = !s->g->narrowed && s->state.len && json_parse(&a, buf_view(&s->state), &state, NULL) == 0 &&
				  str_is(json_get_str(state, "key"), hex) && sink_whole(s, state);
	arena_release(&a);
	return stands;
}

static int sink_write(struct barrier *b, const struct gather_facts *facts, struct err *e)
{
	struct stage_run *s = b->s;
	CLEANUP(buf_release) struct buf folder = BUF_INIT;
	CLEANUP(buf_release) struct buf tmp = BUF_INIT;
	sink_folder(s, &folder);
	buf_printf(&tmp, "%s.new", folder.data);
	struct gather_io io;
	barrier_io(b, &io);
	io.facts = *facts;
	struct gather gather = {&io};
	int rc = stage_ready(s, e);
	if (rc == 0)
		rc = fs_remove_tree(tmp.data, e);
	if (rc == 0)
		rc = fs_mkdirs(tmp.data, e);
	if (rc == 0)
		rc = s->ops->sink(&s->cs->stage, &gather, tmp.data, e);
	if (rc == 0 && e->code)
		rc = e->code;
	if (rc == 0)
		rc = sink_place(tmp.data, folder.data, e);
	if (rc == 0)
		rc = sink_outputs(s, folder.data, e);
	if (rc < 0)
		fs_remove_tree(tmp.data, NULL);
	return rc;
}

/* The state of an earlier run says whether it was made under this key. */
static bool state_has_key(struct stage_run *s)
{
	struct arena a = ARENA_INIT;
	struct json *state;
	char hex[DIGEST_HEX + 1];
	digest_hex(&s->key, hex);
	bool has = s->state.len && json_parse(&a, buf_view(&s->state), &state, NULL) == 0 &&
			   str_is(json_get_str(state, "key"), hex);
	arena_release(&a);
	return has;
}

static void would_write(struct stage_run *s)
{
	s->to_run++;
	s->reasons[s->state.len == 0 ? REASON_NEW : state_has_key(s) ? REASON_FILE : REASON_INPUT]++;
}

/* Members are remembered by their inputs, so that the next run looks only at those that changed. */
static void remember_members(struct barrier *b, int64_t result)
{
	struct stage_run *s = b->s;
	for (size_t i = 0; i < b->n && !s->g->narrowed; i++) {
		struct memo *m = &slot_at(s, b->v[i].item)->m;
		if (b->v[i].held && m->outcome == OUTCOME_PASSED)
			continue;
		m->item = b->v[i].item;
		m->outcome = OUTCOME_PASSED;
		m->fingerprint = s->fp_row;
		m->changed = s->g->run;
		m->checked = slot_at(s, b->v[i].item)->stale ? 0 : s->g->run;
		m->result = result;
		memcpy(m->input, b->v[i].input.b, MEMO_INPUT);
		store_put_memo(s->g->store, s->n, m);
	}
}

static int sink_run(struct barrier *b, struct err *e)
{
	struct stage_run *s = b->s;
	struct engine *g = s->g;
	struct gather_facts facts = {0};
	int rc = make_facts(b, &facts, e);
	if (rc == 0)
		rc = digest_members(b, &facts, e);
	if (rc < 0)
		return rc;
	struct result row = {.fields = BUF_INIT};
	int stored = g->store ? store_find(g->store, &s->key, &row, e) : 0;
	buf_release(&row.fields);
	if (stored < 0)
		return stored;
	if (g->dry && !stored)
		would_write(s);
	else if (!g->dry && !sink_stands(s))
		rc = sink_write(b, &facts, e);
	if (rc < 0)
		return rc;
	/* What was packed under this key before counts as cached, also when the files had to be packed again: no stage's work was done for it. */
	if (stored)
		s->cached++;
	else if (!g->dry)
		s->computed++;
	if (g->dry)
		return 0;
	remember_members(b, stored ? row.n : store_put_result(g->store, &s->key, false, buf_view(&s->outputs)));
	engine_output(s);
	return 0;
}

/* --- Both --- */

static void settle_all(struct barrier *b, bool unknown)
{
	for (size_t i = 0; i < b->n; i++) {
		struct slot *slot = slot_at(b->s, b->v[i].item);
		slot->unknown = unknown;
		slot->m.outcome = OUTCOME_PASSED;
		b->s->out++;
		flow_settled(b->s, b->v[i].item, NULL);
	}
}

static int reduce_run(struct barrier *b, struct err *e)
{
	struct stage_run *s = b->s;
	int rc = digest_members(b, NULL, e);
	if (rc == 0)
		rc = reduce_stored(b, e);
	if (rc < 0)
		return rc;
	if (rc > 0) {
		s->cached++;
		return 0;
	}
	if (s->g->dry) {
		would_write(s);
		settle_all(b, true);
		return 0;
	}
	rc = reduce_work(b, e);
	if (rc == 0)
		s->computed++;
	return rc;
}

int barrier_run(struct stage_run *s, struct err *e)
{
	struct engine *g = s->g;
	struct barrier b;
	int64_t from = clock_us();
	int rc = 0;
	barrier_gather(&b, s);
	if (s->ops->kind != STAGE_EXPAND) {
		s->in = (long long)b.n;
		s->out = s->rejected = 0;
	}
	if (s->ops->kind == STAGE_EXPAND) {
		rc = peers_run(&b, e);
	} else if (b.unknown) {
		s->unknown++;
		settle_all(&b, true);
	} else if (s->ops->kind == STAGE_REDUCE) {
		rc = reduce_run(&b, e);
	} else {
		rc = sink_run(&b, e);
		if (rc == 0)
			settle_all(&b, false);
	}
	s->busy_us += clock_us() - from;
	if (rc == ERR_LOST) {
		err_clear(e);
		rc = heal_members(s, e);
	} else if (rc == 0) {
		pthread_mutex_lock(&g->lock);
		s->barrier_done = true;
		s->barrier_running = false;
		flow_finish(g);
		pthread_mutex_unlock(&g->lock);
	} else {
		err_context(e, "stage %s", s->cs->stage.name);
	}
	barrier_release(&b);
	return rc;
}

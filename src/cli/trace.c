#include "cli/trace.h"

#include "base/alloc.h"
#include "cli/say.h"
#include "core/engine.h"

#include <string.h>

#define NEAR_MAX 5

/* {"qa":{"@":…}} → {"qa":{"clean":…}}: stored without the stage's own name. */
static struct json *named(struct arena *a, const struct json *v, const char *name)
{
	if (!json_is(v, JSON_OBJECT))
		return json_copy(a, v);
	struct json *out = json_object(a);
	JSON_EACH(member, v) {
		bool own = str_is(member->key, "@");
		json_set_key(a, out, own ? str_of(name) : member->key, own ? json_copy(a, member) : named(a, member, name));
	}
	return out;
}

struct json *trace_result(struct trace *t, const struct trace_stage *s, int64_t result)
{
	struct json *fields = NULL;
	if (!result || query_fields(t->store, &t->arena, result, &fields, NULL) <= 0)
		return NULL;
	return named(&t->arena, fields, s->name);
}

/* --- Privacy --- */

static bool source_private(const struct config_stage *s)
{
	const struct stage_ops *ops = s->stage.ops;
	return ops->kind == STAGE_SOURCE && ops->is_private && ops->is_private(s->stage.params);
}

/* Whether what leaves a stage of the pipeline may be private, by the paths calls can take: into `ret`, by stage. */
static void private_stages(const struct config *c, bool *ret)
{
	for (size_t i = 0; i < c->nstages; i++) { /* needs come before */
		const struct config_stage *s = &c->stages[i];
		ret[i] = source_private(s);
		for (size_t k = 0; k < s->nneeds; k++)
			ret[i] |= ret[s->needs[k]];
		if (s->stage.ops->flags & STAGE_CLEARS_PRIVACY)
			ret[i] = false;
	}
}

/* The same for one call: it did not pass the stages that have no memo of it. A call made by expand has its parent's privacy, by any path. */
static void private_here(const struct trace *t, bool *here)
{
	bool any[GRAPH_STAGES_MAX] = {false}, passed[GRAPH_STAGES_MAX] = {false};
	const struct config *c = t->config;
	if (!c)
		return;
	private_stages(c, any);
	for (size_t i = 0; i < t->n; i++)
		if (t->v[i].at >= 0)
			passed[t->v[i].at] = true;
	for (size_t i = 0; i < c->nstages; i++) {
		const struct config_stage *s = &c->stages[i];
		bool expand = s->stage.ops->kind == STAGE_EXPAND;
		here[i] = source_private(s);
		for (size_t k = 0; k < s->nneeds; k++)
			here[i] |= expand ? any[s->needs[k]] : passed[s->needs[k]] && here[s->needs[k]];
		if (s->stage.ops->flags & STAGE_CLEARS_PRIVACY)
			here[i] = false;
	}
}

bool trace_noted_private(struct str state)
{
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	struct json *v;
	return !state.n || json_parse(&a, state, &v, NULL) < 0 || json_get_bool(v, "private", true);
}

/* Privacy is a fact of the stored call. The pipeline at hand may be another than the one that made it, so it can only add to that. */
static void mark_private(struct trace *t)
{
	bool here[GRAPH_STAGES_MAX] = {false};
	private_here(t, here);
	for (size_t i = 0; i < t->n; i++)
		t->v[i].private |= t->v[i].at >= 0 && here[t->v[i].at];
}

/* --- Opening --- */

static int unknown_id(struct trace *t, const char *id)
{
	struct option_list near;
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	if (query_near(t->store, &t->arena, str_of(id), NEAR_MAX, &near, NULL) == 0)
		for (size_t i = 0; i < near.n; i++)
			buf_printf(&b, "%s%.*s", i ? ", " : "; did you mean ", STR_FMT(near.v[i]));
	say_error("no call has the id '%s'%s%s", id, b.data, near.n ? "?" : "");
	return EXIT_ERROR;
}

static int add_stage(struct trace *t, const struct query_stage *q, struct err *e)
{
	struct trace_stage *s = &t->v[t->n];
	*s = (struct trace_stage){
		.name = q->name, .uses = q->type, .row = q->n, .at = -1, .private = trace_noted_private(q->state)};
	int rc = query_memo(t->store, q->n, t->item, &s->memo, e);
	if (rc <= 0)
		return rc;
	if (t->config)
		s->at = config_stage_index(t->config, str_of(q->name));
	if (s->memo.outcome == OUTCOME_QUARANTINED || s->memo.outcome == OUTCOME_FAILED) {
		rc = query_failure(t->store, &t->arena, q->n, t->item, &s->failure, e);
		s->has_failure = rc > 0;
	}
	t->n++;
	return rc < 0 ? rc : 0;
}

/* Stages of the pipeline in its order, then those that were in it once. */
static void sort_stages(struct trace *t)
{
	for (size_t i = 1; i < t->n; i++) {
		struct trace_stage s = t->v[i];
		size_t k = i;
		for (; k > 0 && s.at >= 0 && (t->v[k - 1].at < 0 || t->v[k - 1].at > s.at); k--)
			t->v[k] = t->v[k - 1];
		t->v[k] = s;
	}
}

static int read_stages(struct trace *t, bool originals, struct err *e)
{
	struct query_stage *stages;
	size_t n;
	int rc = query_stages(t->store, &t->arena, &stages, &n, e);
	if (rc < 0)
		return rc;
	t->v = arena_array(&t->arena, n + 1, sizeof(*t->v));
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = add_stage(t, &stages[i], e);
	if (rc < 0)
		return rc;
	sort_stages(t);
	mark_private(t);
	for (size_t i = 0; i < t->n; i++) {
		struct trace_stage *s = &t->v[i];
		s->withheld = s->private && !originals;
		t->withheld |= s->withheld && s->memo.result;
		if (!s->withheld)
			s->fields = trace_result(t, s, s->memo.result);
	}
	return 0;
}

int trace_open(struct trace *t, const struct where *where, const char *id, bool originals)
{
	CLEANUP(buf_release) struct buf work = BUF_INIT;
	CLEANUP(buf_release) struct buf kept = BUF_INIT;
	struct err e = ERR_INIT;
	*t = (struct trace){.arena = ARENA_INIT};
	where_work(where, &work);
	where_id(id, &kept);
	int rc = folder_open(work.data, &t->store, &e);
	if (rc == 0)
		rc = query_item(t->store, buf_view(&kept), &t->item, &e);
	if (rc == 0 && t->store)
		return unknown_id(t, id);
	if (rc > 0) {
		t->id = arena_str(&t->arena, buf_view(&kept));
		t->config = where_config_quiet(where);
		rc = read_stages(t, originals, &e);
	}
	if (rc < 0) {
		say_error("%s", e.text);
		return EXIT_ERROR;
	}
	if (!t->config && t->withheld)
		say_error("%s cannot be loaded (taf check tells why), so results that may be private are not shown; "
				  "--originals shows them",
			where_file(where));
	return 0;
}

void trace_release(struct trace *t)
{
	store_close(t->store, false);
	config_free(t->config);
	arena_release(&t->arena);
}

int trace_stage_unknown(const struct trace *t, const char *name)
{
	struct str names[GRAPH_STAGES_MAX];
	size_t n = 0;
	for (size_t i = 0; i < t->n && n < GRAPH_STAGES_MAX; i++)
		names[n++] = str_of(t->v[i].name);
	say_unknown("the call did not come to a stage", str_of(name), names, n);
	return EXIT_BAD_CONFIG;
}

void trace_nothing(const struct trace *t, struct buf *b)
{
	if (t->n == 0)
		buf_puts(b, "no stage has worked on it yet: it was listed, but the run did not come to it\n");
}

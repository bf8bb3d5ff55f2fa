#include "core/engine_parts.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fs.h"
#include "core/objects.h"
#include "core/secret.h"

#include <stdlib.h>
#include <string.h>

/* Before any work: what each stage is (fingerprint), what lies before it (wiring), and whether all that was settled already (closure). */

static bool writes_what_is_read(const struct stage_fields *writer, const struct stage_fields *reader)
{
	for (size_t w = 0; w < writer->nwrites; w++)
		for (size_t r = 0; r < reader->nreads; r++)
			if (field_covers(writer->writes[w].path, reader->reads[r].path) ||
				field_covers(reader->reads[r].path, writer->writes[w].path))
				return true;
	return false;
}

static void setup_sources(struct stage_run *s)
{
	struct engine *g = s->g;
	const struct graph_node *node = &g->config->graph->nodes[s->at];
	s->nfrom = node->norigins;
	s->from = arena_array(&g->arena, s->nfrom ? s->nfrom : 1, sizeof(*s->from));
	for (size_t i = 0; i < node->norigins; i++) {
		const struct graph_origin *o = &node->origins[i];
		struct sources_of *from = &s->from[i];
		from->origin = o->stage;
		from->ways = o->ways;
		from->stages = arena_array(&g->arena, g->nstages, sizeof(int));
		for (int k = 0; k < (int)g->nstages; k++)
			if (graph_bit(o->via, k) && writes_what_is_read(&g->stages[k].cs->fields, &s->cs->fields))
				from->stages[from->n++] = k;
	}
}

/* What lies before this one: results are reached through those stages, by name and by what they write, so another wiring makes every input be looked
 * at again. */
static void wire_writes(struct digester *d, const struct config_stage *from)
{
	digester_part(d, from->stage.name, strlen(from->stage.name));
	for (size_t i = 0; i < from->fields.nwrites; i++)
		digester_part(d, from->fields.writes[i].path, strlen(from->fields.writes[i].path));
}

static void setup_wiring(struct stage_run *s)
{
	struct digester *d = digester_new();
	digester_part(d, s->cs->stage.name, strlen(s->cs->stage.name));
	for (size_t i = 0; i < s->cs->nneeds; i++)
		digester_part(d, s->g->stages[s->cs->needs[i]].wiring.b, DIGEST_SIZE);
	for (size_t i = 0; i < s->nfrom; i++) {
		digester_part(d, "from", 4);
		for (size_t k = 0; k < s->from[i].n; k++)
			wire_writes(d, &s->g->config->stages[s->from[i].stages[k]]);
	}
	digester_end(d, &s->wiring);
	digester_free(d);
}

static int add_item_file(struct stage_run *s, struct str path, struct digester *d, struct err *e)
{
	struct digest content;
	int rc = files_digest(s->g->files, path, FILE_TEXT, &content, e);
	if (rc < 0)
		return err_context(e, "stage %s", s->cs->stage.name);
	digester_part(d, path.p, path.n);
	digester_part(d, content.b, DIGEST_SIZE);
	return 0;
}

/* What a source lists from: its input files, and single files of which each item takes its part (import's labels_csv). */
static int add_item_files(struct stage_run *s, struct digester *d, struct err *e)
{
	const struct option_list *list = stage_item_files(&s->cs->stage);
	int rc = 0;
	for (size_t i = 0; rc == 0 && list && i < list->n; i++)
		rc = add_item_file(s, list->v[i], d, e);
	for (size_t i = 0; rc == 0 && i < s->ops->noptions; i++) {
		const struct option *o = &s->ops->options[i];
		const struct str *path = (const void *)((const char *)s->cs->stage.params + o->offset);
		if (o->type == OPT_FILE && (o->flags & OPTION_PER_ITEM) && path->n)
			rc = add_item_file(s, *path, d, e);
	}
	return rc;
}

/* All that decides what this stage and those before it make. Unlike a key it may hold names and paths: when in doubt, the memos are walked. */
static int setup_closure(struct stage_run *s, struct err *e)
{
	struct arena a = ARENA_INIT;
	CLEANUP(buf_release) struct buf params = BUF_INIT;
	json_write(&params, options_json(&a, s->ops->options, s->ops->noptions, s->cs->stage.params, 0));
	arena_release(&a);
	struct digester *d = digester_new();
	digester_part(d, s->fingerprint.b, DIGEST_SIZE);
	digester_part(d, s->wiring.b, DIGEST_SIZE);
	digester_part(d, params.data, params.len);
	for (size_t i = 0; i < s->cs->nneeds; i++)
		digester_part(d, s->g->stages[s->cs->needs[i]].closure.b, DIGEST_SIZE);
	if (s->ops->kind == STAGE_SINK)
		digester_part(d, s->g->config->digest, strlen(s->g->config->digest));
	int rc = s->ops->kind == STAGE_SOURCE ? add_item_files(s, d, e) : 0;
	digester_end(d, &s->closure);
	digester_free(d);
	return rc;
}

/* What the store keeps of this stage: {closed, wiring, seconds_per_item, …}. */
static int setup_state(struct stage_run *s, struct err *e)
{
	buf_clear(&s->state);
	if (s->n == 0)
		return 0;
	int rc = store_stage_state(s->g->store, s->n, &s->state, e);
	struct arena a = ARENA_INIT;
	struct json *state;
	if (rc == 0 && s->state.len && json_parse(&a, buf_view(&s->state), &state, NULL) == 0) {
		char hex[DIGEST_HEX + 1];
		digest_hex(&s->closure, hex);
		s->closed = !s->g->objects_lost && str_is(json_get_str(state, "closed"), hex) &&
					(s->ops->kind != STAGE_SINK || sink_whole(s, state));
		digest_hex(&s->wiring, hex);
		s->rewired = !str_is(json_get_str(state, "wiring"), hex);
		s->seconds_per_item = (double)json_get_int(state, "us_per_item", 0) / 1e6;
		s->is_private |= json_get_bool(state, "private", false);
	} else {
		s->rewired = true;
	}
	/* Something before it was opened again (taf retry): what comes from there may be new, although this one was settled. */
	for (size_t i = 0; i < s->cs->nneeds; i++)
		s->closed &= s->g->stages[s->cs->needs[i]].closed;
	arena_release(&a);
	return rc;
}

/* Whether what this stage writes may hold private text. A stage that once wrote some keeps the mark: its results are still there. */
static void setup_private(struct stage_run *s)
{
	if (s->ops->kind == STAGE_SOURCE)
		s->is_private = s->ops->is_private && s->ops->is_private(s->cs->stage.params);
	for (size_t i = 0; i < s->cs->nneeds && !(s->ops->flags & STAGE_CLEARS_PRIVACY); i++)
		s->is_private |= s->g->stages[s->cs->needs[i]].is_private;
}

static int setup_stage(struct stage_run *s, struct err *e)
{
	struct engine *g = s->g;
	buf_init(&s->parts, BUF_DEFAULT_MAX);
	buf_init(&s->state, BUF_DEFAULT_MAX);
	buf_init(&s->outputs, BUF_DEFAULT_MAX);
	pthread_mutex_init(&s->init_lock, NULL);
	pthread_mutex_init(&s->peers_lock, NULL);
	s->chunks = xcalloc(CHUNKS, sizeof(*s->chunks));
	int rc = key_fingerprint(s->cs, g->config->seed, g->files, &s->parts, &s->fingerprint, e);
	if (rc < 0)
		return rc;
	s->n = g->dry ? (g->store ? store_find_stage(g->store, s->cs->stage.name) : 0)
				  : store_stage(g->store, s->cs->stage.name, s->ops->name);
	s->fp_row = g->dry ? (g->store ? store_find_fingerprint(g->store, &s->fingerprint) : 0)
					   : store_fingerprint(g->store, &s->fingerprint, buf_view(&s->parts));
	if (g->dry && s->fp_row == 0)
		s->fp_row = -1; /* like no memo's */
	setup_sources(s);
	setup_wiring(s);
	setup_private(s);
	rc = setup_closure(s, e);
	if (rc == 0)
		rc = setup_state(s, e);
	money_setup(s);
	return rc;
}

static void choose_until(struct engine *g)
{
	int last = g->args->until ? config_stage_index(g->config, str_of(g->args->until)) : -1;
	for (size_t i = 0; i < g->nstages; i++)
		g->stages[i].chosen = last < 0 || (int)i == last || graph_is_ancestor(g->config->graph, (int)i, last);
	for (size_t i = 0; i < g->nstages; i++) {
		struct stage_run *s = &g->stages[i];
		for (size_t k = i + 1; k < g->nstages; k++)
			s->feeds |=
				g->stages[k].chosen && g->stages[k].ops->peers && graph_is_ancestor(g->config->graph, (int)i, (int)k);
		s->pools = s->feeds || (s->chosen && s->ops->peers);
	}
}

int setup_stages(struct engine *g, struct err *e)
{
	g->nstages = g->config->nstages;
	g->stages = xcalloc(g->nstages ? g->nstages : 1, sizeof(*g->stages));
	g->outputs = xcalloc(g->nstages + 1, sizeof(*g->outputs));
	for (size_t i = 0; i < g->nstages; i++) {
		struct stage_run *s = &g->stages[i];
		s->g = g;
		s->at = (int)i;
		s->cs = &g->config->stages[i];
		s->ops = s->cs->stage.ops;
		s->open_needs = (int)s->cs->nneeds;
	}
	choose_until(g);
	for (size_t i = 0; i < g->nstages; i++) {
		struct config_stage *cs = &g->config->stages[i];
		int rc = secret_read(cs, g->args->work, e);
		if (rc < 0 && cs->mark.file)
			return err_context(e, "%s:%d:%d: stage %s", cs->mark.file, cs->mark.line, cs->mark.col, cs->stage.name);
		if (rc < 0)
			return err_context(e, "stage %s", cs->stage.name);
	}
	for (size_t i = 0; i < g->nstages; i++) {
		int rc = setup_stage(&g->stages[i], e);
		if (rc < 0)
			return rc;
	}
	return 0;
}

bool setup_all_closed(struct engine *g)
{
	if (g->narrowed)
		return false;
	for (size_t i = 0; i < g->nstages; i++)
		if (g->stages[i].chosen && !g->stages[i].closed)
			return false;
	return true;
}

/* Keep the rest of a stage's state; without `closed` its items are looked at one by one, without `wiring` their inputs too. */
void setup_unclose_stage(struct stage_run *s)
{
	struct arena a = ARENA_INIT;
	struct json *state, *kept = json_object(&a);
	if (s->state.len && json_parse(&a, buf_view(&s->state), &state, NULL) == 0) {
		JSON_EACH(member, state) {
			if (!str_is(member->key, "closed") && !(s->rewired && str_is(member->key, "wiring")))
				json_set_key(&a, kept, member->key, json_copy(&a, member));
		}
	}
	json_set(&a, kept, "private", json_bool(&a, s->is_private));
	money_close(s, kept, &a);
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	json_write(&text, kept);
	store_put_stage_state(s->g->store, s->n, buf_view(&text));
	arena_release(&a);
}

void setup_unclose(struct engine *g)
{
	for (size_t i = 0; i < g->nstages; i++) {
		struct stage_run *s = &g->stages[i];
		bool open = s->chosen && !s->closed;
		/* What lies behind an open stage is open too, also behind --until: what comes out of it may be another. */
		for (size_t k = 0; !open && k < i; k++)
			open = g->stages[k].chosen && !g->stages[k].closed && graph_is_ancestor(g->config->graph, (int)k, (int)i);
		if (open && !(g->narrowed && s->ops->kind == STAGE_SINK))
			setup_unclose_stage(s);
	}
}

int setup_memos(struct engine *g, struct err *e)
{
	g->items = xcalloc(CHUNKS, sizeof(*g->items));
	if (!g->store)
		return 0;
	int rc = store_items(g->store, table_take_item, g, e);
	for (size_t i = 0; rc == 0 && i < g->nstages; i++)
		if (g->stages[i].chosen && g->stages[i].n)
			rc = store_memos(g->store, g->stages[i].n, table_take_memo, &g->stages[i], e);
	return rc;
}

int stage_ready(struct stage_run *s, struct err *e)
{
	pthread_mutex_lock(&s->init_lock);
	if (!s->inited) {
		s->inited = true;
		if (s->ops->init)
			s->init_rc = s->ops->init(&s->cs->stage, &s->init_err);
		if (s->init_rc == 0)
			s->init_rc = key_files_hold(&s->cs->stage, buf_view(&s->parts), &s->init_err);
		enum err_class class = s->init_rc < 0 ? err_class_of(s->init_rc) : CLASS_BUG;
		if (class == CLASS_DATA || class == CLASS_INVALID)
			s->init_rc = ERR_CONFIG; /* no call is to blame */
	}
	int rc = s->init_rc;
	if (rc < 0)
		err_set(e, rc, "stage %s: %s", s->cs->stage.name, s->init_err.text);
	pthread_mutex_unlock(&s->init_lock);
	return rc;
}

/* --- Objects lost from the disk since the last run --- */

#define WAY_FOLDER 2 /* table seen: a folder of objects */

struct missing {
	struct engine *g;
	struct fs_names names;
	int folder;
	struct digest *v;
	size_t n, cap;
	struct seen seen[OBJECT_FOLDERS];
	bool listed[OBJECT_FOLDERS]; /* to be remembered, once what they miss is */
};

static int name_order(const void *key, const void *element)
{
	return strcmp(key, *(char *const *)element);
}

static int check_object(void *arg, const struct digest *d, int64_t size)
{
	struct missing *m = arg;
	(void)size; /* lengths are checked by who reads */
	char hex[DIGEST_HEX + 1];
	digest_hex(d, hex);
	if (m->names.n > 0 && bsearch(hex + 2, m->names.v, m->names.n, sizeof(*m->names.v), name_order))
		return 0;
	GROW(m->v, m->n, m->cap);
	m->v[m->n++] = *d;
	return 0;
}

static void folder_name(struct buf *ret, int folder)
{
	buf_clear(ret);
	buf_printf(ret, "objects/%02x", folder);
}

static void remember_folders(const struct missing *m)
{
	CLEANUP(buf_release) struct buf name = BUF_INIT;
	for (int i = 0; i < OBJECT_FOLDERS; i++) {
		if (!m->listed[i])
			continue;
		folder_name(&name, i);
		store_put_seen(m->g->store, buf_view(&name), WAY_FOLDER, &m->seen[i]);
	}
}

static int check_folder(struct missing *m, struct err *e)
{
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	buf_printf(&path, "%s/%02x", m->g->objects, m->folder);
	struct fs_stat st;
	int rc = fs_stat(path.data, &st, e);
	if (rc < 0)
		return rc;
	CLEANUP(buf_release) struct buf name = BUF_INIT;
	folder_name(&name, m->folder);
	struct seen seen;
	rc = store_seen(m->g->store, buf_view(&name), WAY_FOLDER, &seen, e);
	if (rc < 0)
		return rc;
	if (rc > 0 && st.exists && seen_holds(&seen, &st))
		return 0;
	seen = (struct seen){st.size, st.mtime_ns, st.ctime_ns, (int64_t)st.ino, clock_wall_ms(), {{0}}};
	if (st.exists)
		rc = fs_list(path.data, &m->names, e);
	if (rc >= 0)
		rc = store_objects(m->g->store, m->folder, check_object, m, e);
	fs_names_free(&m->names);
	m->listed[m->folder] = rc == 0 && st.exists;
	m->seen[m->folder] = seen;
	return rc;
}

int setup_objects(struct engine *g, struct err *e)
{
	struct missing m = {.g = g};
	int rc = 0;
	for (m.folder = 0; rc == 0 && m.folder < OBJECT_FOLDERS; m.folder++)
		rc = check_folder(&m, e);
	if (rc == 0 && m.n > 0) {
		g->objects_lost = true;
		rc = store_lose_objects(g->store, m.v, m.n, e);
	}
	if (rc == 0 && !g->dry)
		remember_folders(&m);
	free(m.v);
	return rc;
}

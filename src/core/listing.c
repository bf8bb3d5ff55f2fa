#include "core/engine_parts.h"

#include "base/alloc.h"
#include "base/fs.h"
#include "core/call.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Sources list their items; those that are new or changed are spooled to a file without a name, so that memory does not grow with the input. */

#define USES_MAX 8

struct spooled {
	struct locator at;
	int uses[USES_MAX];
	int32_t nuses, content, broken; /* bytes that follow */
};

struct listing {
	struct stage_run *s;
	struct err *e;
	struct buf text;
	int32_t *found; /* items listed */
	size_t nfound, cap;
};

static int list_file(void *arg, int file, struct str *ret, struct err *e)
{
	struct stage_run *s = arg;
	const struct option_list *list = stage_item_files(&s->cs->stage);
	if (!list || file < 0 || (size_t)file >= list->n)
		return err_set(e, ERR_BUG, "stage %s has no file %d", s->cs->stage.name, file);
	return files_bytes(s->g->files, list->v[file], ret, e);
}

static int listed_file(void *arg, int file, struct str *ret, struct err *e)
{
	return list_file(((struct listing *)arg)->s, file, ret, e);
}

static enum file_way item_files_way(const struct stage_run *s)
{
	for (size_t i = 0; i < s->ops->noptions; i++)
		if (s->ops->options[i].flags & OPTION_PER_ITEM)
			return s->ops->options[i].flags & OPTION_YAML ? FILE_YAML : FILE_TEXT;
	return FILE_TEXT;
}

static int input_of(
	struct stage_run *s, struct str content, const int *uses, size_t nuses, struct digest *ret, struct err *e)
{
	struct digest files[USES_MAX];
	const struct option_list *list = stage_item_files(&s->cs->stage);
	for (size_t i = 0; i < nuses; i++) {
		int rc = files_digest(s->g->files, list->v[uses[i]], item_files_way(s), &files[i], e);
		if (rc < 0)
			return rc;
	}
	key_input(content, files, nuses, ret);
	return 0;
}

static int spool(struct engine *g, struct item *item, const struct spooled *head, struct str content,
	const char *broken, struct err *e)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	buf_add(&b, head, sizeof(*head));
	buf_str(&b, content);
	buf_add(&b, broken, (size_t)head->broken);
	int rc = fs_write_all(g->spool, b.data, b.len, "the spool of listed items", e);
	if (rc < 0)
		return rc;
	item->spool_at = g->spool_end;
	item->spool_len = (int32_t)b.len;
	g->spool_end += (int64_t)b.len;
	return 0;
}

static bool outcome_kept(int outcome)
{
	return outcome == OUTCOME_PASSED || outcome == OUTCOME_REJECTED || outcome == OUTCOME_QUARANTINED;
}

static int listed_twice(struct stage_run *s, const struct item *item, struct err *e)
{
	return err_set(e, ERR_CONFIG, "the id '%.*s' is listed by stage %s and by stage %s: give one of them another prefix",
		STR_FMT(item->id), s->g->stages[item->origin].cs->stage.name, s->cs->stage.name);
}

static int list_item(void *arg, struct str id, const struct json *content, struct locator at, const int *uses,
	size_t nuses, const char *broken)
{
	struct listing *l = arg;
	struct stage_run *s = l->s;
	struct engine *g = s->g;
	if (!id_valid(id))
		return err_set(l->e, ERR_DATA, "stage %s lists the id '%.*s', which is no id ([a-z0-9._/+-%%], 1 to 120 bytes)",
			s->cs->stage.name, STR_FMT(id));
	if (nuses > USES_MAX)
		return err_set(l->e, ERR_BUG, "stage %s: %zu files for one item", s->cs->stage.name, nuses);
	buf_clear(&l->text);
	if (content)
		json_write(&l->text, content);
	struct spooled head = {.at = at,
		.nuses = (int32_t)nuses,
		.content = (int32_t)l->text.len,
		.broken = broken ? (int32_t)strlen(broken) : 0};
	if (nuses)
		memcpy(head.uses, uses, nuses * sizeof(*uses));
	CLEANUP(buf_release) struct buf whole = BUF_INIT;
	buf_str(&whole, buf_view(&l->text));
	if (broken)
		buf_printf(&whole, "\n%s", broken);
	struct digest input;
	int rc = input_of(s, buf_view(&whole), uses, nuses, &input, l->e);
	if (rc == 0 && (buf_error(&l->text) || buf_error(&whole)))
		rc = err_set(l->e, ERR_TOOBIG, "the item '%.*s' is larger than %zu bytes", STR_FMT(id), l->text.max);
	if (rc < 0)
		return rc;
	int32_t n = item_of(g, id);
	struct item *item = item_at(g, n);
	if (item->origin >= 0)
		return listed_twice(s, item, l->e);
	item->origin = s->at;
	GROW(l->found, l->nfound, l->cap);
	l->found[l->nfound++] = n;
	struct slot *slot = slot_at(s, n);
	if (slot->m.item && outcome_kept(slot->m.outcome) && slot->m.fingerprint == s->fp_row &&
		memcmp(slot->m.input, input.b, MEMO_INPUT) == 0)
		return 0;
	return spool(g, item, &head, buf_view(&l->text), broken ? broken : "", l->e);
}

static int list_source(struct stage_run *s, struct listing *l, struct err *e)
{
	struct engine *g = s->g;
	if (s->closed) {
		for (int32_t i = 1; i < g->nitems; i++) {
			struct slot *slot = slot_if(s, i);
			if (!slot || !slot->m.item || slot->m.outcome == OUTCOME_LEFT)
				continue;
			struct item *item = item_at(g, i);
			if (item->origin >= 0)
				return listed_twice(s, item, e);
			item->origin = s->at;
			GROW(l->found, l->nfound, l->cap);
			l->found[l->nfound++] = i;
		}
		return 0;
	}
	int rc = stage_ready(s, e);
	struct lister_sink sink = {.add = list_item, .file = listed_file, .arg = l};
	if (rc == 0)
		rc = lister_run(&s->cs->stage, &sink, stage_item_files(&s->cs->stage), e);
	return rc < 0 ? err_context(e, "stage %s", s->cs->stage.name) : 0;
}

/* --- Narrowing --- */

/* `only` names a call that is made of this one: "a+more.1" of "a". */
static bool only_of_parent(const char *only, struct str id)
{
	return strncmp(only, id.p, id.n) == 0 && only[id.n] == '+';
}

static bool only_matches(const char *only, struct str id)
{
	size_t n = strlen(only);
	return str_starts(id, only) && (id.n == n || id.p[n] == '/' || id.p[n] == '+' || only[n - 1] == '/');
}

bool listing_wants(const struct engine *g, struct str id)
{
	return !g->args->only || only_matches(g->args->only, id) || only_of_parent(g->args->only, id);
}

struct ranked {
	uint64_t rank;
	int32_t item;
};

static int ranked_order(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;
	return x->rank < y->rank ? -1 : x->rank > y->rank;
}

/* The calls of a narrowed run: those that match, and of them a sample spread by rank, the sources in turn. */
static bool narrow(struct engine *g, struct listing *lists)
{
	struct ranked **ranked = xcalloc(g->nstages, sizeof(*ranked));
	size_t *count = xcalloc(g->nstages, sizeof(*count));
	for (size_t i = 0; i < g->nstages; i++) {
		ranked[i] = xcalloc(lists[i].nfound + 1, sizeof(**ranked));
		for (size_t k = 0; k < lists[i].nfound; k++) {
			struct str id = item_at(g, lists[i].found[k])->id;
			if (listing_wants(g, id))
				ranked[i][count[i]++] =
					(struct ranked){draw_hash((uint64_t)g->config->seed, id, "limit"), lists[i].found[k]};
		}
		qsort(ranked[i], count[i], sizeof(**ranked), ranked_order);
	}
	int64_t left = g->args->limit > 0 ? g->args->limit : INT64_MAX;
	bool more = true;
	for (size_t k = 0; more && left > 0; k++) {
		more = false;
		for (size_t i = 0; i < g->nstages && left > 0; i++) {
			if (k >= count[i])
				continue;
			item_at(g, ranked[i][k].item)->chosen = true;
			left--;
			more = true;
		}
	}
	for (size_t i = 0; i < g->nstages; i++)
		free(ranked[i]);
	bool any = !g->args->only;
	for (size_t i = 0; i < g->nstages; i++)
		any |= count[i] > 0;
	free(ranked);
	free(count);
	return any;
}

static void start_source(struct stage_run *s, struct listing *l)
{
	struct engine *g = s->g;
	pthread_mutex_lock(&g->lock);
	for (size_t k = 0; k < l->nfound; k++) {
		struct item *item = item_at(g, l->found[k]);
		if (!g->narrowed)
			item->chosen = true;
		if (!item->chosen && s->pools)
			item->chosen = item->pooled = true;
		if (!item->chosen)
			continue;
		slot_at(s, l->found[k])->now = SLOT_READY;
		s->active++;
		s->total++;
		queue_push(&s->ready, l->found[k]);
	}
	pthread_mutex_unlock(&g->lock);
	flow_listed(s);
}

int listing_all(struct engine *g, struct err *e)
{
	struct listing *lists = xcalloc(g->nstages ? g->nstages : 1, sizeof(*lists));
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < g->nstages; i++) {
		lists[i].s = &g->stages[i];
		lists[i].e = e;
		buf_init(&lists[i].text, BUF_DEFAULT_MAX);
		if (g->stages[i].chosen && g->stages[i].ops->kind == STAGE_SOURCE)
			rc = list_source(&g->stages[i], &lists[i], e);
	}
	if (rc == 0 && g->narrowed && !narrow(g, lists))
		rc = err_set(
			e, ERR_USAGE, "--only %s: no call has this id, and none begins with '%s/'", g->args->only, g->args->only);
	for (size_t i = 0; i < g->nstages; i++) {
		if (rc == 0 && g->stages[i].chosen && g->stages[i].ops->kind == STAGE_SOURCE)
			start_source(&g->stages[i], &lists[i]);
		free(lists[i].found);
		buf_release(&lists[i].text);
	}
	free(lists);
	files_forget(g->files);
	return rc;
}

static int work_file_io(void *arg, int file, struct str *ret, struct err *e)
{
	return list_file(arg, file, ret, e);
}

int listing_read(struct record *r, int32_t n, struct work *w, struct digest *ret_input, struct err *e)
{
	struct engine *g = r->g;
	struct item *item = item_at(g, n);
	struct stage_run *s = &g->stages[item->origin];
	char *p = arena_alloc(&r->arena, (size_t)item->spool_len + 1);
	ssize_t got = pread(g->spool, p, (size_t)item->spool_len, item->spool_at);
	if (got != item->spool_len)
		return err_errno(e, "reading the spool of listed items");
	struct spooled head;
	memcpy(&head, p, sizeof(head));
	struct str whole = {p + sizeof(head), (size_t)head.content}, content = whole;
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	buf_str(&b, content);
	if (head.broken)
		buf_printf(&b, "\n%.*s", (int)head.broken, p + sizeof(head) + head.content);
	int rc = input_of(s, buf_view(&b), head.uses, (size_t)head.nuses, ret_input, e);
	if (rc < 0)
		return rc;
	w->at = head.at;
	w->io->file = work_file_io;
	struct json *call = NULL;
	if (content.n)
		rc = json_parse(&r->arena, content, &call, e);
	w->call = call;
	if (rc == 0 && head.broken) {
		CLEANUP(buf_release) struct buf where = BUF_INIT;
		locator_text(&where, head.at, stage_item_files(&s->cs->stage));
		rc = err_set(e, ERR_DATA, "%s: %.*s", where.data, (int)head.broken, p + sizeof(head) + head.content);
	}
	return rc;
}

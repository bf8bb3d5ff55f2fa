#include "stages/screen/overrides.h"

#include "base/alloc.h"
#include "base/fs.h"
#include "base/map.h"
#include "core/problems.h"

#include <string.h>

#define FILE_MAX ((size_t)64 << 20)
#define LINES_MAX 1000000

enum action { ACTION_DROP, ACTION_RELABEL, ACTION_EDIT };
static const char *const action_names[] = {"drop", "relabel", "edit"};

struct override {
	struct override *next; /* of the same call, in file order */
	enum action action;
	struct str reason;
	const struct json *label; /* relabel: the whole new label */
	int64_t turn;
	struct str text, was; /* edit; was.p == NULL when not given */
};
struct overrides {
	struct map ids; /* id → first struct override */
};

struct loading {
	struct arena *a;
	struct overrides *o;
	struct labels labels;
	struct problems *problems;
	struct yaml_mark mark;
};

static void wrong(struct loading *l, const char *what)
{
	problem_add(l->problems, l->mark, "%s", what);
}

/* --- One line --- */

static bool known_members(struct loading *l, const struct json *row)
{
	static const char *const names[] = {"id", "action", "reason", "label", "turn", "text", "was"};
	JSON_EACH(member, row) {
		bool known = false;
		for (size_t i = 0; i < COUNT_OF(names); i++)
			known |= str_is(member->key, names[i]);
		if (!known) {
			problem_add(l->problems, l->mark,
				"unknown member '%.*s': there are id, action, reason, label, turn, text, was", STR_FMT(member->key));
			return false;
		}
	}
	return true;
}

static struct str required(struct loading *l, const struct json *row, const char *name)
{
	struct str s = json_get_str(row, name);
	if (!s.p || str_trim(s).n == 0)
		problem_add(l->problems, l->mark, "'%s' is missing, or no text", name);
	return s;
}

static bool read_action(struct loading *l, struct str name, enum action *ret)
{
	for (size_t i = 0; i < COUNT_OF(action_names); i++) {
		if (str_is(name, action_names[i])) {
			*ret = (enum action)i;
			return true;
		}
	}
	wrong(l, "'action' is drop, relabel or edit");
	return false;
}

static const struct json *read_label(struct loading *l, const struct json *row)
{
	struct str name = required(l, row, "label");
	bool fraud = labels_is_fraud_type(&l->labels, name);
	if (!fraud && !labels_is_scene(&l->labels, name)) {
		problem_add(l->problems, l->mark, "'%.*s' is neither a fraud type nor a scene of labels.yaml", STR_FMT(name));
		return NULL;
	}
	struct json *label = json_object(l->a);
	json_set(l->a, label, "is_fraud", json_bool(l->a, fraud));
	json_set_str(l->a, label, fraud ? "fraud_type" : "scene", name);
	if (!fraud)
		json_set_text(l->a, label, "scene_origin", "given");
	return label;
}

static void read_edit(struct loading *l, const struct json *row, struct override *ret)
{
	ret->turn = json_get_int(row, "turn", -1);
	ret->text = required(l, row, "text");
	ret->was = json_get_str(row, "was");
	if (ret->turn < 0 || ret->turn >= CALL_TURNS_MAX)
		wrong(l, "'turn' is the number of a turn, from 0");
	if (ret->text.n > CALL_TURN_TEXT_MAX)
		wrong(l, "'text' is longer than a turn may be");
}

static void add(struct loading *l, struct str id, struct override *o)
{
	bool fresh;
	struct map_entry *entry = map_put(&l->o->ids, id, &fresh);
	if (fresh) {
		entry->value.p = o;
		return;
	}
	struct override *first = entry->value.p, *last = first;
	for (struct override *at = first; at; at = at->next) {
		if (at->action == o->action && (o->action != ACTION_EDIT || at->turn == o->turn))
			problem_add(l->problems, l->mark, "%.*s: a second %s%s", STR_FMT(id), action_names[o->action],
				o->action == ACTION_EDIT ? " of the same turn" : "");
		last = at;
	}
	ASSERT(last != NULL);
	last->next = o;
}

static void read_line(struct loading *l, struct str line)
{
	struct err e = ERR_INIT;
	struct json *row;
	if (json_parse(l->a, line, &row, &e) < 0 || row->kind != JSON_OBJECT) {
		wrong(l, e.code ? e.text : "not a JSON object");
		return;
	}
	if (!known_members(l, row))
		return;
	size_t before = l->problems->n;
	struct override *o = ARENA_NEW(l->a, struct override);
	struct str id = required(l, row, "id");
	o->reason = required(l, row, "reason");
	if (!read_action(l, json_get_str(row, "action"), &o->action))
		return;
	if (id.p && id.n && !id_valid(id))
		problem_add(l->problems, l->mark, "'%.*s' is no id; `taf status` and manifest.jsonl have them", STR_FMT(id));
	if (o->action == ACTION_RELABEL)
		o->label = read_label(l, row);
	if (o->action == ACTION_EDIT)
		read_edit(l, row, o);
	if (l->problems->n == before)
		add(l, id, o);
}

/* --- The file --- */

int overrides_load(struct arena *a, const char *path, struct overrides **ret, struct err *e)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT_MAX(FILE_MAX);
	CLEANUP(problems_release) struct problems problems = PROBLEMS_INIT;
	struct loading l = {.a = a, .problems = &problems, .mark = {.file = path, .col = 1}};
	int rc = fs_read(path, FILE_MAX, &text, e);
	if (rc == 0)
		rc = labels_load(a, NULL, &l.labels, e);
	if (rc < 0)
		return rc;
	l.o = ARENA_NEW(a, struct overrides);
	l.o->ids = (struct map)MAP_INIT;
	struct str rest = buf_view(&text), line;
	if (str_starts(rest, "\xef\xbb\xbf"))
		rest = str_n(rest.p + 3, rest.n - 3);
	while (str_line(&rest, &line)) {
		if (++l.mark.line > LINES_MAX) {
			wrong(&l, "more than 1,000,000 lines");
			break;
		}
		line = str_trim(line);
		if (line.n && line.p[0] != '#')
			read_line(&l, line);
	}
	if (problems.n) {
		overrides_release(l.o);
		return problems_error(&problems, e);
	}
	*ret = l.o;
	return 0;
}

void overrides_release(struct overrides *o)
{
	if (o)
		map_release(&o->ids);
}

void overrides_ids(const struct overrides *o, void (*each)(void *arg, struct str id), void *arg)
{
	for (size_t i = 0; i < o->ids.n; i++)
		each(arg, o->ids.entries[i].key);
}

/* --- A call --- */

static int apply_edit(const struct override *o, struct arena *a, struct json *turns, struct err *e)
{
	struct json *turn = json_at(turns, (size_t)o->turn);
	if (!turn)
		return err_set(e, ERR_DATA, "overrides: an edit of turn %lld, but the call has %zu turns", (long long)o->turn,
			json_count(turns));
	if (o->was.p && !str_eq(o->was, turn_text(turn)))
		return err_set(
			e, ERR_DATA, "overrides: an edit of turn %lld: 'was' is not what stands there now", (long long)o->turn);
	json_set_str(a, turn, "text", o->text);
	return 0;
}

int overrides_apply(const struct overrides *o, struct arena *a, struct str id, const struct json *turns,
	struct overridden *ret, struct err *e)
{
	*ret = (struct overridden){.turns = NULL};
	const struct override *first = map_ptr(&o->ids, id);
	if (!first)
		return 0;
	ret->applied = json_array(a);
	for (const struct override *at = first; at; at = at->next) {
		struct json *row = json_object(a);
		json_set_text(a, row, "action", action_names[at->action]);
		json_set_str(a, row, "reason", at->reason);
		json_append(ret->applied, row);
		if (at->action == ACTION_DROP) {
			ret->dropped = at->reason;
		} else if (at->action == ACTION_RELABEL) {
			ret->label = json_copy(a, at->label);
		} else {
			json_set_int(a, row, "turn", at->turn);
			if (!ret->turns)
				ret->turns = json_copy(a, turns);
			int rc = apply_edit(at, a, ret->turns, e);
			if (rc < 0)
				return rc;
		}
	}
	return 0;
}

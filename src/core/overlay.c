#include "core/overlay.h"

#include "base/alloc.h"
#include "base/utf8.h"

#include <string.h>

#define KEY(s) \
	{ \
		"" s, sizeof(s) - 1 \
	}

static struct str top_keys[] = {KEY("version"), KEY("name"), KEY("seed"), KEY("date"), KEY("max_cost"),
	KEY("max_tokens"), KEY("max_time"), KEY("confirm_above"), KEY("providers"), KEY("stages"), KEY("profiles")};
static struct str stage_keys[] = {
	KEY("name"), KEY("uses"), KEY("needs"), KEY("with"), KEY("generation"), KEY("item_timeout_s")};
const struct option_list config_top_keys = {top_keys, COUNT_OF(top_keys)};
const struct option_list config_stage_keys = {stage_keys, COUNT_OF(stage_keys)};

bool overlay_known(
	struct yaml_mark mark, const char *lead, struct str key, const struct option_list *keys, struct problems *problems)
{
	for (size_t i = 0; i < keys->n; i++)
		if (str_eq(keys->v[i], key))
			return true;
	problem_unknown(problems, mark, lead, key, keys);
	return false;
}

static struct str name_of(const struct yaml_node *item)
{
	const struct yaml_node *name = yaml_get(item, "name");
	return name && name->kind == YAML_SCALAR ? name->text : (struct str){NULL, 0};
}

struct option_list overlay_names(struct arena *a, const struct yaml_node *node)
{
	struct option_list list = {NULL, 0};
	if (!node || node->kind == YAML_SCALAR)
		return list;
	list.v = arena_array(a, node->n, sizeof(*list.v));
	YAML_EACH(item, node) {
		struct str name = node->kind == YAML_MAP ? item->key : name_of(item);
		if (name.n)
			list.v[list.n++] = name;
	}
	return list;
}

/* --- Secrets --- */

static void hide(struct arena *a, struct yaml_node *node)
{
	node->text = arena_str(a, STR("(hidden)"));
	node->plain = false;
}

static void refuse(struct arena *a, struct yaml_node *node, struct str key, bool named, struct problems *problems)
{
	if (node->kind != YAML_SCALAR) {
		YAML_EACH(item, node) {
			struct str k = node->kind == YAML_MAP ? item->key : key;
			refuse(a, item, k, named || yaml_secret_key(k), problems);
		}
		return;
	}
	if (!node->text.n || yaml_is_null(node))
		return;
	if (named)
		problem_add(problems,
			node->mark, "'%.*s' must not hold a secret; keep it in an environment variable and give that one's name: api_key_env: MY_KEY",
			STR_FMT(key));
	else if (yaml_secret_value(node->text))
		problem_add(problems,
			node->mark, "this looks like a secret; keep it in an environment variable and give that one's name: api_key_env: MY_KEY");
	else
		return;
	hide(a, node);
}

void overlay_refuse_secrets(struct arena *a, struct yaml_node *node, struct problems *problems)
{
	refuse(a, node, node->key, node->key.n && yaml_secret_key(node->key), problems);
}

/* --- Merging --- */

static struct yaml_node *copy_tree(struct arena *a, const struct yaml_node *from)
{
	struct yaml_node *to = ARENA_NEW(a, struct yaml_node);
	*to = *from;
	to->next = to->first = to->last = NULL;
	to->n = 0;
	YAML_EACH(item, from)
		yaml_append(to, copy_tree(a, item));
	return to;
}

/* Both say it, and differently. */
static bool differs(const struct yaml_node *a, const struct yaml_node *b, const char *key)
{
	const struct yaml_node *x = yaml_get(a, key), *y = yaml_get(b, key);
	return x && y && x->kind == YAML_SCALAR && y->kind == YAML_SCALAR && !str_eq(x->text, y->text);
}

static void merge(struct arena *a, struct yaml_node *base, const struct yaml_node *over)
{
	YAML_EACH(item, over) {
		struct yaml_node *old = yaml_get(base, item->key.p);
		if (old && old->kind == YAML_MAP && item->kind == YAML_MAP)
			merge(a, old, item);
		else
			yaml_set(a, base, item->key, copy_tree(a, item));
	}
}

static struct yaml_node *find_stage(const struct yaml_node *list, struct str name)
{
	if (!list || list->kind != YAML_LIST)
		return NULL;
	YAML_EACH(item, list)
		if (name.n && str_eq(name_of(item), name))
			return item;
	return NULL;
}

static void drop(struct yaml_node *map, const char *key)
{
	struct yaml_node *before = NULL;
	for (struct yaml_node *item = map->first; item; before = item, item = item->next) {
		if (!str_is(item->key, key))
			continue;
		if (before)
			before->next = item->next;
		else
			map->first = item->next;
		if (map->last == item)
			map->last = before;
		map->n--;
		return;
	}
}

static void merge_stages(struct arena *a, struct yaml_node *base, const struct yaml_node *over, struct str profile,
	struct problems *problems)
{
	YAML_EACH(item, over) {
		struct yaml_node *old = find_stage(base, name_of(item));
		if (old) {
			if (differs(old, item, "uses"))
				drop(old, "with");
			merge(a, old, item);
			continue;
		}
		if (name_of(item).n && !yaml_get(item, "uses")) {
			struct option_list names = overlay_names(a, base);
			CLEANUP(buf_release) struct buf lead = BUF_INIT;
			buf_printf(&lead, "profile %.*s: to add a stage, say what it `uses`; there is no stage", STR_FMT(profile));
			problem_unknown(problems, yaml_get(item, "name")->mark, lead.data, name_of(item), &names);
			continue;
		}
		yaml_append(base, copy_tree(a, item));
	}
}

static void merge_providers(struct arena *a, struct yaml_node *base, const struct yaml_node *over)
{
	YAML_EACH(item, over) {
		struct yaml_node *old = yaml_get(base, item->key.p);
		if (old && old->kind == YAML_MAP && item->kind == YAML_MAP && !differs(old, item, "kind"))
			merge(a, old, item);
		else
			yaml_set(a, base, item->key, copy_tree(a, item));
	}
}

static void apply_profile(
	struct arena *a, struct yaml_node *root, const struct yaml_node *profile, struct problems *problems)
{
	YAML_EACH(item, profile) {
		struct yaml_node *old = yaml_get(root, item->key.p);
		if (str_is(item->key, "stages") && old && old->kind == YAML_LIST && item->kind == YAML_LIST)
			merge_stages(a, old, item, profile->key, problems);
		else if (str_is(item->key, "providers") && old && old->kind == YAML_MAP && item->kind == YAML_MAP)
			merge_providers(a, old, item);
		else if (!yaml_is_null(item))
			yaml_set(a, root, item->key, copy_tree(a, item));
	}
}

/* The shape of all profiles, also of those that are not asked for. */
static void check_profiles(const struct yaml_node *profiles, struct problems *problems)
{
	YAML_EACH(profile, profiles) {
		if (yaml_is_null(profile))
			continue;
		if (profile->kind != YAML_MAP) {
			problem_add(problems, profile->mark, "profile %.*s: a profile is a map like the file itself",
				STR_FMT(profile->key));
			continue;
		}
		CLEANUP(buf_release) struct buf lead = BUF_INIT;
		buf_printf(&lead, "profile %.*s: unknown key", STR_FMT(profile->key));
		YAML_EACH(item, profile) {
			if (!overlay_known(item->keymark, lead.data, item->key, &config_top_keys, problems))
				continue;
			if (str_is(item->key, "profiles") || str_is(item->key, "version"))
				problem_add(problems, item->keymark, "profile %.*s: `%.*s` cannot stand in a profile",
					STR_FMT(profile->key), STR_FMT(item->key));
			if (!str_is(item->key, "stages") || item->kind != YAML_LIST)
				continue;
			YAML_EACH(stage, item)
				if (!name_of(stage).n)
					problem_add(problems, stage->mark, "profile %.*s: a stage in a profile is a map with a `name`",
						STR_FMT(profile->key));
		}
	}
}

/* --- --set --- */

struct set {
	struct arena *a;
	struct yaml_mark mark;
	struct str path; /* what is left of the key */
	struct yaml_node *value;
	struct problems *problems;
};

/* The value is YAML, but texts that YAML keeps for itself at the start (globs, "@/") need no quotes inside the shell's. */
static struct yaml_node *set_value(struct set *s, struct str text)
{
	if (!str_trim(text).n)
		return yaml_scalar(s->a, STR(""), true, s->mark);
	if (strchr("*@%&!|>`", text.p[0]))
		return yaml_scalar(s->a, text, false, s->mark);
	struct err e = ERR_INIT;
	struct yaml_node *node = NULL;
	if (yaml_parse(s->a, "(value)", text, &node, &e)) {
		struct str rest = str_of(e.text), line;
		str_line(&rest, &line);
		problem_add(s->problems, s->mark, "the value is not valid YAML: %.*s", STR_FMT(line));
		return NULL;
	}
	return node;
}

static void set_marks(struct yaml_node *node, struct yaml_mark mark)
{
	node->mark = node->keymark = mark;
	YAML_EACH(item, node)
		set_marks(item, mark);
}

/* Members below `map`: made where there are none; a value in the way is an error. */
static void set_below(struct set *s, struct yaml_node *map)
{
	struct str piece, done = {s->path.p, 0};
	while (str_split(&s->path, '.', &piece)) {
		done.n = (size_t)(piece.p + piece.n - done.p);
		if (!piece.n) {
			problem_add(s->problems, s->mark, "the path has an empty part");
			return;
		}
		if (!s->path.p) {
			yaml_set(s->a, map, piece, s->value);
			return;
		}
		struct yaml_node *next = yaml_get(map, arena_dup(s->a, piece.p, piece.n));
		if (!next || yaml_is_null(next)) {
			next = yaml_new(s->a, YAML_MAP, s->mark);
			yaml_set(s->a, map, piece, next);
		}
		if (next->kind != YAML_MAP) {
			problem_add(s->problems, s->mark, "%.*s has no members", STR_FMT(done));
			return;
		}
		map = next;
	}
}

static void set_stage(struct set *s, struct yaml_node *list)
{
	struct str name = {NULL, 0}, key;
	str_split(&s->path, '.', &name);
	struct yaml_node *stage = find_stage(list, name);
	if (!stage) {
		struct option_list names = overlay_names(s->a, list);
		problem_unknown(s->problems, s->mark, "unknown stage", name, &names);
		return;
	}
	struct str rest = s->path;
	if (!rest.p || !str_split(&rest, '.', &key)) {
		problem_add(s->problems, s->mark, "name a key of the stage, as in stages.%.*s.with.OPTION=VALUE", STR_FMT(name));
		return;
	}
	if (!overlay_known(s->mark, "unknown key of a stage:", key, &config_stage_keys, s->problems))
		return;
	if (rest.p && !str_is(key, "with")) {
		problem_add(s->problems, s->mark, "%.*s has no members", STR_FMT(key));
		return;
	}
	if (str_is(key, "uses") && s->value->kind == YAML_SCALAR) {
		const struct yaml_node *old = yaml_get(stage, "uses");
		if (old && old->kind == YAML_SCALAR && !str_eq(old->text, s->value->text))
			drop(stage, "with");
	}
	set_below(s, stage);
}

static void set_provider(struct set *s, struct yaml_node *root)
{
	struct yaml_node *providers = yaml_get(root, "providers");
	struct str name = {NULL, 0}, path = s->path;
	str_split(&path, '.', &name);
	struct option_list names = overlay_names(s->a, providers);
	bool whole = !path.p && s->value->kind == YAML_MAP; /* may define a new one */
	if (!whole && !overlay_known(s->mark, "unknown provider", name, &names, s->problems))
		return;
	if (!providers || providers->kind != YAML_MAP) {
		providers = yaml_new(s->a, YAML_MAP, s->mark);
		yaml_set(s->a, root, STR("providers"), providers);
	}
	set_below(s, providers);
}

static void set_top(struct set *s, struct yaml_node *root)
{
	struct str whole = s->path, key = {NULL, 0};
	str_split(&s->path, '.', &key);
	if (!overlay_known(s->mark, "unknown key", key, &config_top_keys, s->problems))
		return;
	if (str_is(key, "profiles"))
		problem_add(s->problems, s->mark, "profiles cannot be set; choose them by --profile");
	else if (!s->path.p)
		yaml_set(s->a, root, whole, s->value);
	else if (str_is(key, "stages"))
		set_stage(s, yaml_get(root, "stages"));
	else if (str_is(key, "providers"))
		set_provider(s, root);
	else
		problem_add(s->problems, s->mark, "%.*s has no members", STR_FMT(key));
}

/* The last part of a path, which is the key of the value. */
static struct str last_part(struct str path)
{
	for (size_t i = path.n; i > 0; i--)
		if (path.p[i - 1] == '.')
			return str_n(path.p + i, path.n - i);
	return path;
}

/* A privacy key may be given as a literal, alone or in a map; the words of an error do not repeat it. */
static bool privacy_key(struct str key, const char *value)
{
	return str_is(key, "key") || strstr(value, "key:") || strstr(value, "key\":");
}

void overlay_set_shown(struct buf *ret, const char *text)
{
	const char *equals = strchr(text, '=');
	struct str path = equals ? str_n(text, (size_t)(equals - text)) : (struct str){NULL, 0}, key = last_part(path);
	if (equals && (yaml_secret_key(key) || yaml_secret_value(str_of(equals + 1)) || privacy_key(key, equals + 1)))
		buf_printf(ret, "--set %.*s=…", STR_FMT(path));
	else
		buf_printf(ret, "--set %s", text);
}

static void apply_set(struct arena *a, struct yaml_node *root, const char *text, struct problems *problems)
{
	const char *equals = strchr(text, '=');
	CLEANUP(buf_release) struct buf shown = BUF_INIT;
	overlay_set_shown(&shown, text);
	struct set s = {.a = a, .problems = problems, .mark = {arena_strdup(a, shown.data), 0, 0}};
	if (!equals || equals == text) {
		problem_add(problems, s.mark, "expected KEY=VALUE, as in stages.speak.with.rate=1.1");
		return;
	}
	if (equals[1] == '\0') { /* an empty variable of a script: nobody means the default by it */
		problem_add(problems, s.mark, "there is no value after '='; say null for the default, '' for an empty text");
		return;
	}
	s.path = str_n(text, (size_t)(equals - text));
	struct str key = last_part(s.path);
	if (utf8_invalid(str_of(text)) >= 0) {
		problem_add(problems, (struct yaml_mark){"--set", 0, 0}, "not valid UTF-8");
		return;
	}
	s.value = set_value(&s, str_of(equals + 1));
	if (!s.value)
		return;
	set_marks(s.value, s.mark);
	refuse(a, s.value, key, yaml_secret_key(key), problems);
	set_top(&s, root);
}

void overlay_apply(struct arena *a, struct yaml_node *root, const struct config_args *args,
	struct option_list *ret_names, struct problems *problems)
{
	struct yaml_node *profiles = yaml_get(root, "profiles");
	drop(root, "profiles");
	if (profiles && profiles->kind != YAML_MAP && !yaml_is_null(profiles)) {
		problem_add(problems, profiles->mark, "profiles: expected a map of overlays by name");
		profiles = NULL;
	}
	if (profiles && profiles->kind == YAML_MAP)
		check_profiles(profiles, problems);
	*ret_names = overlay_names(a, profiles);
	for (size_t i = 0; i < args->nprofiles; i++) {
		const struct yaml_node *profile = yaml_get(profiles, args->profiles[i]);
		struct yaml_mark mark = {arena_printf(a, "--profile %s", args->profiles[i]), 0, 0};
		if (!profile)
			problem_unknown(problems, mark, "unknown profile", str_of(args->profiles[i]), ret_names);
		else if (profile->kind == YAML_MAP)
			apply_profile(a, root, profile, problems);
	}
	for (size_t i = 0; i < args->nsets; i++)
		apply_set(a, root, args->sets[i], problems);
}

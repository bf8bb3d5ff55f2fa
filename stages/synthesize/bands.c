#include "stages/synthesize/bands.h"

#include "base/alloc.h"
#include "base/fs.h"
#include "base/utf8.h"

#include <string.h>

#define BANDS_FILE_MAX ((size_t)1 << 20)
#define AGE_MAX 120
#define WEIGHT_MAX 20
#define LIST_MAX 20
#define OCCUPATIONS_MAX 1000
#define MANNER_BYTES 1000

struct reader {
	struct arena *a;
	struct problems *p;
};

static void known_keys(struct reader *r, const struct yaml_node *map, const char *const *keys)
{
	YAML_EACH(kid, map) {
		size_t i = 0;
		while (keys[i] && !str_is(kid->key, keys[i]))
			i++;
		if (!keys[i])
			problem_add(r->p, kid->keymark, "unknown key '%.*s'", STR_FMT(kid->key));
	}
}

static struct str get_text(struct reader *r, const struct yaml_node *map, const char *key, size_t max)
{
	const struct yaml_node *v = yaml_get(map, key);
	struct str text = v && v->kind == YAML_SCALAR ? str_trim(v->text) : (struct str){NULL, 0};
	if (!text.n || text.n > max)
		problem_add(r->p, v ? v->mark : map->mark, "'%s' must be a text of at most %zu bytes", key, max);
	return text;
}

/* The name of a part of a cell: it comes into ids. */
static struct str get_name(struct reader *r, const struct yaml_node *map)
{
	struct str name = get_text(r, map, "name", BANDS_CELL_NAME_MAX / 2 - 1);
	for (size_t i = 0; i < name.n; i++)
		if (!memchr("abcdefghijklmnopqrstuvwxyz0123456789-", name.p[i], 37)) {
			problem_add(r->p, map->mark, "a name is made of a-z, 0-9 and '-'");
			break;
		}
	return name;
}

static void get_ages(struct reader *r, const struct yaml_node *map, int *ret_min, int *ret_max)
{
	const struct yaml_node *v = yaml_get(map, "age");
	int64_t low = 0, high = 0;
	if (v && v->kind == YAML_LIST && v->n == 2 && yaml_int(v->first, &low) && yaml_int(v->first->next, &high) &&
		low >= 0 && low <= high && high <= AGE_MAX) {
		*ret_min = (int)low;
		*ret_max = (int)high;
		return;
	}
	problem_add(r->p, v ? v->mark : map->mark, "'age' must be [lowest, highest], years up to %d", AGE_MAX);
}

/* The entries of a list of maps, which may not be empty; NULL with a problem. */
static const struct yaml_node *get_list(struct reader *r, const struct yaml_node *root, const char *key, size_t max)
{
	const struct yaml_node *v = yaml_get(root, key);
	bool good = v && v->kind == YAML_LIST && v->n > 0 && v->n <= max;
	if (good)
		YAML_EACH(item, v)
			good = good && item->kind == YAML_MAP;
	if (good)
		return v;
	problem_add(r->p, v ? v->mark : root->mark, "'%s' must be a list of 1 to %zu entries of keys and values", key, max);
	return NULL;
}

static void parse_ages(struct reader *r, const struct yaml_node *root, struct bands *b)
{
	static const char *const keys[] = {"name", "age", NULL};
	const struct yaml_node *list = get_list(r, root, "ages", LIST_MAX);
	b->ages = arena_array(r->a, LIST_MAX, sizeof(*b->ages));
	if (!list)
		return;
	YAML_EACH(v, list) {
		struct band *band = &b->ages[b->nages];
		known_keys(r, v, keys);
		band->name = get_name(r, v);
		get_ages(r, v, &band->age_min, &band->age_max);
		for (size_t i = 0; i < b->nages; i++)
			if (str_eq(b->ages[i].name, band->name))
				problem_add(r->p, v->mark, "two ages are called '%.*s'", STR_FMT(band->name));
		b->nages++;
	}
}

static struct manner *parse_manners(struct reader *r, const struct yaml_node *root, const char *key, size_t *ret_n)
{
	static const char *const keys[] = {"name", "text", "manner", NULL};
	const struct yaml_node *list = get_list(r, root, key, LIST_MAX);
	struct manner *v = arena_array(r->a, LIST_MAX, sizeof(*v));
	if (!list)
		return v;
	YAML_EACH(item, list) {
		struct manner *m = &v[*ret_n];
		known_keys(r, item, keys);
		m->name = get_name(r, item);
		m->text = get_text(r, item, "text", 60);
		m->manner = get_text(r, item, "manner", MANNER_BYTES);
		for (size_t i = 0; i < *ret_n; i++)
			if (str_eq(v[i].name, m->name))
				problem_add(r->p, item->mark, "two entries of %s are called '%.*s'", key, STR_FMT(m->name));
		++*ret_n;
	}
	return v;
}

static void parse_occupations(struct reader *r, const struct yaml_node *root, struct bands *b)
{
	static const char *const keys[] = {"name", "age", "gender", "weight", NULL};
	const struct yaml_node *list = get_list(r, root, "occupations", OCCUPATIONS_MAX);
	if (!list)
		return;
	b->occupations = arena_array(r->a, list->n, sizeof(*b->occupations));
	YAML_EACH(v, list) {
		struct occupation *o = &b->occupations[b->noccupations++];
		const struct yaml_node *gender = yaml_get(v, "gender"), *weight = yaml_get(v, "weight");
		int64_t n = 1;
		known_keys(r, v, keys);
		o->name = get_text(r, v, "name", SCENARIO_VALUE_BYTES);
		get_ages(r, v, &o->age_min, &o->age_max);
		if (gender)
			o->gender = get_text(r, v, "gender", 3);
		if (gender && !str_is(o->gender, "男") && !str_is(o->gender, "女"))
			problem_add(r->p, gender->mark, "'gender' must be 男 or 女");
		if (weight && (!yaml_int(weight, &n) || n < 1 || n > WEIGHT_MAX))
			problem_add(r->p, weight->mark, "'weight' must be a whole number from 1 to %d", WEIGHT_MAX);
		o->weight = (int)n;
	}
}

static void parse(struct reader *r, const struct yaml_node *root, struct bands *b)
{
	static const char *const keys[] = {"ages", "awareness", "styles", "occupations", NULL};
	if (root->kind != YAML_MAP) {
		problem_add(r->p, root->mark, "expected the keys ages, awareness, styles and occupations");
		return;
	}
	known_keys(r, root, keys);
	parse_ages(r, root, b);
	b->awareness = parse_manners(r, root, "awareness", &b->nawareness);
	b->styles = parse_manners(r, root, "styles", &b->nstyles);
	parse_occupations(r, root, b);
	for (size_t i = 0; i < b->nawareness; i++)
		if (!str_is(b->awareness[i].text, "低") && !str_is(b->awareness[i].text, "中") &&
			!str_is(b->awareness[i].text, "高"))
			problem_add(r->p, yaml_get(root, "awareness")->mark, "the text of an awareness is 低, 中 or 高");
}

int bands_load(struct arena *a, const char *path, struct bands *ret, struct err *e)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	CLEANUP(problems_release) struct problems p = PROBLEMS_INIT;
	struct reader r = {a, &p};
	struct bands b = {.nages = 0};
	struct yaml_node *root = NULL;
	const char *kept = arena_strdup(a, path);
	int rc = fs_read(path, BANDS_FILE_MAX, &text, e);
	if (rc == 0)
		rc = yaml_parse(a, kept, buf_view(&text), &root, e);
	if (rc != 0)
		return rc;
	problems_source(&p, kept, buf_view(&text));
	parse(&r, root, &b);
	if (p.n)
		return problems_error(&p, e);
	*ret = b;
	return 0;
}

/* --- Cells --- */

struct cell *bands_cells(struct arena *a, const struct bands *b, bool is_fraud, size_t *ret_n)
{
	const struct manner *manners = is_fraud ? b->awareness : b->styles;
	size_t nmanners = is_fraud ? b->nawareness : b->nstyles, n = 0;
	struct cell *cells = arena_array(a, b->nages * nmanners, sizeof(*cells));
	for (size_t i = 0; i < b->nages; i++)
		for (size_t k = 0; k < nmanners; k++)
			cells[n++] = (struct cell){&b->ages[i], &manners[k]};
	*ret_n = n;
	return cells;
}

struct str cell_name(struct arena *a, const struct cell *c)
{
	return str_of(arena_printf(a, "%.*s-%.*s", STR_FMT(c->age->name), STR_FMT(c->manner->name)));
}

const struct manner *bands_awareness(const struct bands *b, struct str text)
{
	for (size_t i = 0; i < b->nawareness; i++)
		if (str_eq(b->awareness[i].text, text))
			return &b->awareness[i];
	return NULL;
}

enum scenario_awareness awareness_of(const struct manner *m)
{
	return str_is(m->text, "低") ? AWARE_LOW : str_is(m->text, "中") ? AWARE_MID : AWARE_HIGH;
}

/* --- Who is called --- */

static bool fits(const struct occupation *o, const struct scenario *s, int age, struct str gender)
{
	const struct scenario_when *suits = &s->suits;
	if (age < o->age_min || age > o->age_max || age < suits->age_min || age > suits->age_max)
		return false;
	if ((o->gender.n && !str_eq(o->gender, gender)) || (suits->gender.n && !str_eq(suits->gender, gender)))
		return false;
	for (size_t i = 0; i < suits->noccupations; i++)
		if (str_eq(suits->occupations[i], o->name))
			return true;
	return suits->noccupations == 0;
}

/* The weights of all occupations that fit, together. */
static int weights(const struct bands *b, const struct scenario *s, int age, struct str gender)
{
	int sum = 0;
	for (size_t i = 0; i < b->noccupations; i++)
		sum += fits(&b->occupations[i], s, age, gender) ? b->occupations[i].weight : 0;
	return sum;
}

/* How many ages of the band somebody of this gender can have. */
static int ages_open(const struct bands *b, const struct cell *c, const struct scenario *s, struct str gender)
{
	int n = 0;
	for (int age = c->age->age_min; age <= c->age->age_max; age++)
		n += weights(b, s, age, gender) > 0;
	return n;
}

bool cell_suits(const struct bands *b, const struct cell *c, const struct scenario *s)
{
	if (s->is_fraud && !(s->suits.awareness & (unsigned)awareness_of(c->manner)))
		return false;
	return ages_open(b, c, s, STR("男")) > 0 || ages_open(b, c, s, STR("女")) > 0;
}

void cell_draw(struct work *w, const struct bands *b, const struct cell *c, const struct scenario *s, struct callee *ret)
{
	static const struct str genders[2] = {{"男", sizeof("男") - 1}, {"女", sizeof("女") - 1}};
	struct draw gender, age, occupation;
	work_draw(w, "callee gender", &gender);
	work_draw(w, "callee age", &age);
	work_draw(w, "callee occupation", &occupation);
	uint32_t drawn = draw_below(&gender, 2);
	int open = ages_open(b, c, s, genders[drawn]);
	if (open == 0) {
		drawn = 1 - drawn;
		open = ages_open(b, c, s, genders[drawn]);
	}
	ASSERT(open > 0);
	*ret = (struct callee){.age = c->age->age_min - 1, .gender = genders[drawn]};
	for (int at = (int)draw_below(&age, (uint32_t)open); at >= 0; at -= weights(b, s, ret->age, ret->gender) > 0)
		ret->age++;
	int at = (int)draw_below(&occupation, (uint32_t)weights(b, s, ret->age, ret->gender));
	for (size_t i = 0; i < b->noccupations && at >= 0; i++) {
		if (!fits(&b->occupations[i], s, ret->age, ret->gender))
			continue;
		ret->occupation = b->occupations[i].name;
		at -= b->occupations[i].weight;
	}
}

/* Single values of a scenario file: keys, texts, choices, numbers. Each says what it wants instead of what stands there. */
#include "core/scenario_parts.h"

#include "base/alloc.h"

#include <stdlib.h>

bool scenario_keys(struct scenario_reader *r, const struct yaml_node *map, const char *const *keys)
{
	if (map->kind != YAML_MAP) {
		problem_add(r->p, map->mark, "expected keys and values here");
		return false;
	}
	bool ok = true;
	YAML_EACH(kid, map) {
		size_t i = 0;
		while (keys[i] && !str_is(kid->key, keys[i]))
			i++;
		if (keys[i])
			continue;
		CLEANUP(buf_release) struct buf known = BUF_INIT;
		for (i = 0; keys[i]; i++)
			buf_printf(&known, "%s%s", i ? ", " : "", keys[i]);
		problem_add(r->p, kid->keymark, "unknown key '%.*s'; known here: %s", STR_FMT(kid->key), known.data);
		ok = false;
	}
	return ok;
}

struct str scenario_get_text(struct scenario_reader *r, const struct yaml_node *map, const char *key, bool required)
{
	const struct yaml_node *v = yaml_get(map, key);
	if (!v) {
		if (required)
			problem_add(r->p, map->mark, "'%s' is missing", key);
		return (struct str){NULL, 0};
	}
	struct str text = v->kind == YAML_SCALAR ? str_trim(v->text) : (struct str){NULL, 0};
	if (!text.n)
		problem_add(r->p, v->mark, "'%s' must be a text that is not empty", key);
	return text;
}

int scenario_get_choice(
	struct scenario_reader *r, const struct yaml_node *map, const char *key, const char *const *choices)
{
	const struct yaml_node *v = yaml_get(map, key);
	if (!v)
		return -1;
	CLEANUP(buf_release) struct buf known = BUF_INIT;
	for (int i = 0; choices[i]; i++) {
		if (v->kind == YAML_SCALAR && str_is(v->text, choices[i]))
			return i;
		buf_printf(&known, "%s%s", i ? ", " : "", choices[i]);
	}
	problem_add(r->p, v->mark, "'%s' must be one of: %s", key, known.data);
	return -1;
}

int64_t scenario_get_int(
	struct scenario_reader *r, const struct yaml_node *map, const char *key, int64_t missing, int64_t max)
{
	const struct yaml_node *v = yaml_get(map, key);
	int64_t i = missing;
	if (v && (!yaml_int(v, &i) || i < 0 || i > max)) {
		problem_add(r->p, v->mark, "'%s' must be a whole number from 0 to %lld", key, (long long)max);
		return missing;
	}
	return i;
}

bool scenario_get_range(
	struct scenario_reader *r, const struct yaml_node *v, int64_t max, int64_t *ret_low, int64_t *ret_high)
{
	int64_t low = 0, high = 0;
	if (v->kind == YAML_LIST && v->n == 2 && yaml_int(v->first, &low) && yaml_int(v->first->next, &high) && low >= 0 &&
		low <= high && high <= max) {
		*ret_low = low;
		*ret_high = high;
		return true;
	}
	problem_add(r->p, v->mark, "expected [lowest, highest], whole numbers up to %lld", (long long)max);
	return false;
}

size_t scenario_get_texts(struct scenario_reader *r, const struct yaml_node *v, struct str **ret)
{
	size_t n = v->kind == YAML_LIST ? v->n : 1, got = 0;
	struct str *texts = arena_array(r->a, n ? n : 1, sizeof(*texts));
	if (v->kind == YAML_SCALAR) {
		texts[got++] = str_trim(v->text);
	} else if (v->kind == YAML_LIST) {
		YAML_EACH(item, v) {
			if (item->kind == YAML_SCALAR && str_trim(item->text).n)
				texts[got++] = str_trim(item->text);
			else
				problem_add(r->p, item->mark, "expected a text");
		}
	} else {
		problem_add(r->p, v->mark, "expected a text or a list of texts");
	}
	*ret = texts;
	return got;
}

int scenario_get_percent(struct scenario_reader *r, const struct yaml_node *map, const char *key, int missing)
{
	const struct yaml_node *v = yaml_get(map, key);
	double d = 0;
	if (!v)
		return missing;
	if (!yaml_real(v, &d) || d < 0 || d > 1) {
		problem_add(r->p, v->mark, "'%s' must be a number from 0 to 1", key);
		return missing;
	}
	return (int)(d * 100 + 0.5);
}

static int by_key(const void *x, const void *y)
{
	struct yaml_node *const *a = x, *const *b = y;
	return str_cmp((*a)->key, (*b)->key);
}

struct yaml_node **scenario_sorted(struct scenario_reader *r, const struct yaml_node *map)
{
	struct yaml_node **v = arena_array(r->a, map->n ? map->n : 1, sizeof(struct yaml_node *));
	size_t n = 0;
	YAML_EACH(kid, map)
		v[n++] = kid;
	qsort((void *)v, n, sizeof(struct yaml_node *), by_key);
	return v;
}

/* Our JSON Schema validator beside the official suite (test_schema_suite.c): messages, what is refused, limits, numbers, threads, our own schemas. */
#include "core/schema.h"

#include "base/alloc.h"
#include "base/fs.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct json *parse(struct arena *a, const char *text)
{
	struct json *v = NULL;
	struct err e = ERR_INIT;
	if (json_parse(a, str_of(text), &v, &e) < 0)
		fail_msg("%s: %s", text, e.text);
	return v;
}

static struct schema *read_schema(struct arena *a, const char *text)
{
	struct schema *s = NULL;
	struct err e = ERR_INIT;
	if (schema_read(a, parse(a, text), &s, &e) < 0)
		fail_msg("%s: %s", text, e.text);
	return s;
}

/** What is said of a value, or "" when it fits. */
static void expect(const char *schema, const char *value, const char *says)
{
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	int rc = schema_check(read_schema(&a, schema), parse(&a, value), &e);
	assert_int_equal(rc, says[0] ? ERR_INVALID : 0);
	assert_int_equal(e.code, rc);
	assert_string_equal(e.text, says);
}

#define TURNS \
	"{\"type\":\"object\",\"required\":[\"turns\"],\"additionalProperties\":false,\"properties\":{\"by\":{\"type\":" \
	"\"string\"}," \
	"\"turns\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/$defs/" \
	"turn\"}}},\"$defs\":{\"turn\":{\"required\":[\"role\"]," \
	"\"properties\":{\"role\":{\"enum\":[\"left\",\"right\"]},\"text\":{\"type\":\"string\",\"minLength\":2," \
	"\"maxLength\":4,\"pattern\":\"^[^<]*$\"}}}}}"

static void messages(void **state)
{
	(void)state;
	expect(TURNS, "{\"turns\":[{\"role\":\"left\",\"text\":\"您好\"}]}", "");
	expect(TURNS, "{\"turns\":[{\"role\":\"left\"},{\"role\":\"middle\"}]}",
		"turns[1].role: is \"middle\"; wanted is one of \"left\", \"right\"");
	expect(TURNS, "3", "the value: is 3; wanted is an object");
	expect(TURNS, "{}", "the value: has no \"turns\", which is required");
	expect(TURNS, "{\"turns\":[{}]}", "turns[0]: has no \"role\", which is required");
	expect(TURNS, "{\"turns\":[],\"turn\":1}", "the value: has a member \"turn\"; its members may be \"by\", \"turns\"");
	expect(TURNS, "{\"turns\":[{\"role\":\"left\",\"text\":\"喂\"}]}",
		"turns[0].text: has 1 character; wanted is at least 2");
	expect(TURNS, "{\"turns\":[{\"role\":\"left\",\"text\":\"一二三四五\"}]}",
		"turns[0].text: has 5 characters; wanted is at most 4");
	expect(TURNS, "{\"turns\":[{\"role\":\"left\",\"text\":\"<x>\"}]}",
		"turns[0].text: is \"<x>\"; wanted is text like ^[^<]*$");
	expect(TURNS, "{\"turns\":{}}", "turns: is an object; wanted is a list");
	expect("{\"type\":[\"integer\",\"null\"]}", "[1,2]", "the value: is a list of 2; wanted is a whole number or null");
	expect("{\"minimum\":2}", "1.5", "the value: is 1.5; wanted is at least 2");
	expect("{\"exclusiveMaximum\":2}", "2", "the value: is 2; wanted is less than 2");
	expect("{\"multipleOf\":0.01}", "0.125", "the value: is 0.125; wanted is a multiple of 0.01");
	expect("{\"const\":{\"a\":1}}", "null", "the value: is null; wanted is an object");
	expect("{\"minItems\":2,\"maxItems\":2}", "[1]", "the value: has 1 item; wanted is 2");
	expect("{\"maxProperties\":0}", "{\"a\":1}", "the value: has 1 member; wanted is at most 0");
	expect("{\"uniqueItems\":true}", "[1,[2],1.0]",
		"the value: has equal items, [0] and [2]; wanted is a list without doubles");
	expect("{\"properties\":{\"a\":{\"contains\":{\"const\":1}}}}", "{\"a\":[2]}",
		"a: has no item as #/properties/a/contains wants one");
	expect("{\"prefixItems\":[true],\"items\":false}", "[1,2]", "[1]: must not be there");
	expect("{\"additionalProperties\":false}", "{\"a\":1}", "the value: has a member \"a\"; no members are allowed");
	expect("{\"propertyNames\":{\"pattern\":\"^a\"}}", "{\"b c\":1}",
		"[\"b c\"]: its name is \"b c\"; wanted is text like ^a");
	expect("{\"not\":{\"type\":\"null\"}}", "null", "the value: is null; wanted is anything but what #/not describes");
	expect("{\"if\":{\"minimum\":5},\"then\":{\"multipleOf\":5},\"else\":{\"const\":1}}", "7",
		"the value: is 7; wanted is a multiple of 5");
	expect("{\"if\":{\"minimum\":5},\"then\":{\"multipleOf\":5},\"else\":{\"const\":1}}", "2",
		"the value: is 2; wanted is 1");
}

/* Of several forms, the one that came nearest is told. */
static void choices(void **state)
{
	(void)state;
	expect("{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"array\"}]}", "1", "the value: is 1; wanted is text or a list");
	expect("{\"anyOf\":[{\"type\":\"string\"},{\"required\":[\"say\"],\"type\":\"object\"}]}", "{}",
		"the value: has no \"say\", which is required");
	expect("{\"oneOf\":[{\"required\":[\"x\"]},{\"properties\":{\"a\":{\"properties\":{\"b\":{\"const\":1}}}}}]}",
		"{\"a\":{\"b\":2}}", "a.b: is 2; wanted is 1");
	expect("{\"oneOf\":[{\"minimum\":1},{\"minimum\":2},{\"minimum\":3}]}", "2",
		"the value: is 2; wanted is what fits one of 3 descriptions, not 2 of them");
	expect("{\"oneOf\":[{\"minimum\":1},{\"minimum\":2},{\"minimum\":3}]}", "1", "");
}

static void words_are_clipped(void **state)
{
	(void)state;
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	struct err e = ERR_INIT;
	buf_puts(&b, "{\"enum\":[");
	for (int i = 0; i < 500; i++)
		buf_printf(&b, "%s\"选择%03d\"", i ? "," : "", i);
	buf_puts(&b, "]}");
	struct schema *s = read_schema(&a, b.data);
	buf_clear(&b);
	buf_putc(&b, '"');
	for (int i = 0; i < 5000; i++)
		buf_puts(&b, "字");
	buf_putc(&b, '"');
	assert_int_equal(schema_check(s, parse(&a, b.data), &e), ERR_INVALID);
	assert_true(strlen(e.text) < 600);
	assert_non_null(strstr(e.text, "字\"…; wanted is one of \"选择000\", "));
	assert_non_null(strstr(e.text, ", … (500 in all)"));
	buf_clear(&b);
	for (int i = 0; i < 40; i++)
		buf_puts(&b, "{\"a key that is rather long and has blanks\":");
	buf_puts(&b, "1");
	for (int i = 0; i < 40; i++)
		buf_putc(&b, '}');
	err_clear(&e);
	s = read_schema(&a, "{\"type\":\"object\",\"additionalProperties\":{\"$ref\":\"#\"}}");
	assert_int_equal(schema_check(s, parse(&a, b.data), &e), ERR_INVALID);
	assert_true(strlen(e.text) < 400 && str_starts(str_of(e.text), "…"));
	assert_non_null(strstr(e.text, "has blanks\"]: is 1; wanted is an object"));
}

static void refused(void **state)
{
	(void)state;
	static const struct {
		const char *schema, *says;
	} cases[] = {
		{"{\"properties\":{\"a/b\":{\"format\":\"date\"}}}",
			"at #/properties/a~1b: the keyword \"format\" is not known"},
		{"{\"$defs\":{\"x\":{\"types\":1}}}", "at #/$defs/x: the keyword \"types\""},
		{"3", "at #: a schema is an object, true or false, not an integer"},
		{"{\"items\":\"x\"}", "at #/items: a schema is an object, true or false, not a string"},
		{"{\"items\":[true]}", "prefixItems since draft 2020-12"},
		{"{\"type\":\"text\"}", "type must be null, boolean"},
		{"{\"type\":[]}", "type must be"},
		{"{\"type\":[\"null\",\"null\"]}", "names a type twice"},
		{"{\"enum\":1}", "enum must be a list"},
		{"{\"minLength\":-1}", "minLength must be a whole number"},
		{"{\"maxItems\":1.5}", "maxItems must be a whole number"},
		{"{\"minimum\":\"1\"}", "minimum must be a number"},
		{"{\"multipleOf\":0}", "multipleOf must be more than 0"},
		{"{\"required\":\"a\"}", "required must be a list of names"},
		{"{\"required\":[1]}", "required must be a list of names"},
		{"{\"uniqueItems\":1}", "uniqueItems must be true or false"},
		{"{\"allOf\":[]}", "allOf must be a list of schemas"},
		{"{\"properties\":[]}", "properties must be an object of schemas"},
		{"{\"title\":1}", "title must be text"},
		{"{\"pattern\":\"(\"}", "at #: the pattern (: missing closing parenthesis"},
		{"{\"patternProperties\":{\"a++\":true}}", "at #: the pattern a++"},
		{"{\"$schema\":\"http://json-schema.org/draft-07/schema#\"}",
			"$schema must be \"https://json-schema.org/draft/2020-12"},
		{"{\"not\":{\"$id\":\"x\"}}", "$id can stand at the top only"},
		{"{\"$ref\":\"#/$defs/a\"}", "$ref: there is no #/$defs/a"},
		{"{\"$ref\":\"other.json\"}", "a place in this document"},
		{"{\"$ref\":\"#\"}", "leads back here"},
		{"{\"$defs\":{\"a\":{\"anyOf\":[{\"$ref\":\"#/$defs/b\"}]},\"b\":{\"not\":{\"$ref\":\"#/$defs/a\"}}}}",
			"leads back here"},
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		CLEANUP(arena_release) struct arena a = ARENA_INIT;
		struct schema *s = NULL;
		struct err e = ERR_INIT;
		assert_int_equal(schema_read(&a, parse(&a, cases[i].schema), &s, &e), ERR_CONFIG);
		assert_null(s);
		if (!strstr(e.text, cases[i].says))
			fail_msg("\"%s\" does not say \"%s\"", e.text, cases[i].says);
	}
}

static void numbers(void **state)
{
	(void)state;
	expect("{\"enum\":[1.0]}", "1", "");
	expect("{\"const\":[0,{\"a\":-0.0}]}", "[0.0,{\"a\":0}]", "");
	expect("{\"multipleOf\":0.0001}", "0.0075", "");
	expect("{\"multipleOf\":0.0001}", "0.00751", "the value: is 0.00751; wanted is a multiple of 0.0001");
	expect("{\"multipleOf\":0.1}", "0.3", "");
	expect("{\"multipleOf\":1e-300}", "1e300", "");
	expect("{\"multipleOf\":3}", "1e300", "the value: is 1e+300; wanted is a multiple of 3");
	expect("{\"multipleOf\":1e300}", "5", "the value: is 5; wanted is a multiple of 1e+300");
	expect("{\"multipleOf\":1e300}", "0", "");
	expect("{\"type\":\"integer\"}", "1e30", "");
	expect("{\"minimum\":9007199254740992}", "9007199254740991",
		"the value: is 9007199254740991; wanted is at least 9007199254740992");
	/* Integers that no parsed text has. */
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	struct schema *s = read_schema(&a, "{\"multipleOf\":5,\"minimum\":-9.3e18}");
	assert_int_equal(schema_check(s, json_int(&a, INT64_MIN + 3), NULL), 0);
	assert_int_equal(schema_check(s, json_int(&a, INT64_MIN), NULL), ERR_INVALID);
}

/* A chain of `n` schemas: {"items": {"items": …}}, or the same by $ref. */
static void limits(void **state)
{
	(void)state;
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	struct schema *s = NULL;
	struct err e = ERR_INIT;
	for (int n = SCHEMA_DEPTH - 1; n <= SCHEMA_DEPTH; n++) {
		buf_clear(&b);
		for (int i = 0; i < n; i++)
			buf_puts(&b, "{\"items\":");
		buf_puts(&b, "{}");
		for (int i = 0; i < n; i++)
			buf_putc(&b, '}');
		err_clear(&e);
		assert_int_equal(schema_read(&a, parse(&a, b.data), &s, &e), n < SCHEMA_DEPTH ? 0 : ERR_CONFIG);
	}
	/* A value deeper than a schema that refers to itself may go. */
	s = read_schema(&a, "{\"items\":{\"$ref\":\"#\"},\"type\":\"array\"}");
	for (int n = 40; n <= 900; n += 860) {
		buf_clear(&b);
		for (int i = 0; i < n; i++)
			buf_putc(&b, '[');
		for (int i = 0; i < n; i++)
			buf_putc(&b, ']');
		err_clear(&e);
		assert_int_equal(schema_check(s, parse(&a, b.data), &e), n == 40 ? 0 : ERR_INVALID);
	}
	assert_string_equal(e.text, "the value cannot be checked: it is nested too deeply");
	/* Each of 40 schemas asks the next one twice. */
	buf_clear(&b);
	buf_puts(&b, "{\"$ref\":\"#/$defs/s0\",\"$defs\":{");
	for (int i = 0; i < 40; i++)
		buf_printf(&b, "\"s%d\":{\"allOf\":[{\"$ref\":\"#/$defs/s%d\"},{\"$ref\":\"#/$defs/s%d\"}]},", i, i + 1, i + 1);
	buf_puts(&b, "\"s40\":true}}");
	err_clear(&e);
	assert_int_equal(schema_check(read_schema(&a, b.data), parse(&a, "1"), &e), ERR_INVALID);
	assert_string_equal(e.text, "the value cannot be checked: it takes too many steps to check");
	/* A `not` around what has no verdict does not pass. */
	err_clear(&e);
	s = read_schema(&a, "{\"not\":{\"pattern\":\"^(a+)+$\"}}");
	assert_int_equal(schema_check(s, parse(&a, "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\""), &e), ERR_INVALID);
	assert_string_equal(e.text, "the value cannot be checked: a pattern takes too many steps on a text of it");
}

/* Long lists and objects in time that grows with them, also where all fails. */
static void large_values(void **state)
{
	(void)state;
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	struct json *list = json_array(&a);
	for (int i = 0; i < 200000; i++)
		json_append(list, json_int(&a, i));
	struct schema *s =
		read_schema(&a, "{\"uniqueItems\":true,\"items\":{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"integer\"}]}}");
	assert_int_equal(schema_check(s, list, &e), 0);
	json_append(list, json_real(&a, 77.0));
	assert_int_equal(schema_check(s, list, &e), ERR_INVALID);
	assert_string_equal(e.text, "the value: has equal items, [77] and [200000]; wanted is a list without doubles");
	struct json *object = json_object(&a);
	for (int i = 0; i < 100000; i++)
		json_set_int(&a, object, arena_printf(&a, "k%06d", i), i);
	err_clear(&e);
	s = read_schema(&a, "{\"properties\":{\"k000001\":{\"const\":1},\"k099999\":{\"const\":99999}},"
						"\"additionalProperties\":{\"type\":\"integer\"}}");
	assert_int_equal(schema_check(s, object, &e), 0);
}

struct shared {
	const struct schema *s;
	const struct json *good, *bad;
	int wrong;
};

static void *use(void *arg)
{
	struct shared *sh = arg;
	int wrong = 0;
	for (int i = 0; i < 500; i++) {
		struct err e = ERR_INIT;
		wrong += schema_check(sh->s, sh->good, NULL) != 0;
		wrong += schema_check(sh->s, sh->bad, &e) != ERR_INVALID ||
				 strcmp(e.text, "turns[0].text: is \"<x>\"; wanted is text like ^[^<]*$") != 0;
	}
	__atomic_add_fetch(&sh->wrong, wrong, __ATOMIC_SEQ_CST);
	return NULL;
}

/* Four threads with the stacks of item threads (256 KB, core/pool.c). */
static void threads(void **state)
{
	(void)state;
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	struct shared sh = {.s = read_schema(&a, TURNS)};
	pthread_t t[4];
	pthread_attr_t small;
	sh.good = parse(&a, "{\"turns\":[{\"role\":\"left\",\"text\":\"您好\"}]}");
	sh.bad = parse(&a, "{\"turns\":[{\"role\":\"left\",\"text\":\"<x>\"}]}");
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, (size_t)256 << 10);
	for (size_t i = 0; i < COUNT_OF(t); i++)
		assert_int_equal(pthread_create(&t[i], &small, use, &sh), 0);
	for (size_t i = 0; i < COUNT_OF(t); i++)
		pthread_join(t[i], NULL);
	pthread_attr_destroy(&small);
	assert_int_equal(sh.wrong, 0);
}

static void *go_deep(void *arg)
{
	struct shared *sh = arg;
	sh->wrong = schema_check(sh->s, sh->bad, NULL) != ERR_INVALID;
	return NULL;
}

/* The deepest check there is, with objects, names, patterns and forms at each level, fits such a stack too. */
static void deep_on_a_small_stack(void **state)
{
	(void)state;
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	struct shared sh = {
		.s = read_schema(
			&a, "{\"type\":\"object\",\"patternProperties\":{\"^a\":{\"anyOf\":[{\"oneOf\":[{\"$ref\":\"#\"}]}]}}}")};
	for (int i = 0; i < 24; i++)
		buf_puts(&b, "{\"a\":");
	buf_puts(&b, "1");
	for (int i = 0; i < 24; i++)
		buf_putc(&b, '}');
	sh.bad = parse(&a, b.data);
	pthread_t t;
	pthread_attr_t small;
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, (size_t)256 << 10);
	assert_int_equal(pthread_create(&t, &small, go_deep, &sh), 0);
	pthread_join(t, NULL);
	pthread_attr_destroy(&small);
	assert_int_equal(sh.wrong, 0);
	/* Each level is three schemas within one another, so this is near the limit, and still a verdict. */
	struct err e = ERR_INIT;
	assert_int_equal(schema_check(sh.s, sh.bad, &e), ERR_INVALID);
	assert_non_null(strstr(e.text, "a.a.a: is 1; wanted is an object"));
}

/* Every schema of the project can be read; a struct schema outlives the document it was read from. */
static void our_schemas(void **state)
{
	(void)state;
	struct fs_names names = {NULL, 0};
	struct err e = ERR_INIT;
	const char *top = getenv("TAF_DATA");
	CLEANUP(buf_release) struct buf pattern = BUF_INIT;
	buf_printf(&pattern, "%s/schemas/*.schema.json", top ? top : ".");
	assert_int_equal(fs_glob(pattern.data, &names, &e), 0);
	assert_true(names.n >= 9);
	for (size_t i = 0; i < names.n; i++) {
		CLEANUP(arena_release) struct arena a = ARENA_INIT;
		struct arena own = ARENA_INIT;
		CLEANUP(buf_release) struct buf text = BUF_INIT;
		struct schema *s;
		assert_int_equal(fs_read(names.v[i], 1 << 20, &text, &e), 0);
		if (schema_read(&a, parse(&own, text.data), &s, &e) < 0)
			fail_msg("%s: %s", names.v[i], e.text);
		arena_release(&own);
		assert_true(json_equal(schema_document(s), parse(&a, text.data)));
		assert_int_equal(schema_check(s, parse(&a, "3"), NULL), ERR_INVALID);
	}
	fs_names_free(&names);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages),
		cmocka_unit_test(choices),
		cmocka_unit_test(words_are_clipped),
		cmocka_unit_test(refused),
		cmocka_unit_test(numbers),
		cmocka_unit_test(limits),
		cmocka_unit_test(large_values),
		cmocka_unit_test(threads),
		cmocka_unit_test(deep_on_a_small_stack),
		cmocka_unit_test(our_schemas),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "io/json.h"

#include "base/alloc.h"
#include "base/fs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>
#include <pthread.h>
#include <stdio.h>

static struct json *parse(struct arena *a, const char *text)
{
	struct err e = ERR_INIT;
	struct json *v = NULL;
	if (json_parse(a, str_of(text), &v, &e) != 0)
		fail_msg("%s: %s", text, e.text);
	return v;
}

/** Parse and write; the text of the canonical form. */
static void assert_form(const char *text, const char *want)
{
	struct arena a = ARENA_INIT;
	struct buf b = BUF_INIT;
	json_write(&b, parse(&a, text));
	assert_string_equal(b.data, want);
	buf_release(&b);
	arena_release(&a);
}

static void assert_refused(struct str text, const char *words)
{
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	struct json *v = NULL;
	int r = json_parse(&a, text, &v, &e);
	if (r != ERR_PARSE || v || !strstr(e.text, words))
		fail_msg("%.*s gave %d, \"%s\"; wanted \"%s\"", STR_FMT(text), r, e.text, words);
	arena_release(&a);
}

static void test_canonical(void **state)
{
	(void)state;
	assert_form(" { \"b\" : 1 , \"a\" : [ true , false , null ] } \n", "{\"a\":[true,false,null],\"b\":1}");
	assert_form("{}", "{}");
	assert_form("[]", "[]");
	assert_form("[[],{}]", "[[],{}]");
	assert_form("\"\\u4f60\\u597d\\ud83d\\ude00\"", "\"你好😀\"");
	assert_form("\"\\/\\\"\\\\\\b\\f\\n\\r\\t\\u001f\\u007f\"", "\"/\\\"\\\\\\b\\f\\n\\r\\t\\u001f\x7f\"");
	assert_form("\xEF\xBB\xBF[1]", "[1]");
	assert_form("7", "7");
	assert_form("\"x\"", "\"x\"");
	assert_form("{\"\":0}", "{\"\":0}");
	assert_form("{\"ab\":1,\"a\":2,\"B\":3,\"你\":4,\"~\":5}", "{\"B\":3,\"a\":2,\"ab\":1,\"~\":5,\"你\":4}");
}

static void test_numbers(void **state)
{
	(void)state;
	assert_form(
		"[0,-0,-1,1.0,1e2,9007199254740992,-9007199254740992]", "[0,0,-1,1,100,9007199254740992,-9007199254740992]");
	assert_form("[0.1,-2.5,1e300,1e-7,0.30000000000000004,3.141592653589793]",
		"[0.1,-2.5,1e+300,1e-07,0.30000000000000004,3.14159265358979"
		"31]");
	struct arena a = ARENA_INIT;
	assert_int_equal(parse(&a, "1.0")->kind, JSON_INT);
	assert_int_equal(parse(&a, "1.5")->kind, JSON_REAL);
	assert_int_equal(parse(&a, "1e300")->kind, JSON_REAL);
	assert_int_equal(parse(&a, "-9007199254740992")->u.i, -9007199254740992);
	assert_int_equal(parse(&a, "9007199254740994")->kind, JSON_REAL);
	assert_int_equal(json_real(&a, INFINITY)->kind, JSON_NULL);
	assert_int_equal(json_real(&a, NAN)->kind, JSON_NULL);
	struct buf b = BUF_INIT;
	json_write(&b, json_int(&a, INT64_MIN));
	json_write(&b, json_int(&a, INT64_MAX));
	json_write(&b, json_real(&a, -0.0));
	json_write(&b, json_real(&a, 2.0));
	assert_string_equal(b.data, "-9223372036854775808922337203685477580702");
	buf_release(&b);
	arena_release(&a);
}

/** Reals keep their value through text, whatever they are. */
static void test_reals_read_back(void **state)
{
	(void)state;
	uint64_t x = 1;
	for (int i = 0; i < 20000; i++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		double d;
		memcpy(&d, &x, sizeof(d));
		if (!isfinite(d))
			continue;
		struct arena a = ARENA_INIT;
		struct buf b = BUF_INIT;
		json_write(&b, json_real(&a, d));
		const struct json *v = parse(&a, b.data);
		assert_true((v->kind == JSON_INT ? (double)v->u.i : v->u.d) == d);
		buf_release(&b);
		arena_release(&a);
	}
}

static void test_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {"[1,]", "[1 2]", "{\"a\" 1}", "{\"a\":}", "{,}", "{1:2}", "[", "{", "]", "}",
		"[1", "{\"a\":1", "\"abc", "tru", "nul", "nulll", "truefalse", "true false", "1 2", "[1]]", "[1}", "{\"a\":1]",
		"01", "-", "+1", ".5", "1.", "1.e5", "1e", "1e+", "0x10", "--1", "1-2", "NaN", "Infinity", "-Infinity", "1e999",
		"-1e999", "'a'", "[1,,2]", "{\"a\":1,}", "{\"a\":1,,\"b\":2}", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"",
		"\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\"", "\"a\nb\"", "\"a\tb\"", "\x01", "[1]\x0b", "// c\n1",
		"[1]/**/", "\"\\\"", "", " ", ",", ":", "\xEF\xBB\xBF", "1\xEF\xBB\xBF", "[\"\\u\"]", "你", "\"\\"};
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_refused(str_of(bad[i]), "not JSON");
	/* Everything that begins well and is cut must be refused too, at each byte. */
	const char *whole = "{\"a\":[1,-2.5e+3,\"x\\u4f60\\ud83d\\ude00\\n你\",true,false,null],\"b\":{}}";
	for (size_t n = 0; n < strlen(whole); n++) {
		char *cut = xmalloc(n + 1); /* exactly as long, so that a read past the end shows */
		memcpy(cut, whole, n);
		assert_refused(str_n(cut, n), "not JSON");
		free(cut);
	}
}

static void test_zero_bytes(void **state)
{
	(void)state;
	assert_refused(STR("\"a\0b\""), "U+0000");
	assert_refused(STR("[1]\0"), "U+0000");
	assert_refused(STR("\"a\\u0000b\""), "U+0000");
	assert_refused(STR("{\"k\\u0000\":1}"), "U+0000");
	assert_form("\"\\\\u0000\"", "\"\\\\u0000\"");
}

static void test_bad_utf8(void **state)
{
	(void)state;
	assert_refused(STR("\"\xff\""), "line 1 column 2: invalid UTF-8");
	assert_refused(STR("\"\xc0\x80\""), "invalid UTF-8");
	assert_refused(STR("\"\xed\xa0\x80\""), "invalid UTF-8");
	assert_refused(STR("[\n\"你\xe4\xbd\"]"), "line 2 column 3: invalid UTF-8");
}

static void test_places(void **state)
{
	(void)state;
	assert_refused(STR("{\n  \"a\": 1,\n  \"b\" 2\n}"), "line 3 column 7");
	assert_refused(STR("{\"你\": x}"), "line 1 column 7");
	assert_refused(STR("[1] x"), "line 1 column 5");
	assert_refused(STR("[1] 2"), "line 1 column 5: more text");
	assert_refused(STR("[1,\n\"a\tb\"]"), "line 2 column 3: a control character");
	assert_refused(STR("[\n[1,\n2"), "line 3 column 2: it ends too early");
	assert_refused(STR("{\"a\":01}"), "line 1 column 6: not a number");
}

static void test_duplicates(void **state)
{
	(void)state;
	assert_refused(STR("{\"a\":1,\"a\":2}"), "the key \"a\" stands twice");
	assert_refused(STR("[{\"b\":1,\"a\":1,\"c\":1,\"b\":2}]"), "the key \"b\" stands twice");
	assert_refused(STR("{\"a\":1,\"\\u0061\":2}"), "stands twice");
	assert_form("{\"a\":{\"a\":1},\"b\":{\"a\":1}}", "{\"a\":{\"a\":1},\"b\":{\"a\":1}}");
}

static void nested(struct buf *b, size_t levels)
{
	buf_clear(b);
	for (size_t i = 0; i < levels; i++)
		buf_puts(b, i % 2 ? "{\"a\":" : "[");
	buf_puts(b, "1");
	for (size_t i = levels; i-- > 0;)
		buf_puts(b, i % 2 ? "}" : "]");
}

/** Everything that recurses, on the deepest tree there is. */
static void *deep_thread(void *arg)
{
	struct str text = buf_view(arg);
	struct arena a = ARENA_INIT;
	struct buf b = BUF_INIT;
	struct json *v = NULL;
	int r = json_parse(&a, text, &v, NULL);
	if (r == 0) {
		struct json *copy = json_copy(&a, v);
		json_merge(&a, copy, v);
		json_write_pretty(&b, copy);
		buf_clear(&b);
		json_write(&b, copy);
		r = json_equal(copy, v) && str_eq(buf_view(&b), text) ? 0 : 1;
	}
	buf_release(&b);
	arena_release(&a);
	return r == 0 ? arg : NULL;
}

/** Item threads have stacks of 256 KB. */
static void test_depth(void **state)
{
	(void)state;
	struct buf b = BUF_INIT;
	pthread_attr_t attr;
	pthread_t thread;
	void *ret = NULL;
#ifdef __SANITIZE_ADDRESS__
	size_t stack = 4 << 20; /* its frames are several times larger */
#else
	size_t stack = 256 << 10;
#endif
	nested(&b, 1000);
	assert_int_equal(pthread_attr_init(&attr), 0);
	assert_int_equal(pthread_attr_setstacksize(&attr, stack), 0);
	assert_int_equal(pthread_create(&thread, &attr, deep_thread, &b), 0);
	assert_int_equal(pthread_join(thread, &ret), 0);
	assert_ptr_equal(ret, &b);
	pthread_attr_destroy(&attr);
	nested(&b, 1001);
	assert_refused(buf_view(&b), "more than 1000 levels");
	buf_release(&b);
}

static void test_size_limit(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	struct json *v = NULL;
	size_t n = ((size_t)64 << 20) + 1;
	char *big = xmalloc(n);
	memset(big, ' ', n);
	big[0] = '1';
	assert_int_equal(json_parse(&a, str_n(big, n), &v, &e), ERR_TOOBIG);
	assert_int_equal(json_parse(&a, str_n(big, n - 1), &v, NULL), 0);
	free(big);
	arena_release(&a);
}

/** Large strings and very many members: cJSON's memory beyond its first block, and sorting that is not quadratic. */
static void test_large(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT;
	struct buf b = BUF_INIT, out = BUF_INIT;
	uint32_t x = 7;
	buf_puts(&b, "{\"long\":\"");
	for (int i = 0; i < 100000; i++)
		buf_puts(&b, "你");
	buf_puts(&b, "\"");
	for (uint32_t i = 0; i < 60000; i++) {
		x = (i * 48271u) % 65537u; /* each number once, in no order */
		buf_printf(&b, ",\"k%u\":%u", x, x);
	}
	buf_puts(&b, "}");
	struct json *v = parse(&a, b.data);
	assert_int_equal(json_count(v), 60001);
	assert_int_equal(json_get_int(v, "k48271", -1), 48271);
	assert_int_equal(json_get_str(v, "long").n, 300000);
	const struct json *last = NULL;
	JSON_EACH(kid, v) {
		assert_true(!last || str_cmp(last->key, kid->key) < 0);
		last = kid;
	}
	assert_ptr_equal(last, v->u.kids.last);
	json_write(&out, v);
	assert_true(json_equal(parse(&a, out.data), v));
	buf_release(&out);
	buf_release(&b);
	arena_release(&a);
}

static void test_build(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT;
	struct buf b = BUF_INIT;
	struct json *o = json_object(&a), *list = json_array(&a);
	json_set_text(&a, o, "m", "1");
	json_set_int(&a, o, "z", 2);
	json_set(&a, o, "a", json_bool(&a, true));
	json_set_str(&a, o, "b", STR("x\0y"));
	json_set(&a, o, "n", json_null(&a));
	json_set_int(&a, o, "m", 3);
	json_set_int(&a, o, "z", 4);
	json_set_int(&a, o, "zz", 5);
	json_set(&a, o, "a", list);
	json_append(list, json_int(&a, 1));
	json_append(list, json_text(&a, "二"));
	json_set_key(&a, o, str_n("keyword", 3), json_real(&a, 0.5));
	json_write(&b, o);
	assert_string_equal(
		b.data, "{\"a\":[1,\"二\"],\"b\":\"x\\u0000y\",\"key\":0.5,\"m\":3,\"n\":null,\"z\":4,\"zz\":5}");
	assert_int_equal(json_count(o), 7);
	assert_int_equal(json_count(list), 2);
	buf_clear(&b);
	json_write_pretty(&b, parse(&a, "{\"b\":[1,{\"c\":[]}],\"a\":{}}"));
	assert_string_equal(b.data, "{\n  \"a\": {},\n  \"b\": [\n    1,\n    {\n      \"c\": []\n    }\n  ]\n}");
	buf_release(&b);
	arena_release(&a);
}

static void test_read(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT;
	const struct json *v =
		parse(&a, "{\"label\":{\"is_fraud\":true,\"n\":5,\"s\":\"t\"},\"turns\":[10,20,30],\"r\":1.5,\"null\":null}");
	assert_true(json_get_bool(json_get(v, "label"), "is_fraud", false));
	assert_true(json_get_bool(json_get(v, "label"), "n", true));
	assert_int_equal(json_path(v, "label.n")->u.i, 5);
	assert_null(json_path(v, "label.n.x"));
	assert_null(json_path(v, "label.missing"));
	assert_null(json_path(v, "labe"));
	assert_ptr_equal(json_path(v, "turns"), json_get(v, "turns"));
	assert_int_equal(json_at(json_get(v, "turns"), 2)->u.i, 30);
	assert_null(json_at(json_get(v, "turns"), 3));
	assert_null(json_at(v, 0));
	assert_int_equal(json_get_int(v, "r", -7), -7);
	assert_int_equal(json_get_int(v, "absent", -7), -7);
	assert_null(json_get_str(v, "r").p);
	assert_true(str_is(json_get_str(json_get(v, "label"), "s"), "t"));
	assert_true(json_is(json_get(v, "null"), JSON_NULL));
	assert_false(json_is(NULL, JSON_NULL));
	assert_null(json_get(NULL, "x"));
	assert_null(json_first(NULL));
	assert_null(json_first(json_get(v, "r")));
	assert_int_equal(json_count(NULL), 0);
	assert_null(json_get(json_get(v, "turns"), "x"));
	assert_string_equal(json_kind_name(JSON_OBJECT), "object");
	arena_release(&a);
}

static void test_equal(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT;
	static const char *const different[] = {"null", "true", "false", "0", "1", "1.5", "\"1\"", "\"\"", "[]", "{}",
		"[1]", "[1,2]", "[2,1]", "[[1]]", "{\"a\":1}", "{\"a\":2}", "{\"b\":1}", "{\"a\":1,\"b\":1}", "{\"a\":null}"};
	for (size_t i = 0; i < COUNT_OF(different); i++) {
		for (size_t j = 0; j < COUNT_OF(different); j++)
			assert_int_equal(json_equal(parse(&a, different[i]), parse(&a, different[j])), i == j);
	}
	assert_true(json_equal(json_real(&a, 2.0), json_int(&a, 2)));
	assert_false(json_equal(json_real(&a, 2.5), json_int(&a, 2)));
	arena_release(&a);
}

static void assert_merged(const char *base, const char *over, const char *want)
{
	struct arena a = ARENA_INIT;
	struct buf b = BUF_INIT;
	struct json *v = parse(&a, base), *o = parse(&a, over), *kept = json_copy(&a, o);
	json_merge(&a, v, o);
	json_write(&b, v);
	assert_string_equal(b.data, want);
	assert_true(json_equal(o, kept));
	buf_release(&b);
	arena_release(&a);
}

static void test_merge(void **state)
{
	(void)state;
	assert_merged("{\"a\":1,\"c\":{\"x\":1,\"y\":2}}", "{\"b\":2,\"c\":{\"y\":3,\"z\":[1]}}",
		"{\"a\":1,\"b\":2,\"c\":{\"x\":1,\"y\":3,\"z\":[1]}}");
	assert_merged("{\"a\":{\"x\":1},\"b\":1}", "{\"a\":5,\"b\":{\"y\":1}}", "{\"a\":5,\"b\":{\"y\":1}}");
	assert_merged("{\"a\":[1,2]}", "{\"a\":[3]}", "{\"a\":[3]}");
	assert_merged("{\"a\":1}", "{\"a\":null}", "{\"a\":null}");
	assert_merged("[1]", "{\"a\":1}", "{\"a\":1}");
	assert_merged("{\"a\":1}", "{}", "{\"a\":1}");
}

/** A changed copy leaves the first tree alone. */
static void test_copy(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT, other = ARENA_INIT;
	struct buf b = BUF_INIT;
	struct json *v = parse(&other, "{\"a\":[1,{\"b\":\"x\"}],\"c\":null}"), *copy = json_copy(&a, v);
	assert_true(json_equal(v, copy));
	json_set_int(&a, copy, "d", 1);
	assert_null(json_get(v, "d"));
	arena_release(&other);
	json_write(&b, copy);
	assert_string_equal(b.data, "{\"a\":[1,{\"b\":\"x\"}],\"c\":null,\"d\":1}");
	buf_release(&b);
	arena_release(&a);
}

static void *many_thread(void *arg)
{
	struct arena a = ARENA_INIT;
	struct buf b = BUF_INIT, text = BUF_INIT;
	bool good = true;
	for (int i = 0; i < 2000 && good; i++) {
		buf_clear(&text);
		buf_printf(&text, "{\"i\":%d,\"list\":[", i);
		for (int j = 0; j < i % 50; j++)
			buf_printf(&text, "%s\"%d-%d\"", j ? "," : "", i, j);
		buf_puts(&text, "]}");
		struct json *v = NULL;
		good = json_parse(&a, buf_view(&text), &v, NULL) == 0 && json_get_int(v, "i", -1) == i;
		good = good && json_parse(&a, str_n(text.data, text.len - 1), &v, NULL) == ERR_PARSE;
		buf_clear(&b);
		json_write(&b, v);
		good = good && str_eq(buf_view(&b), buf_view(&text));
		arena_reset(&a);
	}
	buf_release(&text);
	buf_release(&b);
	arena_release(&a);
	return good ? arg : NULL;
}

static void test_threads(void **state)
{
	(void)state;
	pthread_t threads[4];
	void *ret;
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, many_thread, threads), 0);
	for (size_t i = 0; i < COUNT_OF(threads); i++) {
		assert_int_equal(pthread_join(threads[i], &ret), 0);
		assert_ptr_equal(ret, threads);
	}
}

/** Random damage to a valid text never gives more than an error; what parses keeps its value through text. */
static void test_damaged(void **state)
{
	(void)state;
	static const char seed[] =
		"{\"a\":[1,-2.5e+3,\"x\\u4f60\\n你\",true,null],\"b\":{\"c\":\"\\ud83d\\ude00\",\"d\":0.1}}";
	static const char bytes[] = "{}[]\",:\\u0123456789eE+-.tfn \n\x01\xe4\xff";
	struct arena a = ARENA_INIT;
	struct buf b = BUF_INIT;
	uint32_t x = 1;
	int good = 0;
	for (int i = 0; i < 30000; i++) {
		char text[sizeof(seed)];
		memcpy(text, seed, sizeof(seed));
		for (int k = 0; k < 1 + i % 3; k++) {
			x = x * 1664525u + 1013904223u;
			text[(x >> 8) % (sizeof(seed) - 1)] = bytes[(x >> 20) % (sizeof(bytes) - 1)];
		}
		struct json *v = NULL;
		if (json_parse(&a, str_n(text, sizeof(seed) - 1), &v, NULL) == 0) {
			good++;
			buf_clear(&b);
			json_write(&b, v);
			assert_true(json_equal(parse(&a, b.data), v));
		}
		arena_reset(&a);
	}
	assert_true(good > 100);
	buf_release(&b);
	arena_release(&a);
}

/** Every line of the real transcripts. */
static void test_real_data(void **state)
{
	(void)state;
	struct fs_names files = {NULL, 0};
	struct buf b = BUF_INIT, out = BUF_INIT;
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	if (fs_glob("../shared/data/transcripts/*.jsonl", &files, &e) != 0) {
		printf("skipped: no real transcripts here\n");
		return;
	}
	for (size_t i = 0; i < files.n; i++) {
		buf_clear(&b);
		assert_int_equal(fs_read(files.v[i], BUF_DEFAULT_MAX, &b, &e), 0);
		struct str rest = buf_view(&b), line;
		for (int n = 1; str_line(&rest, &line); n++) {
			struct json *v = NULL;
			if (str_trim(line).n == 0)
				continue;
			if (json_parse(&a, line, &v, &e) != 0) {
				printf("%s:%d: %s\n", files.v[i], n, e.text);
				err_clear(&e);
				continue;
			}
			buf_clear(&out);
			json_write(&out, v);
			assert_true(json_equal(parse(&a, out.data), v));
			arena_reset(&a);
		}
	}
	fs_names_free(&files);
	buf_release(&out);
	buf_release(&b);
	arena_release(&a);
}

static void drops_members(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT;
	struct json *v;
	assert_int_equal(json_parse(&a, STR("{\"a\":1,\"b\":{\"c\":2},\"d\":3}"), &v, NULL), 0);
	json_drop(v, "d");
	json_set_int(&a, v, "e", 4); /* behind what is the last now */
	json_drop(v, "b");
	json_drop(v, "x");
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	json_write(&b, v);
	assert_string_equal(b.data, "{\"a\":1,\"e\":4}");
	json_drop(v, "a");
	json_drop(v, "e");
	assert_int_equal(json_count(v), 0);
	json_set_int(&a, v, "f", 5);
	buf_clear(&b);
	json_write(&b, v);
	assert_string_equal(b.data, "{\"f\":5}");
	arena_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_canonical),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_reals_read_back),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_zero_bytes),
		cmocka_unit_test(test_bad_utf8),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_duplicates),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_size_limit),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_build),
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_equal),
		cmocka_unit_test(test_merge),
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_real_data),
		cmocka_unit_test(drops_members),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

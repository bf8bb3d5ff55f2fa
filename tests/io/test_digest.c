#include "io/digest.h"

#include "base/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static void assert_digest(const struct digest *d, const char *want)
{
	char hex[DIGEST_HEX + 1];
	digest_hex(d, hex);
	assert_string_equal(hex, want);
}

/* The examples of FIPS 180-2. */
#define OF_NOTHING "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define OF_ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define OF_MILLION "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"

static void test_known(void **state)
{
	(void)state;
	struct digest d;
	digest_of(NULL, 0, &d);
	assert_digest(&d, OF_NOTHING);
	digest_of("abc", 3, &d);
	assert_digest(&d, OF_ABC);
	struct digester *r = digester_new();
	for (int i = 0; i < 10000; i++)
		digester_add(r,
			"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 100);
	digester_end(r, &d);
	assert_digest(&d, OF_MILLION);
	digester_end(r, &d); /* the end resets */
	assert_digest(&d, OF_NOTHING);
	digester_add(r, "x", 1);
	digester_reset(r);
	digester_add(r, "ab", 2);
	digester_add(r, NULL, 0);
	digester_add(r, "c", 1);
	digester_end(r, &d);
	assert_digest(&d, OF_ABC);
	digester_free(r);
	digester_free(NULL);
}

static void test_parts(void **state)
{
	(void)state;
	struct digest a, b, c;
	struct digester *r = digester_new();
	digester_part(r, "ab", 2);
	digester_part(r, "c", 1);
	digester_end(r, &a);
	digester_part(r, "a", 1);
	digester_part(r, "bc", 2);
	digester_end(r, &b);
	assert_false(digest_equal(&a, &b));
	digest_of("\2\0\0\0\0\0\0\0ab\1\0\0\0\0\0\0\0c", 19, &c);
	assert_true(digest_equal(&a, &c));
	digester_free(r);
}

static void test_hex(void **state)
{
	(void)state;
	struct digest d, back;
	digest_of("abc", 3, &d);
	assert_true(digest_parse(STR(OF_ABC), &back));
	assert_true(digest_equal(&d, &back));
	assert_true(digest_parse(STR("BA7816BF8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"), &back));
	assert_true(digest_equal(&d, &back));
	back.b[31] ^= 1;
	assert_false(digest_equal(&d, &back));
	assert_false(digest_parse(str_n(OF_ABC, 63), &back));
	assert_false(digest_parse(STR(OF_ABC "0"), &back));
	assert_false(digest_parse(STR("ga7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"), &back));
	assert_false(digest_parse((struct str){NULL, 0}, &back));
}

static void test_file(void **state)
{
	(void)state;
	char name[256];
	const char *tmp = getenv("TMPDIR");
	struct digest d;
	struct err e = ERR_INIT;
	int64_t size = -1;
	snprintf(name, sizeof(name), "%s/taf-digest-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	int fd = mkstemp(name);
	assert_true(fd >= 0);
	char *as = xmalloc(1000000);
	memset(as, 'a', 1000000);
	assert_int_equal(write(fd, as, 1000000), 1000000);
	free(as);
	close(fd);
	assert_int_equal(digest_file(name, &d, &size, &e), 0);
	assert_digest(&d, OF_MILLION);
	assert_int_equal(size, 1000000);
	assert_int_equal(digest_file(name, &d, NULL, &e), 0);
	assert_int_equal(unlink(name), 0);
	size = -1;
	assert_int_equal(digest_file(name, &d, &size, &e), ERR_NOTFOUND);
	assert_non_null(strstr(e.text, name));
	assert_int_equal(size, -1);
	assert_int_equal(digest_file("/", &d, NULL, NULL), ERR_IO);
	assert_int_equal(mkfifo(name, 0600), 0);
	assert_int_equal(digest_file(name, &d, NULL, NULL), ERR_IO); /* at once, no writer needed */
	assert_int_equal(unlink(name), 0);
	assert_digest(&d, OF_MILLION);
}

/* RFC 4231, test cases 1, 2 and 6 (a key longer than a block). */
static void hmac_is_that_of_the_rfc(void **state)
{
	(void)state;
	char long_key[131];
	memset(long_key, 0xaa, sizeof(long_key));
	const struct {
		struct str key, data;
		const char *hex;
	} cases[] = {
		{STR("\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b"), STR("Hi There"),
			"b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
		{STR("Jefe"), STR("what do ya want for nothing?"),
			"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
		{str_n(long_key, sizeof(long_key)), STR("Test Using Larger Than Block-Size Key - Hash Key First"),
			"60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct digest d;
		char hex[DIGEST_HEX + 1];
		digest_hmac(cases[i].key, cases[i].data.p, cases[i].data.n, &d);
		digest_hex(&d, hex);
		assert_string_equal(hex, cases[i].hex);
	}
}

/* RFC 4648, section 10; and pieces that do not fit together evenly. */
static void base64_is_that_of_the_rfc(void **state)
{
	(void)state;
	static const char *const cases[][2] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"},
		{"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		buf_clear(&b);
		buf_puts(&b, "x");
		base64_put(&b, cases[i][0], strlen(cases[i][0]));
		assert_string_equal(b.data + 1, cases[i][1]);
		assert_int_equal(b.len, strlen(cases[i][1]) + 1);
	}
	size_t n = ((size_t)6 << 20) + 1;
	CLEANUP(free_ptr) char *zeros = xcalloc(n, 1);
	buf_clear(&b);
	base64_put(&b, zeros, n);
	assert_int_equal(b.len, (n + 2) / 3 * 4);
	assert_int_equal(strspn(b.data, "A"), b.len - 2);
	assert_string_equal(b.data + b.len - 2, "==");
	CLEANUP(buf_release) struct buf small = BUF_INIT_MAX(3);
	base64_put(&small, "foo", 3);
	assert_true(buf_error(&small));
}

static void base64_is_read(void **state)
{
	(void)state;
	static const char *const good[][2] = {{"", ""}, {"Zg==", "f"}, {"Zm8=", "fo"}, {"Zm9v", "foo"}, {"Zg", "f"},
		{"Zm8", "fo"}, {" Zm9v\r\nYmE=\n", "fooba"}, {"Zm9vYmFy", "foobar"}};
	static const char *const bad[] = {"Z", "Zg=", "Zg===", "=", "Zm9vY", "Zg==Zg==", "Zm-v", "Zm9v!", "\xe4\xbd\xa0"};
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		buf_clear(&b);
		buf_puts(&b, "x");
		assert_true(base64_get(&b, str_of(good[i][0])));
		assert_string_equal(b.data + 1, good[i][1]);
	}
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		buf_clear(&b);
		buf_puts(&b, "x");
		if (base64_get(&b, str_of(bad[i])))
			fail_msg("'%s' was read", bad[i]);
		assert_string_equal(b.data, "x");
	}
	/* All bytes, there and back. */
	char bytes[256 * 3];
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i * 7);
	base64_put(&text, bytes, sizeof(bytes));
	buf_clear(&b);
	assert_true(base64_get(&b, buf_view(&text)));
	assert_int_equal(b.len, sizeof(bytes));
	assert_memory_equal(b.data, bytes, sizeof(bytes));
	CLEANUP(buf_release) struct buf small = BUF_INIT_MAX(2);
	assert_false(base64_get(&small, STR("Zm9v")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hmac_is_that_of_the_rfc),
		cmocka_unit_test(base64_is_that_of_the_rfc),
		cmocka_unit_test(base64_is_read),
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_hex),
		cmocka_unit_test(test_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "core/message.h"

#include "base/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void put_and_take(void **state)
{
	(void)state;
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	struct message m;
	size_t used = 0;
	message_put(&b, MESSAGE_WORK, 0x1122334455667788u, STR("{\"a\":1}"));
	message_put(&b, MESSAGE_DONE, 2, STR(""));
	for (size_t n = 0; n < 20; n++) /* 4 + 9 + 7 bytes: nothing before it is whole */
		assert_int_equal(message_take(str_n(b.data, n), &m, &used, NULL), 0);
	assert_int_equal(message_take(buf_view(&b), &m, &used, NULL), 1);
	assert_int_equal(m.kind, MESSAGE_WORK);
	assert_true(m.ticket == 0x1122334455667788u);
	assert_true(str_is(m.body, "{\"a\":1}"));
	assert_int_equal(used, 20);
	assert_int_equal(message_take(str_n(b.data + used, b.len - used), &m, &used, NULL), 1);
	assert_int_equal(m.body.n, 0);
}

static void bad(void **state)
{
	(void)state;
	struct message m;
	size_t used;
	assert_int_equal(message_take(STR("\x08\0\0\0........."), &m, &used, NULL), ERR_PARSE);    /* too short */
	assert_int_equal(message_take(STR("\xff\xff\xff\xff......"), &m, &used, NULL), ERR_PARSE); /* too long */
	assert_int_equal(message_take(STR("\x09\0\0\0\x63xxxxxxxx"), &m, &used, NULL), ERR_PARSE); /* no such kind */
}

static void over_a_pipe(void **state)
{
	(void)state;
	int fd[2];
	assert_int_equal(pipe(fd), 0);
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	CLEANUP(buf_release) struct buf in = BUF_INIT;
	struct message m;
	struct err e = ERR_INIT;
	message_put(&b, MESSAGE_SETUP, 1, STR("{}"));
	message_put(&b, MESSAGE_WORK, 2, STR("[]"));
	assert_int_equal(write(fd[1], b.data, b.len), (ssize_t)b.len);
	assert_int_equal(write(fd[1], b.data, 6), 6); /* and a piece of one */
	close(fd[1]);
	assert_int_equal(message_read(fd[0], &in, &m, &e), 1);
	assert_int_equal(m.kind, MESSAGE_SETUP);
	assert_int_equal(message_read(fd[0], &in, &m, &e), 1);
	assert_true(str_is(m.body, "[]"));
	assert_int_equal(message_read(fd[0], &in, &m, &e), 0); /* ended in the middle */
	close(fd[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(put_and_take),
		cmocka_unit_test(bad),
		cmocka_unit_test(over_a_pipe),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "base/stop.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

static int readable(void)
{
	struct pollfd p = {.fd = stop_fd(), .events = POLLIN};
	return poll(&p, 1, 0);
}

static int fresh(void **state)
{
	(void)state;
	stop_request(STOP_NONE);
	return 0;
}

static void test_before_install(void **state)
{
	(void)state;
	assert_int_equal(stop_fd(), -1);
	stop_request(STOP_FINISH);
	assert_int_equal(stop_level(), STOP_FINISH);
	stop_request(STOP_NONE);
	assert_int_equal(stop_level(), STOP_NONE);
	stop_install();
	int fd = stop_fd();
	assert_true(fd >= 0);
	stop_install();
	assert_int_equal(stop_fd(), fd);
}

static void test_signals(void **state)
{
	(void)state;
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
	for (size_t i = 0; i < 3; i++) {
		stop_request(STOP_NONE);
		assert_int_equal(readable(), 0);
		errno = 77;
		raise(signals[i]);
		assert_int_equal(errno, 77);
		assert_int_equal(stop_level(), STOP_FINISH);
		assert_int_equal(readable(), 1);
		raise(signals[(i + 1) % 3]);
		assert_int_equal(stop_level(), STOP_DROP);
		raise(SIGINT);
		assert_int_equal(stop_level(), STOP_DROP);
		char bytes[8];
		assert_int_equal(read(stop_fd(), bytes, sizeof(bytes)), 2); /* one for each rise */
	}
}

static void test_request(void **state)
{
	(void)state;
	stop_request(STOP_DROP);
	assert_int_equal(readable(), 1);
	stop_request(STOP_FINISH); /* never lowers */
	assert_int_equal(stop_level(), STOP_DROP);
	stop_request(STOP_NONE);
	assert_int_equal(stop_level(), STOP_NONE);
	assert_int_equal(readable(), 0);
}

static void test_pipe_signal(void **state)
{
	(void)state;
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	close(ends[0]);
	assert_int_equal(write(ends[1], "x", 1), -1); /* an error, not death */
	assert_int_equal(errno, EPIPE);
	close(ends[1]);
	assert_int_equal(stop_level(), STOP_NONE);
}

static void *signal_main(void *arg)
{
	clock_sleep_ms(50);
	pthread_kill(*(pthread_t *)arg, SIGTERM);
	return NULL;
}

/** A blocking call returns when a signal comes. */
static void test_interrupts(void **state)
{
	(void)state;
	int ends[2];
	char byte;
	pthread_t self = pthread_self(), thread;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(pthread_create(&thread, NULL, signal_main, &self), 0);
	assert_int_equal(read(ends[0], &byte, 1), -1);
	assert_int_equal(errno, EINTR);
	pthread_join(thread, NULL);
	assert_int_equal(stop_level(), STOP_FINISH);
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_before_install),
		cmocka_unit_test_setup_teardown(test_signals, fresh, fresh),
		cmocka_unit_test_setup_teardown(test_request, fresh, fresh),
		cmocka_unit_test_setup_teardown(test_pipe_signal, fresh, fresh),
		cmocka_unit_test_setup_teardown(test_interrupts, fresh, fresh),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

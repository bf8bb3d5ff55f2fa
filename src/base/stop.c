#include "base/stop.h"

#include "base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

static atomic_int level;
static int wake[2] = {-1, -1}; /* set once, before any handler or thread */

static void wake_up(void)
{
	if (wake[1] < 0)
		return;
	int saved = errno;
	ssize_t n = write(wake[1], "", 1); /* a full pipe is readable already */
	(void)n;
	errno = saved;
}

/* Only what signal handlers may do: lock-free atomics and write(2). */
static void on_signal(int sig)
{
	(void)sig;
	int old = atomic_load(&level);
	while (old < STOP_DROP && !atomic_compare_exchange_weak(&level, &old, old + 1))
		;
	if (old < STOP_DROP)
		wake_up();
}

void stop_install(void)
{
	if (wake[0] < 0 && pipe2(wake, O_NONBLOCK | O_CLOEXEC) != 0)
		wake[0] = wake[1] = -1;
	struct sigaction act;
	memset(&act, 0, sizeof(act));
	sigemptyset(&act.sa_mask);
	act.sa_handler = on_signal; /* no SA_RESTART: blocking calls return, and their callers look at the level */
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		ASSERT(sigaction(signals[i], &act, NULL) == 0);
	act.sa_handler = SIG_IGN;
	ASSERT(sigaction(SIGPIPE, &act, NULL) == 0);
}

enum stop_level stop_level(void)
{
	return (enum stop_level)atomic_load(&level);
}

void stop_request(enum stop_level wanted)
{
	if (wanted == STOP_NONE) { /* a fresh start, for tests: level and pipe are emptied */
		char dropped[16];
		atomic_store(&level, STOP_NONE);
		while (wake[0] >= 0 && read(wake[0], dropped, sizeof(dropped)) > 0)
			;
		return;
	}
	int old = atomic_load(&level);
	while (old < (int)wanted && !atomic_compare_exchange_weak(&level, &old, (int)wanted))
		;
	if (old < (int)wanted)
		wake_up();
}

int stop_fd(void)
{
	return wake[0];
}

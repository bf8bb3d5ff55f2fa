#include "base/fault.h"

#include "base/str.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pthread_once_t fault_once = PTHREAD_ONCE_INIT;
static const char *fault_spec; /* set once, before any thread can pass a point with it */
static atomic_long fault_left;

static void fault_read(void)
{
	const char *s = getenv("TAF_CRASH");
	const char *colon = s ? strrchr(s, ':') : NULL;
	int64_t n = 1;
	if (colon && str_int(str_of(colon + 1), &n))
		atomic_store(&fault_left, (long)n);
	else
		atomic_store(&fault_left, 1);
	fault_spec = s;
}

void fault_point(const char *name)
{
	pthread_once(&fault_once, fault_read);
	if (!fault_spec)
		return;
	size_t n = strlen(name);
	if (strncmp(fault_spec, name, n) != 0 || (fault_spec[n] != '\0' && fault_spec[n] != ':'))
		return;
	if (atomic_fetch_sub(&fault_left, 1) == 1)
		kill(getpid(), SIGKILL);
}

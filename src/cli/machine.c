#include "cli/machine.h"

#include "base/alloc.h"
#include "base/fs.h"

#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#define PROC_MAX 65536

int machine_quota(struct str text)
{
	struct str rest = str_trim(text), quota, period;
	int64_t q, p;
	if (!str_split(&rest, ' ', &quota) || !str_split(&rest, ' ', &period) || !str_int(quota, &q) ||
		!str_int(period, &p) || q <= 0 || p <= 0)
		return 0;
	int64_t n = (q + p - 1) / p;
	return n > INT_MAX ? INT_MAX : (int)n;
}

/* The smallest quota from our cgroup up to the root. */
static int cgroup_jobs(int most)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	CLEANUP(buf_release) struct buf file = BUF_INIT;
	if (fs_read("/proc/self/cgroup", PROC_MAX, &text, NULL) < 0)
		return most;
	struct str rest = buf_view(&text), line;
	while (str_line(&rest, &line))
		if (str_starts(line, "0::/"))
			buf_str(&path, str_n(line.p + 3, line.n - 3));
	while (path.len) {
		buf_clear(&file);
		buf_clear(&text);
		buf_printf(&file, "/sys/fs/cgroup%s/cpu.max", path.data);
		int quota = fs_read(file.data, PROC_MAX, &text, NULL) == 0 ? machine_quota(buf_view(&text)) : 0;
		if (quota > 0 && quota < most)
			most = quota;
		while (path.len && path.data[path.len - 1] != '/')
			buf_truncate(&path, path.len - 1);
		if (path.len)
			buf_truncate(&path, path.len - 1);
	}
	return most;
}

int machine_jobs(void)
{
	cpu_set_t set;
	int n = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : (int)sysconf(_SC_NPROCESSORS_ONLN);
	n = cgroup_jobs(n < 1 ? 1 : n);
	return n < 1 ? 1 : n;
}

int machine_worker(struct buf *ret, bool needed, struct err *e)
{
	const char *named = getenv("TAF_WORKER");
	char self[PATH_MAX];
	buf_clear(ret);
	if (named && named[0]) {
		buf_puts(ret, named);
	} else {
		ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
		if (n < 0)
			return err_errno(e, "finding this program's folder");
		self[n] = '\0';
		CLEANUP(buf_release) struct buf folder = BUF_INIT;
		fs_dirname(&folder, self);
		fs_join(ret, folder.data, "taf-worker");
	}
	if (needed && access(ret->data, X_OK) != 0)
		return err_errno(
			e, "the worker program %s cannot be run; build it with make, or name it in TAF_WORKER", ret->data);
	return 0;
}

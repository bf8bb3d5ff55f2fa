#include "core/spawn.h"

#include "base/alloc.h"
#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

extern char **environ;

static int spawn_with(const char *const *command, int fd, pid_t *ret, struct err *e)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none;
	posix_spawn_file_actions_init(&actions);
	/* dup2 onto the same number would keep close-on-exec: the child's end is never 3 (see below). */
	posix_spawn_file_actions_adddup2(&actions, fd, WORKER_FD);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addclosefrom_np(&actions, WORKER_FD + 1); /* curl's own sockets are not close-on-exec */
	posix_spawnattr_init(&attr);
	sigemptyset(&none);
	posix_spawnattr_setsigmask(&attr, &none);
	/* A group of its own: Ctrl-C at the terminal goes to `taf`, which decides what its workers finish. */
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
	errno = posix_spawn(ret, command[0], &actions, &attr, (char *const *)(uintptr_t)command, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	return errno == 0 ? 0 : err_errno(e, "starting %s", command[0]);
}

int spawn_worker(const char *const *command, pid_t *ret_pid, int *ret_fd, struct err *e)
{
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_errno(e, "making a socketpair");
	int theirs = fcntl(pair[1], F_DUPFD_CLOEXEC, 10);
	close(pair[1]);
	pid_t pid;
	int rc = theirs < 0 ? err_errno(e, "making a socketpair") : spawn_with(command, theirs, &pid, e);
	if (theirs >= 0)
		close(theirs);
	if (rc < 0) {
		close(pair[0]);
		return rc;
	}
	*ret_pid = pid;
	*ret_fd = pair[0];
	return 0;
}

#include "cli/folder.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fs.h"
#include "cli/say.h"
#include "core/call.h"
#include "core/overlay.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define LOCK_NAME "taf.lock"

const char *where_file(const struct where *w)
{
	return w->file ? w->file : "pipeline.yaml";
}

void where_work(const struct where *w, struct buf *ret)
{
	CLEANUP(buf_release) struct buf folder = BUF_INIT;
	if (w->work) {
		buf_clear(ret);
		buf_puts(ret, w->work);
		return;
	}
	fs_dirname(&folder, where_file(w));
	if (strcmp(folder.data, ".") == 0) {
		buf_clear(ret);
		buf_puts(ret, "work");
	} else {
		fs_join(ret, folder.data, "work");
	}
}

int where_load(const struct where *w, struct config **ret, struct problems *problems)
{
	struct config_args args = {.file = where_file(w),
		.profiles = w->profiles.v,
		.nprofiles = w->profiles.n,
		.sets = w->sets.v,
		.nsets = w->sets.n,
		.registry = &stages_all};
	return config_load(&args, ret, problems);
}

int where_config(const struct where *w, struct config **ret)
{
	CLEANUP(problems_release) struct problems problems = PROBLEMS_INIT;
	int rc = where_load(w, ret, &problems);
	if (rc < 0) {
		CLEANUP(buf_release) struct buf text = BUF_INIT;
		CLEANUP(buf_release) struct buf clean = BUF_INIT;
		problems_print(&problems, &text);
		put_clean(&clean, buf_view(&text));
		fputs(clean.data, stderr);
		say_error("%zu problem%s; nothing was done", problems.n, problems.n == 1 ? "" : "s");
	}
	return rc;
}

struct config *where_config_quiet(const struct where *w)
{
	CLEANUP(problems_release) struct problems problems = PROBLEMS_INIT;
	struct config *c = NULL;
	return where_load(w, &c, &problems) < 0 ? NULL : c;
}

void where_id(const char *given, struct buf *ret)
{
	buf_clear(ret);
	if (id_valid(str_of(given)))
		buf_puts(ret, given);
	else
		id_encode(ret, str_of(given));
}

void config_cleanup(struct config **c)
{
	config_free(*c);
}

bool folder_stage_known(const struct config *c, const char *lead, const char *name)
{
	if (!name || config_stage_index(c, str_of(name)) >= 0)
		return true;
	struct str names[GRAPH_STAGES_MAX];
	CLEANUP(buf_release) struct buf words = BUF_INIT;
	for (size_t i = 0; i < c->nstages; i++)
		names[i] = str_of(c->stages[i].stage.name);
	buf_printf(&words, "%s: unknown stage", lead);
	say_unknown(words.data, str_of(name), names, c->nstages);
	return false;
}

static int has_runs(const char *work, struct err *e)
{
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	struct fs_stat st;
	fs_join(&path, work, "taf.db");
	int rc = fs_stat(path.data, &st, e);
	if (rc == 0 && !st.exists)
		rc = err_set(e, ERR_NOTFOUND,
			"no run was made in %s yet: start one with taf run, or name another work folder with -w", work);
	return rc;
}

int folder_why(const char *work, int rc, struct err *e)
{
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	fs_join(&path, work, "taf.db");
	if (rc < 0 && rc != ERR_NOTFOUND && access(path.data, F_OK) == 0 &&
		(access(path.data, R_OK | W_OK) < 0 || access(work, W_OK) < 0))
		err_context(e, "no right to read and write in %s, which SQLite's log needs also of readers; ask its owner", work);
	return rc;
}

int folder_open(const char *work, struct store **ret, struct err *e)
{
	int rc = has_runs(work, e);
	if (rc == 0)
		rc = store_open(work, DB_READ, ret, e);
	return folder_why(work, rc, e);
}

int folder_lock(const char *work, int *ret_fd, struct err *e)
{
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	CLEANUP(buf_release) struct buf note = BUF_INIT;
	char host[256] = "?", now[32];
	struct err own = ERR_INIT;
	fs_join(&path, work, LOCK_NAME);
	gethostname(host, sizeof(host) - 1);
	clock_iso(clock_wall_ms(), now, sizeof(now));
	buf_printf(&note, "pid %ld on %s since %s", (long)getpid(), host, now);
	int rc = fs_lock(path.data, note.data, ret_fd, &own);
	if (rc == ERR_LOCKED)
		return err_set(e, rc,
			"%s: one run at a time works in a folder; wait for it or stop it, or name another folder with -w", own.text);
	return rc < 0 ? err_set(e, rc, "%s", own.text) : 0;
}

int folder_open_locked(const char *work, int *ret_lock, struct store **ret, struct err *e)
{
	int rc = has_runs(work, e);
	if (rc == 0)
		rc = folder_lock(work, ret_lock, e);
	return rc < 0 ? rc : store_open(work, DB_WRITE, ret, e);
}

bool folder_is_run_by(const char *work, int64_t pid)
{
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	CLEANUP(buf_release) struct buf line = BUF_INIT;
	CLEANUP(buf_release) struct buf want = BUF_INIT;
	fs_join(&path, work, LOCK_NAME);
	CLEANUP(fs_close) int fd = open(path.data, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || flock(fd, LOCK_SH | LOCK_NB) == 0 || errno != EWOULDBLOCK)
		return false;
	buf_printf(&want, "pid %lld on ", (long long)pid);
	return fs_read(path.data, 4096, &line, NULL) == 0 && str_starts(buf_view(&line), want.data);
}

void where_put(struct buf *b, const struct where *w)
{
	if (w->file)
		buf_printf(b, " -f %s", w->file);
	if (w->work)
		buf_printf(b, " -w %s", w->work);
}

void where_put_changes(struct buf *b, const struct where *w)
{
	for (size_t i = 0; i < w->profiles.n; i++)
		buf_printf(b, " -p %s", w->profiles.v[i]);
	for (size_t i = 0; i < w->sets.n; i++) {
		buf_putc(b, ' ');
		overlay_set_shown(b, w->sets.v[i]);
	}
}

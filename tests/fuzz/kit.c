/* What fuzz targets share. */
#include "tests/fuzz/fuzz.h"

#include "base/fs.h"
#include "base/log.h"
#include "base/utf8.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct str fuzz_str(const uint8_t *data, size_t size)
{
	return str_n(size ? (const char *)data : "", size);
}

static char folder[200];
static pid_t folder_owner; /* a forked replay has one of its own */

static void remove_folder(void)
{
	if (folder_owner == getpid())
		fs_remove_tree(folder, NULL);
}

static void write_file(const char *name, const void *p, size_t n, char *ret, size_t max)
{
	struct err e = ERR_INIT;
	snprintf(ret, max, "%s/%s", folder, name);
	int fd = open(ret, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ASSERT(fd >= 0 && fs_write_all(fd, p, n, ret, &e) == 0);
	close(fd);
}

const char *fuzz_file(const uint8_t *data, size_t size)
{
	static char path[256];
	if (folder_owner != getpid()) {
		log_terminal_level = LOG_ERROR; /* warnings about each input are no news */
		const char *tmp = getenv("TMPDIR");
		snprintf(folder, sizeof(folder), "%.150s/taf-fuzz.XXXXXX", tmp ? tmp : "/tmp");
		ASSERT(mkdtemp(folder) != NULL);
		folder_owner = getpid();
		atexit(remove_folder);
		write_file("a.jsonl", "", 0, path, sizeof(path));
		write_file("b.json", "{}", 2, path, sizeof(path));
	}
	write_file("input.yaml", data, size, path, sizeof(path));
	return path;
}

const char *fuzz_data(const char *name)
{
	static char path[4096];
	const char *top = getenv("TAF_TOP");
	snprintf(path, sizeof(path), "%s", top ? top : ".");
	setenv("TAF_DATA", path, 0);
	snprintf(path, sizeof(path), "%s/%s", top ? top : ".", name);
	return path;
}

void fuzz_text(struct str s)
{
	ASSERT(utf8_invalid(s) < 0);
	ASSERT(s.n == 0 || memchr(s.p, 0, s.n) == NULL);
}

void fuzz_failed(int rc, int code, const struct err *e)
{
	ASSERT(rc < 0 && e->code == rc);
	ASSERT(code ? rc == code : err_class_of(rc) == CLASS_DATA || err_class_of(rc) == CLASS_CONFIG);
	ASSERT(e->text[0] != '\0' && strlen(e->text) < ERR_TEXT_MAX);
	fuzz_text(str_of(e->text));
}

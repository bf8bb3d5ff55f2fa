#include "tests/servers/common/program.h"

#include "base/alloc.h"
#include "base/fs.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

struct options {
	int64_t port, seed;
	const char *port_file, *log;
	bool log_bodies, die_with_parent;
};

static const char *const usage =
	"  --port N                          0 (default): a free one; the line \"listening on URL\" tells it\n"
	"  --port-file FILE                  write the port there once it listens\n"
	"  --seed N                          replies and failures depend on it (1)\n"
	"  --log FILE                        a JSON line for each request\n"
	"  --log-bodies                      … with its body\n"
	"  --die-with-parent                 end when the process that started it ends\n"
	"  --help, --version\n";

static int number(const char *name, const char *value, int64_t max, int64_t *ret, struct err *e)
{
	int64_t n = 0;
	if (!str_int(str_of(value), &n) || n < 0 || n > max)
		return err_set(e, ERR_USAGE, "--%s wants a whole number from 0 to %lld", name, (long long)max);
	*ret = n;
	return 0;
}

/* One option that takes a text. False: it is none. */
static bool text_option(const struct program *p, struct options *o, struct str name, const char *value)
{
	const struct program_text own[] = {{"port-file", &o->port_file}, {"log", &o->log}};
	for (size_t i = 0; i < COUNT_OF(own) + p->ntexts; i++) {
		const struct program_text *t = i < COUNT_OF(own) ? &own[i] : &p->texts[i - COUNT_OF(own)];
		if (str_is(name, t->name)) {
			*t->at = value;
			return true;
		}
	}
	return false;
}

/* One option of the server itself. 1: it is none. */
static int own_option(
	const struct program *p, struct options *o, struct str name, const char *value, bool *ret_takes, struct err *e)
{
	bool flag_bodies = str_is(name, "log-bodies"), flag_parent = str_is(name, "die-with-parent");
	*ret_takes = false;
	if (flag_bodies || flag_parent) {
		*(flag_bodies ? &o->log_bodies : &o->die_with_parent) = true;
		return 0;
	}
	*ret_takes = true;
	if (text_option(p, o, name, value))
		return value ? 0 : err_set(e, ERR_USAGE, "--%.*s wants a value", STR_FMT(name));
	if (str_is(name, "port"))
		return number("port", value, 65535, &o->port, e);
	if (str_is(name, "seed"))
		return number("seed", value, INT64_MAX, &o->seed, e);
	return 1;
}

static int one_option(const struct program *p, struct options *o, struct switches *s, char **argv, struct err *e)
{
	const struct switch_set *set = p->service->switches;
	struct str name = str_of(argv[0]), rest;
	if (!str_starts(name, "--"))
		return err_set(e, ERR_USAGE, "%s is no option; see --help", argv[0]);
	rest = str_n(name.p + 2, name.n - 2);
	if (!str_split(&rest, '=', &name))
		return err_set(e, ERR_USAGE, "%s is no option; see --help", argv[0]);
	const char *given = rest.p, *value = given ? given : argv[1];
	bool takes = false;
	int rc = own_option(p, o, name, value, &takes, e);
	if (rc == 1) {
		bool known = switches_known(set, name, &takes);
		rc = switches_set(set, s, name, known && !takes && !given ? NULL : value, e);
	}
	return rc < 0 ? rc : takes && !given && argv[1] ? 2 : 1;
}

static int read_options(const struct program *p, struct options *o, struct switches *s, char **argv, struct err *e)
{
	for (int i = 1; argv[i];) {
		if (strcmp(argv[i], "--help") == 0) {
			printf("%s%s%s\nSwitches, also by POST /switch {\"NAME\": VALUE, …} while it runs:\n", p->about, usage,
				p->options);
			switches_help(p->service->switches, stdout);
			exit(0);
		}
		if (strcmp(argv[i], "--version") == 0) {
			printf("%s %s (libmicrohttpd %s)\n", p->service->name, TAF_VERSION, MHD_get_version());
			exit(0);
		}
		int n = one_option(p, o, s, argv + i, e);
		if (n < 0)
			return n;
		i += n;
	}
	return 0;
}

static int tell(const struct options *o, const struct server *s, struct err *e)
{
	char port[16];
	int n = snprintf(port, sizeof(port), "%d\n", s->port);
	printf("listening on http://127.0.0.1:%d%s\n", s->port, s->service->root);
	fflush(stdout);
	return o->port_file ? fs_write_atomic(o->port_file, port, (size_t)n, 0644, e) : 0;
}

static int serve(const struct program *p, const struct options *o, struct server *s, struct err *e)
{
	s->seed = (uint64_t)o->seed;
	s->log_bodies = o->log_bodies;
	int rc = p->load(s, e);
	if (rc == 0 && o->log && !(s->log = fopen(o->log, "we")))
		rc = err_errno(e, "%s", o->log);
	if (rc < 0)
		return rc;
	rc = server_start(s, (int)o->port, e);
	if (rc == 0)
		rc = tell(o, s, e);
	if (rc == 0)
		server_run(s);
	server_stop(s);
	return rc;
}

int program_main(const struct program *p, char **argv)
{
	struct options o = {.seed = 1};
	struct server *s = xcalloc(1, sizeof(*s)); /* too large for the stack of some */
	struct err e = ERR_INIT;
	pid_t parent = getppid();
	signal(SIGPIPE, SIG_IGN);
	s->service = p->service;
	s->own = p->own;
	s->switches = xcalloc(1, p->service->switches->size);
	switches_init(p->service->switches, s->switches);
	int rc = read_options(p, &o, s->switches, argv, &e);
	if (rc == 0 && o.die_with_parent && (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || getppid() != parent))
		rc = err_set(&e, ERR_IO, "the process that started it has ended");
	if (rc == 0)
		rc = serve(p, &o, s, &e);
	if (rc < 0)
		fprintf(stderr, "%s: %s\n", p->service->name, e.text);
	if (s->log && fclose(s->log) != 0 && rc == 0)
		rc = ERR_IO;
	p->unload(s);
	free(s->switches);
	free(s);
	return rc == 0 ? 0 : err_class_of(rc) == CLASS_CONFIG ? 2 : 1;
}

/* taf-llm-server: a chat server that speaks the OpenAI API, with scripted agents and failures to order. See docs/llm-server.md. */
#include "tests/servers/llm/server.h"

#include "base/alloc.h"
#include "base/fs.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define LINES_DEFAULT "tests/servers/llm/lines.yaml"

struct options {
	int64_t port, seed;
	const char *port_file, *lines, *dialogues, *log;
	bool log_bodies, die_with_parent;
};

static const char *const usage =
	"Usage: taf-llm-server [OPTION]…\n"
	"A chat server on 127.0.0.1 that speaks the OpenAI API: scripted agents, limits and failures to order. "
	"docs/llm-server.md has examples.\n\n"
	"  --port N                          0 (default): a free one; the line \"listening on URL\" tells it\n"
	"  --port-file FILE                  write the port there once it listens\n"
	"  --seed N                          replies and failures depend on it (1)\n"
	"  --lines FILE                      what the agents say (tests/servers/llm/lines.yaml)\n"
	"  --dialogues FILE                  replay these dialogues (JSON lines) in place of scripted lines\n"
	"  --log FILE                        a JSON line for each chat request\n"
	"  --log-bodies                      … with its body\n"
	"  --die-with-parent                 end when the process that started it ends\n"
	"  --help, --version\n\n"
	"Switches, also by POST /switch {\"NAME\": VALUE, …} while it runs:\n";

static int number(const char *name, const char *value, int64_t max, int64_t *ret, struct err *e)
{
	int64_t n = 0;
	if (!str_int(str_of(value), &n) || n < 0 || n > max)
		return err_set(e, ERR_USAGE, "--%s wants a whole number from 0 to %lld", name, (long long)max);
	*ret = n;
	return 0;
}

/* One option of the server itself. 1: it is none. */
static int own_option(struct options *o, struct str name, const char *value, bool *ret_takes, struct err *e)
{
	const struct {
		const char *name;
		const char **at;
	} texts[] = {{"port-file", &o->port_file}, {"lines", &o->lines}, {"dialogues", &o->dialogues}, {"log", &o->log}};
	bool flag_bodies = str_is(name, "log-bodies"), flag_parent = str_is(name, "die-with-parent");
	*ret_takes = false;
	if (flag_bodies || flag_parent) {
		*(flag_bodies ? &o->log_bodies : &o->die_with_parent) = true;
		return 0;
	}
	*ret_takes = true;
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		if (str_is(name, texts[i].name)) {
			*texts[i].at = value;
			return value ? 0 : err_set(e, ERR_USAGE, "--%s wants a file", texts[i].name);
		}
	if (str_is(name, "port"))
		return number("port", value, 65535, &o->port, e);
	if (str_is(name, "seed"))
		return number("seed", value, INT64_MAX, &o->seed, e);
	return 1;
}

static int one_option(struct options *o, struct switches *s, char **argv, int *i, struct err *e)
{
	struct str name = str_of(argv[*i]), rest;
	if (!str_starts(name, "--"))
		return err_set(e, ERR_USAGE, "%s is no option; see --help", argv[*i]);
	rest = str_n(name.p + 2, name.n - 2);
	if (!str_split(&rest, '=', &name))
		return err_set(e, ERR_USAGE, "%s is no option; see --help", argv[*i]);
	const char *given = rest.p, *value = given ? given : argv[*i + 1];
	bool takes = false;
	int rc = own_option(o, name, value, &takes, e);
	if (rc == 1) {
		bool known = switches_known(name, &takes);
		rc = switches_set(s, name, known && !takes && !given ? NULL : value, e);
	}
	if (takes && !given && argv[*i + 1])
		(*i)++;
	return rc;
}

static int read_options(struct options *o, struct switches *s, char **argv, struct err *e)
{
	for (int i = 1; argv[i]; i++) {
		if (strcmp(argv[i], "--help") == 0) {
			printf("%s", usage);
			switches_help(stdout);
			exit(0);
		}
		if (strcmp(argv[i], "--version") == 0) {
			printf("taf-llm-server %s (libmicrohttpd %s)\n", TAF_VERSION, MHD_get_version());
			exit(0);
		}
		int rc = one_option(o, s, argv, &i, e);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int load(const struct options *o, struct server *s, struct lines *lines, struct replay *replay, struct err *e)
{
	CLEANUP(buf_release) struct buf root = BUF_INIT;
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	int rc = 0;
	if (!o->lines) {
		rc = fs_data_root(&root, e);
		fs_join(&path, root.data, LINES_DEFAULT);
	}
	if (rc == 0)
		rc = lines_read(o->lines ? o->lines : path.data, lines, e);
	if (rc == 0 && o->dialogues)
		rc = replay_read(o->dialogues, replay, e);
	s->agents = (struct agents){
		.lines = lines, .replay = o->dialogues ? replay : NULL, .facts = xcalloc(FACTS_SLOTS, sizeof(struct facts))};
	if (rc == 0 && o->log && !(s->log = fopen(o->log, "we")))
		rc = err_errno(e, "%s", o->log);
	s->log_bodies = o->log_bodies;
	s->seed = (uint64_t)o->seed;
	return rc;
}

static int tell(const struct options *o, const struct server *s, struct err *e)
{
	char port[16];
	int n = snprintf(port, sizeof(port), "%d\n", s->port);
	printf("listening on http://127.0.0.1:%d/v1\n", s->port);
	fflush(stdout);
	return o->port_file ? fs_write_atomic(o->port_file, port, (size_t)n, 0644, e) : 0;
}

int main(int argc, char **argv)
{
	struct options o = {.seed = 1};
	struct server s = {.port = 0};
	struct lines lines = {.nkinds = 0};
	struct replay replay = {.n = 0};
	struct err e = ERR_INIT;
	pid_t parent = getppid();
	(void)argc;
	signal(SIGPIPE, SIG_IGN);
	switches_init(&s.switches);
	int rc = read_options(&o, &s.switches, argv, &e);
	if (rc == 0 && o.die_with_parent && (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || getppid() != parent))
		return 1;
	if (rc == 0)
		rc = load(&o, &s, &lines, &replay, &e);
	if (rc == 0) {
		rc = server_start(&s, (int)o.port, &e);
		if (rc == 0)
			rc = tell(&o, &s, &e);
		if (rc == 0)
			server_run(&s);
		server_stop(&s);
	}
	if (rc < 0)
		fprintf(stderr, "taf-llm-server: %s\n", e.text);
	if (s.log && fclose(s.log) != 0 && rc == 0)
		rc = ERR_IO;
	free(s.agents.facts);
	lines_release(&lines);
	replay_release(&replay);
	return rc == 0 ? 0 : err_class_of(rc) == CLASS_CONFIG ? 2 : 1;
}

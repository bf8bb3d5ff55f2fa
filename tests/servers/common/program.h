/* The program around a server: its command line, its life, its exit status (0; 2 for a bad command line or configuration; 1 for anything else). */
#ifndef TAF_SERVERS_PROGRAM_H
#define TAF_SERVERS_PROGRAM_H

#include "tests/servers/common/server.h"

/** An option that takes a text. */
struct program_text {
	const char *name;
	const char **at;
};
struct program {
	const struct service *service;
	void *own;           /* the service's, zeroed but for options */
	const char *about;   /* the first lines of --help */
	const char *options; /* lines of --help on options of its own */
	const struct program_text *texts;
	size_t ntexts;
	int (*load)(struct server *s, struct err *e); /* before it listens */
	void (*unload)(struct server *s);             /* also after a load that failed, or none */
};

int program_main(const struct program *p, char **argv);

#endif

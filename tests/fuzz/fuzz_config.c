/* A pipeline file whole: parsed, checked against the real stages, its graph made. Told are all problems or none. */
#include "base/alloc.h"
#include "core/config.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

/* Only names in the folder of the file: no pattern that walks this machine. */
static bool stays_here(struct str text)
{
	return str_find(text, STR("/")) < 0 && str_find(text, STR("\\")) < 0 && str_find(text, STR("..")) < 0 &&
		   str_find(text, STR("$")) < 0;
}

static bool load(const struct config_args *args, char *ret_digest)
{
	CLEANUP(problems_release) struct problems problems = PROBLEMS_INIT;
	CLEANUP(buf_release) struct buf said = BUF_INIT;
	struct config *c = NULL;
	int r = config_load(args, &c, &problems);
	problems_print(&problems, &said);
	fuzz_text(buf_view(&said));
	ASSERT(r == 0 ? c != NULL && problems.n == 0 : r == ERR_CONFIG && problems.n > 0 && said.len > 0);
	for (size_t i = 0; r == 0 && i < c->nstages; i++)
		for (size_t k = 0; k < c->stages[i].nneeds; k++)
			ASSERT(c->stages[i].needs[k] < (int)i); /* topological order */
	if (r == 0)
		memcpy(ret_digest, c->digest, DIGEST_HEX + 1);
	config_free(c);
	return r == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const profile[] = {"tiny"}, *const set[] = {"seed=7"};
	char digest[DIGEST_HEX + 1], again[DIGEST_HEX + 1];
	if (!stays_here(fuzz_str(data, size)))
		return 0;
	fuzz_data(".");
	struct config_args args = {.file = fuzz_file(data, size), .registry = &stages_all};
	if (load(&args, digest))
		ASSERT(load(&args, again) && strcmp(digest, again) == 0);
	args.profiles = profile;
	args.sets = set;
	args.nprofiles = args.nsets = 1;
	load(&args, digest);
	return 0;
}

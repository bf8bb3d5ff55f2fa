#include "base/alloc.h"
#include "stages/release/release.h"

#include <stdlib.h>
#include <string.h>

void release_name(const char *dataset, struct str id, char ret[RELEASE_NAME_HEX + 1])
{
	struct digester *d = digester_new();
	digester_part(d, dataset, strlen(dataset));
	digester_part(d, id.p, id.n);
	struct digest digest;
	digester_end(d, &digest);
	digester_free(d);
	char hex[DIGEST_HEX + 1];
	digest_hex(&digest, hex);
	memcpy(ret, hex, RELEASE_NAME_HEX);
	ret[RELEASE_NAME_HEX] = '\0';
}

static int by_name(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

void release_members(const struct map *names, char ret[DIGEST_HEX + 1])
{
	struct str *sorted = xcalloc(names->n + 1, sizeof(*sorted));
	struct digester *d = digester_new();
	struct digest digest;
	for (size_t i = 0; i < names->n; i++)
		sorted[i] = names->entries[i].key;
	qsort(sorted, names->n, sizeof(*sorted), by_name);
	for (size_t i = 0; i < names->n; i++) {
		digester_add(d, sorted[i].p, sorted[i].n);
		digester_add(d, "\n", 1);
	}
	digester_end(d, &digest);
	digester_free(d);
	free(sorted);
	digest_hex(&digest, ret);
}

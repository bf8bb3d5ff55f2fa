#include "stages/release/release.h"

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

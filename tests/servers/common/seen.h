/* Which requests were seen before: 64-bit digests of bodies in an open-addressing table that grows to SEEN_MAX and then takes no new ones. 16 bytes each. */
#ifndef TAF_SERVERS_SEEN_H
#define TAF_SERVERS_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEEN_MAX ((size_t)3 << 20)

struct seen_entry {
	uint64_t digest;   /* 0: free */
	uint32_t admitted; /* times it got past the limits: the number of the attempt */
	bool answered;     /* a whole answer went out */
};
struct seen {
	struct seen_entry *v;
	size_t n, cap;
	uint64_t dropped; /* not taken: the table is full */
};

void seen_clear(struct seen *s);
/** The entry of a digest, made when it is new (*ret_new); NULL when the table is full. Holds until the next call. */
struct seen_entry *seen_entry(struct seen *s, uint64_t digest, bool *ret_new);

#endif

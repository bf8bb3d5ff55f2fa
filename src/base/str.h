/* A slice of text: pointer and length, owned by somebody else, not terminated. For parsing without copies.
 * All functions are pure; none allocates. */
#ifndef TAF_BASE_STR_H
#define TAF_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct str {
	const char *p;
	size_t n;
};

#define STR(lit) ((struct str){"" lit, sizeof(lit) - 1})
/** For printf: `"%.*s", STR_FMT(s)`. */
#define STR_FMT(s) (int)(s).n, (s).p

struct str str_of(const char *cstr); /* NULL gives the empty slice */
struct str str_n(const char *p, size_t n);
bool str_eq(struct str a, struct str b);
bool str_is(struct str a, const char *cstr);
/** Bytewise order, shorter first: <0, 0, >0. */
int str_cmp(struct str a, struct str b);
bool str_starts(struct str s, const char *prefix);
bool str_ends(struct str s, const char *suffix);
/** Position of the first `needle`, or -1. The empty needle is at 0. */
ptrdiff_t str_find(struct str s, struct str needle);
/** Without ASCII white space at both ends. */
struct str str_trim(struct str s);
/** Cut the next piece off `*rest` up to `sep` (dropped). False when nothing is left: `rest->p` is then NULL. */
bool str_split(struct str *rest, char sep, struct str *ret_piece);
/** The next line without its "\n" or "\r\n". False at the end. */
bool str_line(struct str *rest, struct str *ret_line);
/** A whole decimal number, sign allowed. False (ret untouched) when it is not one or does not fit. */
bool str_int(struct str s, int64_t *ret);
bool str_real(struct str s, double *ret);
/** Edit distance in bytes (Levenshtein), capped at `max`+1; for did-you-mean. Strings over 64 bytes count as far apart. */
int str_distance(struct str a, struct str b, int max);

#endif

/* Time. Nothing that is computed depends on it: only display, run records, limits and deadlines do. */
#ifndef TAF_BASE_CLOCK_H
#define TAF_BASE_CLOCK_H

#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

int64_t clock_ms(void);      /* monotonic */
int64_t clock_us(void);      /* monotonic */
int64_t clock_wall_ms(void); /* since 1970, UTC */
/** "2026-11-21T18:44:36Z" of a wall time into `ret` (at least 21 bytes). */
void clock_iso(int64_t wall_ms, char *ret, size_t n);
void clock_sleep_ms(int64_t ms);
/** A span of time as people write it, in seconds: "90", "90s", "15m", "2h", "1d", "1h30m". False when it is none. */
bool clock_span(struct str s, int64_t *ret);

#endif

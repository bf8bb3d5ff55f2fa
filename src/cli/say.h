/* What the program says: results to standard output, errors and notes to standard error. Any thread. */
#ifndef TAF_CLI_SAY_H
#define TAF_CLI_SAY_H

#include "base/buf.h"

/** "taf: …" on standard error. Control characters (what a file or a server said) do not reach the terminal. */
void say_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/** "LEAD 'GOT'; did you mean 'X'?" as an error, or the list of what there is when nothing is near. */
void say_unknown(const char *lead, struct str got, struct str *known, size_t n);
/** A buffer to standard output, flushed. */
void say_out(const struct buf *b);
/** Text as a terminal may show it: control characters but newline, and those that turn the direction of writing, become U+FFFD, as
 * invalid bytes do; appended. */
void put_clean(struct buf *b, struct str text);
/** 1234567 → "1,234,567". */
void put_count(struct buf *b, int64_t n);
/** "1 call", "3,000 calls": the word gets an s. Appended. */
void put_many(struct buf *b, int64_t n, const char *word);
/** What questions took: "12 tokens in, 3 out", or of speech "80 characters"; appended. */
void put_taken(struct buf *b, bool speech, int64_t tokens_in, int64_t tokens_out);
/** Bytes for people: "812 B", "3.4 MB"; appended. */
void put_bytes(struct buf *b, int64_t n);
/** Seconds for people: "0.4 s", "12 s", "3:05", "1:02:03"; appended. */
void put_seconds(struct buf *b, double seconds);

#endif

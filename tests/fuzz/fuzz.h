/* Fuzz targets: tests/fuzz/fuzz_NAME.c feeds any bytes to one parser and holds what its header promises. Two programs come of each:
 *   make fuzz T=NAME SECS=60   clang's libFuzzer with AddressSanitizer and UndefinedBehaviorSanitizer looks for new inputs (tests/fuzz/run)
 *   make check                 gcc and replay.c: each file of tests/fuzz/corpus/NAME once; an input that found a bug stays there as regression-*
 * What a target finds wrong it says by ASSERT. One thread. */
#ifndef TAF_TESTS_FUZZ_H
#define TAF_TESTS_FUZZ_H

#include "base/err.h"
#include "base/str.h"

#include <stdint.h>

/** The target: always 0. It takes its bytes as they are, keeps nothing between calls that changes what it does, and frees what it allocates. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct str fuzz_str(const uint8_t *data, size_t size);
/** The path of a file with these bytes, in a folder of its own beside an a.jsonl and a b.json. Holds until the next call. */
const char *fuzz_file(const uint8_t *data, size_t size);
/** A path below the top of the sources; TAF_DATA is set to that top. Holds until the next call. */
const char *fuzz_data(const char *path);
/** What every failure must be: a code of `code` (0: of class data or config), the same in `e`, with words in UTF-8. */
void fuzz_failed(int rc, int code, const struct err *e);
/** UTF-8 without U+0000. */
void fuzz_text(struct str s);

#endif

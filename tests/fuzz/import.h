/* For the targets of import's readers: one file through a reader's recognises, lone_id and list; each listed item becomes a call through import's work,
 * and both hold what schemas/call.schema.json and core/stage.h promise. */
#ifndef TAF_TESTS_FUZZ_IMPORT_H
#define TAF_TESTS_FUZZ_IMPORT_H

#include "stages/import/import.h"
#include "tests/fuzz/fuzz.h"

/** Always 0. */
int fuzz_reader(const struct reader *reader, const uint8_t *data, size_t size);

#endif

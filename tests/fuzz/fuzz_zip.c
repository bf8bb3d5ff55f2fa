/* A zip file as `taf verify` reads it: each entry within the cap, or words about what is wrong with it. */
#include "base/alloc.h"
#include "io/zip.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

#define ENTRIES_MAX 64
#define ENTRY_MAX ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(zip_reader_cleanup) struct zip_reader *z = NULL;
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct err e = ERR_INIT;
	int r = zip_reader_open(fuzz_file(data, size), &z, &e);
	if (r) {
		ASSERT(z == NULL);
		fuzz_failed(r, 0, &e);
		return 0;
	}
	int64_t n = zip_reader_count(z);
	ASSERT(n >= 0);
	for (int64_t i = 0; i < n && i < ENTRIES_MAX; i++) {
		fuzz_text(str_of(zip_reader_name(z, i)));
		buf_clear(&text);
		buf_puts(&text, "kept");
		err_clear(&e);
		r = zip_reader_read(z, i, ENTRY_MAX, &text, &e);
		ASSERT(strncmp(text.data, "kept", 4) == 0 && text.data[text.len] == '\0');
		ASSERT(r ? text.len == 4 : text.len <= 4 + ENTRY_MAX);
		if (r)
			fuzz_failed(r, 0, &e);
	}
	err_clear(&e);
	fuzz_failed(zip_reader_read(z, n, ENTRY_MAX, &text, &e), ERR_NOTFOUND, &e);
	return 0;
}

/* io/zip: equal input gives equal bytes, local headers carry size and CRC, other programs read it, damage is told. */
#include "base/alloc.h"
#include "base/fs.h"
#include "io/zip.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[512];

static int set_up(void **state)
{
	(void)state;
	const char *tmp = getenv("TMPDIR");
	snprintf(folder, sizeof(folder), "%s/taf-zip.XXXXXX", tmp ? tmp : "/tmp");
	return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	return fs_remove_tree(folder, NULL);
}

static const char *path_of(const char *name)
{
	static char path[4][1024];
	static int turn;
	turn = (turn + 1) % 4;
	snprintf(path[turn], sizeof(path[turn]), "%s/%s", folder, name);
	return path[turn];
}

static void put(const char *name, const void *p, size_t n)
{
	struct err e = ERR_INIT;
	if (fs_write_atomic(path_of(name), p, n, 0644, &e) < 0)
		fail_msg("%s", e.text);
}

static void ok(int rc, const struct err *e)
{
	if (rc < 0)
		fail_msg("%d %s", rc, e->text);
}

/* Two stored files, one deflated file, deflated and stored bytes, an empty entry. */
static void make(const char *zip)
{
	struct err e = ERR_INIT;
	struct zip_writer *z = NULL;
	ok(zip_writer_open(path_of(zip), &z, &e), &e);
	ok(zip_writer_file(z, "audio/a.mp3", path_of("a.mp3"), &e), &e);
	ok(zip_writer_file(z, "audio/b.mp3", path_of("b.mp3"), &e), &e);
	ok(zip_writer_file_deflated(z, "lines.jsonl", path_of("lines.jsonl"), &e), &e);
	ok(zip_writer_bytes(z, "deflated.txt", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 39, true, &e), &e);
	char text[] = "bytes are copied";
	ok(zip_writer_bytes(z, "stored.txt", text, strlen(text), false, &e), &e);
	memset(text, 'x', strlen(text));
	ok(zip_writer_bytes(z, "empty", "", 0, false, &e), &e);
	ok(zip_writer_close(z, &e), &e);
}

static void make_sources(void)
{
	char bytes[5000];
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i * i / 7 + i);
	put("a.mp3", bytes, sizeof(bytes));
	put("b.mp3", bytes, 17);
	CLEANUP(buf_release) struct buf lines = BUF_INIT;
	for (int i = 0; i < 3000; i++)
		buf_printf(&lines, "{\"line\":%d,\"text\":\"喂，你好\"}\n", i);
	put("lines.jsonl", lines.data, lines.len);
}

static void read_file(const char *name, struct buf *ret)
{
	struct err e = ERR_INIT;
	ok(fs_read(path_of(name), BUF_DEFAULT_MAX, ret, &e), &e);
}

static void equal_input_equal_bytes(void **state)
{
	(void)state;
	make_sources();
	make("one.zip");
	/* Another time zone, another mode and time of the sources: nothing of these is in the file. */
	setenv("TZ", "Asia/Shanghai", 1);
	chmod(path_of("a.mp3"), 0600);
	put("b.mp3.copy", "x", 1);
	make_sources();
	make("two.zip");
	unsetenv("TZ");
	CLEANUP(buf_release) struct buf one = BUF_INIT;
	CLEANUP(buf_release) struct buf two = BUF_INIT;
	read_file("one.zip", &one);
	read_file("two.zip", &two);
	assert_int_equal(one.len, two.len);
	assert_memory_equal(one.data, two.data, one.len);
}

static uint32_t le(const char *p, int n)
{
	uint32_t v = 0;
	for (int i = n - 1; i >= 0; i--)
		v = v << 8 | (unsigned char)p[i];
	return v;
}

/* A reader that has only the front of the stream must find length and CRC there. */
static void local_headers_carry_sizes(void **state)
{
	(void)state;
	make_sources();
	make("local.zip");
	CLEANUP(buf_release) struct buf zip = BUF_INIT;
	read_file("local.zip", &zip);
	size_t at = 0;
	int entries = 0;
	while (at + 30 < zip.len && memcmp(zip.data + at, "PK\3\4", 4) == 0) {
		const char *h = zip.data + at;
		uint32_t flags = le(h + 6, 2), size = le(h + 18, 4), name = le(h + 26, 2), extra = le(h + 28, 2);
		assert_int_equal(flags & 8, 0); /* no data descriptor */
		assert_int_equal(extra, 0);     /* no times */
		assert_int_equal(le(h + 10, 2), 0);
		assert_int_equal(le(h + 12, 2), 0x21); /* 1980-01-01 */
		if (memcmp(h + 30, "audio/a.mp3", 11) == 0) {
			assert_int_equal(le(h + 8, 2), 0); /* stored */
			assert_int_equal(size, 5000);
			assert_int_equal(le(h + 22, 4), 5000);
			assert_int_not_equal(le(h + 14, 4), 0);
		}
		at += 30 + name + extra + size;
		entries++;
	}
	assert_int_equal(entries, 6);
	assert_memory_equal(zip.data + at, "PK\1\2", 4); /* then the directory: nothing between */
	assert_int_equal(le(zip.data + at + 38, 4), 0100644u << 16);
	assert_int_equal((unsigned char)zip.data[at + 5], 3); /* made by unix */
}

static void read_back(void **state)
{
	(void)state;
	make_sources();
	make("back.zip");
	struct err e = ERR_INIT;
	CLEANUP(zip_reader_cleanup) struct zip_reader *z = NULL;
	ok(zip_reader_open(path_of("back.zip"), &z, &e), &e);
	assert_int_equal(zip_reader_count(z), 6);
	assert_string_equal(zip_reader_name(z, 1), "audio/b.mp3");
	assert_string_equal(zip_reader_name(z, 99), "");
	CLEANUP(buf_release) struct buf got = BUF_INIT;
	CLEANUP(buf_release) struct buf want = BUF_INIT;
	ok(zip_reader_read(z, 2, 1 << 20, &got, &e), &e);
	read_file("lines.jsonl", &want);
	assert_int_equal(got.len, want.len);
	assert_memory_equal(got.data, want.data, want.len);
	buf_clear(&got);
	ok(zip_reader_read(z, 4, 1 << 20, &got, &e), &e);
	assert_string_equal(got.data, "bytes are copied");
	ok(zip_reader_read(z, 5, 0, &got, &e), &e); /* the empty one */
	assert_string_equal(got.data, "bytes are copied");
	assert_int_equal(zip_reader_read(z, 2, 100, &got, &e), ERR_TOOBIG);
	err_clear(&e);
	assert_int_equal(zip_reader_read(z, 6, 100, &got, &e), ERR_NOTFOUND);
}

static void damage_is_told(void **state)
{
	(void)state;
	make_sources();
	make("damaged.zip");
	CLEANUP(buf_release) struct buf zip = BUF_INIT;
	read_file("damaged.zip", &zip);
	zip.data[30 + 11 + 100] ^= 1; /* in audio/a.mp3 */
	put("damaged.zip", zip.data, zip.len);
	struct err e = ERR_INIT;
	struct zip_reader *z = NULL;
	ok(zip_reader_open(path_of("damaged.zip"), &z, &e), &e);
	CLEANUP(buf_release) struct buf got = BUF_INIT;
	buf_puts(&got, "kept");
	assert_int_equal(zip_reader_read(z, 0, 1 << 20, &got, &e), ERR_PARSE);
	assert_non_null(strstr(e.text, "damaged.zip: cannot read the entry "));
	assert_string_equal(got.data, "kept");
	zip_reader_free(z);

	err_clear(&e);
	put("cut.zip", zip.data, zip.len / 2);
	assert_int_equal(zip_reader_open(path_of("cut.zip"), &z, &e), ERR_PARSE);
	err_clear(&e);
	assert_int_equal(zip_reader_open(path_of("absent.zip"), &z, &e), ERR_NOTFOUND);
}

static void failures_leave_nothing(void **state)
{
	(void)state;
	make_sources();
	struct err e = ERR_INIT;
	struct zip_writer *z = NULL;
	/* A source that is gone when the zip is written. */
	put("gone.mp3", "x", 1);
	ok(zip_writer_open(path_of("fails.zip"), &z, &e), &e);
	ok(zip_writer_file(z, "audio/a.mp3", path_of("a.mp3"), &e), &e);
	ok(zip_writer_file(z, "gone", path_of("gone.mp3"), &e), &e);
	fs_remove(path_of("gone.mp3"), NULL);
	assert_true(zip_writer_close(z, &e) < 0);
	assert_non_null(strstr(e.text, "fails.zip"));
	/* An entry added twice, and one given up. */
	err_clear(&e);
	ok(zip_writer_open(path_of("fails.zip"), &z, &e), &e);
	ok(zip_writer_bytes(z, "twice", "1", 1, false, &e), &e);
	assert_int_equal(zip_writer_bytes(z, "twice", "2", 1, false, &e), ERR_DATA);
	zip_writer_abort(z);
	zip_writer_abort(NULL);
	struct fs_names names = {.v = NULL};
	err_clear(&e);
	ok(fs_list(folder, &names, &e), &e);
	for (size_t i = 0; i < names.n; i++)
		assert_null(strstr(names.v[i], "fails"));
	fs_names_free(&names);
	/* A folder that is not there. */
	ok(zip_writer_open(path_of("no/such/x.zip"), &z, &e), &e);
	ok(zip_writer_bytes(z, "a", "1", 1, false, &e), &e);
	assert_true(zip_writer_close(z, &e) < 0);
}

static void replaced_and_empty(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	struct zip_writer *z = NULL;
	make_sources();
	make("again.zip");
	ok(zip_writer_open(path_of("again.zip"), &z, &e), &e);
	ok(zip_writer_bytes(z, "only", "1", 1, false, &e), &e);
	ok(zip_writer_close(z, &e), &e);
	struct zip_reader *r = NULL;
	ok(zip_reader_open(path_of("again.zip"), &r, &e), &e);
	assert_int_equal(zip_reader_count(r), 1);
	zip_reader_free(r);
	ok(zip_writer_open(path_of("none.zip"), &z, &e), &e);
	ok(zip_writer_close(z, &e), &e);
	ok(zip_reader_open(path_of("none.zip"), &r, &e), &e);
	assert_int_equal(zip_reader_count(r), 0);
	zip_reader_free(r);
}

/* Runs a command by the shell of posix; its exit status. */
static int run(const char *command)
{
	CLEANUP(buf_release) struct buf said = BUF_INIT;
	FILE *p = popen(command, "r");
	assert_non_null(p);
	char line[512];
	while (fgets(line, sizeof(line), p))
		buf_puts(&said, line);
	int status = pclose(p);
	if (status != 0)
		print_error("%s\n", said.data);
	return status;
}

static const char stream_reader[] =
	"import struct,sys,zlib\n"
	"f=open(sys.argv[1],'rb'); n=0\n"
	"while True:\n"
	"  h=f.read(4)\n"
	"  if h!=b'PK\\x03\\x04': break\n"
	"  v,fl,m,t,d,crc,cs,us,nl,xl=struct.unpack('<HHHHHIIIHH',f.read(26))\n"
	"  name=f.read(nl); f.read(xl); data=f.read(cs)\n"
	"  raw=data if m==0 else zlib.decompress(data,-15)\n"
	"  assert len(raw)==us and zlib.crc32(raw)==crc,name\n"
	"  n+=1\n"
	"assert n==6,n\n"
	"import zipfile\n"
	"z=zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None and len(z.namelist())==6\n"
	"assert z.getinfo('audio/a.mp3').compress_type==0 and z.getinfo('lines.jsonl').compress_type==8\n"
	"assert all(i.date_time==(1980,1,1,0,0,0) for i in z.infolist())\n";

static void others_read_it(void **state)
{
	(void)state;
	make_sources();
	make("others.zip");
	put("stream.py", stream_reader, sizeof(stream_reader) - 1);
	char command[4096];
	if (run("command -v unzip >/dev/null") == 0) {
		snprintf(command, sizeof(command), "unzip -tqq '%s' 2>&1", path_of("others.zip"));
		assert_int_equal(run(command), 0);
	} else {
		printf("skipped: no unzip\n");
	}
	if (run("command -v python3 >/dev/null") == 0) {
		snprintf(command, sizeof(command), "python3 '%s' '%s' 2>&1", path_of("stream.py"), path_of("others.zip"));
		assert_int_equal(run(command), 0);
	} else {
		printf("skipped: no python3\n");
	}
}

struct lines {
	size_t n, bytes;
	int fail_at; /* line that is not taken; 0: none */
};

static int take_line(void *arg, struct str line, struct err *e)
{
	struct lines *l = arg;
	l->n++;
	l->bytes += line.n;
	return (int)l->n == l->fail_at ? err_set(e, ERR_DATA, "no more") : 0;
}

/* Entries larger than what is read at a time, lines over its ends, the last one without an end, a cap, damage. */
static void line_by_line(void **state)
{
	(void)state;
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct zip_writer *w = NULL;
	struct zip_reader *z = NULL;
	struct err e = ERR_INIT;
	for (int i = 0; i < 30000; i++)
		buf_printf(&text, "%d %.*s\n", i, i % 97,
			"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz");
	buf_puts(&text, "the end");
	assert_int_equal(zip_writer_open(path_of("lines.zip"), &w, &e), 0);
	assert_int_equal(zip_writer_bytes(w, "x", "", 0, false, &e), 0);
	assert_int_equal(zip_writer_bytes(w, "lines", text.data, text.len, false, &e), 0);
	assert_int_equal(zip_writer_close(w, &e), 0);
	assert_int_equal(zip_reader_open(path_of("lines.zip"), &z, &e), 0);
	int64_t at = zip_reader_find(z, "lines");
	assert_int_equal(at, 1);
	assert_int_equal(zip_reader_find(z, "line"), -1);
	struct lines l = {.n = 0};
	assert_int_equal(zip_reader_lines(z, at, &(struct zip_lines){200, take_line, &l}, &e), 0);
	assert_int_equal(l.n, 30001);
	assert_int_equal(l.bytes, text.len - 30000);
	l = (struct lines){.fail_at = 5};
	assert_int_equal(zip_reader_lines(z, at, &(struct zip_lines){200, take_line, &l}, &e), ERR_DATA);
	assert_int_equal(l.n, 5);
	err_clear(&e);
	assert_int_equal(zip_reader_lines(z, at, &(struct zip_lines){50, take_line, &l}, &e), ERR_TOOBIG);
	l = (struct lines){.n = 0};
	assert_int_equal(zip_reader_lines(z, 0, &(struct zip_lines){50, take_line, &l}, NULL), 0);
	assert_int_equal(l.n, 0);
	assert_int_equal(zip_reader_lines(z, 7, &(struct zip_lines){50, take_line, &l}, NULL), ERR_NOTFOUND);
	zip_reader_free(z);
	/* A changed byte is told at the end, by the CRC. */
	CLEANUP(buf_release) struct buf bytes = BUF_INIT;
	assert_int_equal(fs_read(path_of("lines.zip"), 16 << 20, &bytes, NULL), 0);
	bytes.data[bytes.len / 2] ^= 1;
	assert_int_equal(fs_write_atomic(path_of("lines.zip"), bytes.data, bytes.len, 0644, NULL), 0);
	assert_int_equal(zip_reader_open(path_of("lines.zip"), &z, &e), 0);
	assert_int_equal(zip_reader_lines(z, at, &(struct zip_lines){200, take_line, &l}, NULL), ERR_PARSE);
	zip_reader_free(z);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(line_by_line),
		cmocka_unit_test(equal_input_equal_bytes),
		cmocka_unit_test(local_headers_carry_sizes),
		cmocka_unit_test(read_back),
		cmocka_unit_test(damage_is_told),
		cmocka_unit_test(failures_leave_nothing),
		cmocka_unit_test(replaced_and_empty),
		cmocka_unit_test(others_read_it),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}

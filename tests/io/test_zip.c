/* io/zip: equal input gives equal bytes, local headers carry size and CRC, other programs read it, damage is told. */
#include "base/alloc.h"
#include "base/fs.h"
#include "io/zip.h"
#include "tests/io/zipkit.h"

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

static const struct zip_limits small = {.entries = 8, .each = 4 << 20, .total = 6 << 20, .ratio = 100};

/* Ends the kit and opens what it made; 0 or the code. */
static int open_kit(
	struct zipkit *kit, const struct zipkit_lie *lie, struct buf *bytes, struct zip_reader **ret, struct err *e)
{
	buf_clear(bytes);
	zipkit_end(kit, lie, bytes);
	err_clear(e);
	return zip_reader_open_bytes(buf_view(bytes), "the reply", &small, ret, e);
}

static void from_memory(void **state)
{
	(void)state;
	struct zipkit kit = ZIPKIT_INIT;
	CLEANUP(buf_release) struct buf bytes = BUF_INIT;
	CLEANUP(buf_release) struct buf got = BUF_INIT;
	CLEANUP(zip_reader_cleanup) struct zip_reader *z = NULL;
	struct err e = ERR_INIT;
	zipkit_add(&kit, "0.mp3", STR("dummy"), NULL);
	zipkit_add(&kit, "1.mp3", STR("dummy"), NULL);
	zipkit_add(&kit, "0.mp3", STR("the sound"), NULL);
	zipkit_add(&kit, "说.mp3", STR("sizes behind it"), &(struct zipkit_lie){.flags = 8});
	ok(open_kit(&kit, NULL, &bytes, &z, &e), &e);
	assert_int_equal(zip_reader_count(z), 4);
	assert_string_equal(zip_reader_name(z, 2), "0.mp3");
	ok(zip_reader_read(z, 0, 100, &got, &e), &e);
	ok(zip_reader_read(z, 2, 100, &got, &e), &e);
	ok(zip_reader_read(z, 3, 100, &got, &e), &e);
	assert_string_equal(got.data, "dummythe soundsizes behind it");
}

static void memory_is_no_zip(void **state)
{
	(void)state;
	struct zipkit kit = ZIPKIT_INIT;
	CLEANUP(buf_release) struct buf bytes = BUF_INIT;
	CLEANUP(zip_reader_cleanup) struct zip_reader *z = NULL;
	struct err e = ERR_INIT;
	static const char *const none[] = {"", "PK", "<html>no</html>", "{\"detail\":\"no\"}"};
	for (size_t i = 0; i < COUNT_OF(none); i++) {
		err_clear(&e);
		assert_int_equal(zip_reader_open_bytes(str_of(none[i]), "the reply", &small, &z, &e), ERR_PARSE);
		assert_non_null(strstr(e.text, "the reply: cannot read it as a zip"));
	}
	zipkit_add(&kit, "0.mp3", STR("a sound of some bytes"), NULL);
	zipkit_end(&kit, NULL, &bytes);
	for (size_t n = 0; n < bytes.len; n++) {
		err_clear(&e);
		assert_int_equal(zip_reader_open_bytes(str_n(bytes.data, n), "the reply", &small, &z, &e), ERR_PARSE);
	}
	ok(zip_reader_open_bytes(buf_view(&bytes), "the reply", &small, &z, &e), &e);
}

static void names_are_no_paths(void **state)
{
	(void)state;
	static const char *const bad[] = {"../x.mp3", "/tmp/x.mp3", "..\\x.mp3", "C:\\x.mp3", "C:x.mp3", "a/0.mp3", "a/",
		"..", ".", "", "0\n.mp3", "0\x7f.mp3"};
	CLEANUP(buf_release) struct buf bytes = BUF_INIT;
	struct err e = ERR_INIT;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct zipkit kit = ZIPKIT_INIT;
		struct zip_reader *z = NULL;
		zipkit_add(&kit, "0.mp3", STR("sound"), NULL);
		zipkit_add(&kit, bad[i], STR("sound"), NULL);
		int rc = open_kit(&kit, NULL, &bytes, &z, &e);
		if (rc != ERR_DATA)
			fail_msg("%s: %d %s", bad[i], rc, e.text);
		assert_non_null(strstr(e.text, "entry 1 has a path"));
		assert_null(z);
	}
}

static void bombs_are_not_opened(void **state)
{
	(void)state;
	struct zipkit kit = ZIPKIT_INIT;
	CLEANUP(buf_release) struct buf bytes = BUF_INIT;
	CLEANUP(buf_release) struct buf zeros = BUF_INIT;
	struct zip_reader *z = NULL;
	struct err e = ERR_INIT;
	/* One that states too much, many that do together, too many, more than there are. */
	zipkit_add(&kit, "0.mp3", STR("x"), &(struct zipkit_lie){.size = 0xfffffff0, .method = 8});
	assert_int_equal(open_kit(&kit, NULL, &bytes, &z, &e), ERR_TOOBIG);
	assert_non_null(strstr(e.text, "0.mp3 unpacks to 4294967280 bytes, over 4194304"));
	buf_reserve(&zeros, 3 << 20);
	zeros.len = 3 << 20;
	for (int i = 0; i < 3; i++)
		zipkit_add(&kit, "0.mp3", buf_view(&zeros), NULL);
	assert_int_equal(open_kit(&kit, NULL, &bytes, &z, &e), ERR_TOOBIG);
	assert_non_null(strstr(e.text, "unpacks to over 6291456 bytes"));
	for (int i = 0; i < 9; i++)
		zipkit_add(&kit, "0.mp3", STR("x"), NULL);
	assert_int_equal(open_kit(&kit, NULL, &bytes, &z, &e), ERR_TOOBIG);
	assert_non_null(strstr(e.text, "has 9 entries"));
	zipkit_add(&kit, "0.mp3", STR("x"), NULL);
	assert_int_equal(open_kit(&kit, &(struct zipkit_lie){.count = 60000}, &bytes, &z, &e), ERR_TOOBIG);
	/* Fewer stated than there are: their directory is too long. */
	for (int i = 0; i < 1000; i++)
		zipkit_add(&kit, "0.mp3", STR("x"), NULL);
	assert_int_equal(open_kit(&kit, &(struct zipkit_lie){.count = 1u - 1000u}, &bytes, &z, &e), ERR_TOOBIG);
	/* By the ratio: 3 MiB of zeros, deflated. */
	struct zip_writer *w = NULL;
	ok(zip_writer_open(path_of("bomb.zip"), &w, &e), &e);
	ok(zip_writer_bytes(w, "0.mp3", zeros.data, zeros.len, true, &e), &e);
	ok(zip_writer_close(w, &e), &e);
	buf_clear(&bytes);
	read_file("bomb.zip", &bytes);
	err_clear(&e);
	assert_int_equal(zip_reader_open_bytes(buf_view(&bytes), "the reply", &small, &z, &e), ERR_TOOBIG);
	assert_non_null(strstr(e.text, "0.mp3 unpacks to 3145728 bytes from 3"));
	assert_null(z);
}

/* What only reading an entry shows: it costs that entry alone. */
static void lies_are_told(void **state)
{
	(void)state;
	struct zipkit kit = ZIPKIT_INIT;
	CLEANUP(buf_release) struct buf bytes = BUF_INIT;
	CLEANUP(buf_release) struct buf got = BUF_INIT;
	CLEANUP(zip_reader_cleanup) struct zip_reader *z = NULL;
	struct err e = ERR_INIT;
	zipkit_add(&kit, "0.mp3", STR("a sound"), &(struct zipkit_lie){.crc = true});
	zipkit_add(&kit, "1.mp3", STR("a sound of some length"), &(struct zipkit_lie){.flags = 1});
	zipkit_add(&kit, "2.mp3", STR("no deflated bytes"), &(struct zipkit_lie){.method = 8, .size = 100});
	zipkit_add(&kit, "3.mp3", STR("well"), NULL);
	ok(open_kit(&kit, NULL, &bytes, &z, &e), &e);
	for (int i = 0; i < 3; i++) {
		err_clear(&e);
		assert_int_equal(zip_reader_read(z, i, 1000, &got, &e), ERR_PARSE);
		assert_int_equal(got.len, 0);
	}
	err_clear(&e);
	ok(zip_reader_read(z, 3, 1000, &got, &e), &e);
	assert_string_equal(got.data, "well");
	/* A method that is not read: all of it. */
	zip_reader_cleanup(&z);
	zipkit_add(&kit, "0.mp3", STR("x"), &(struct zipkit_lie){.method = 12});
	assert_int_equal(open_kit(&kit, NULL, &bytes, &z, &e), ERR_DATA);
	assert_non_null(strstr(e.text, "method 12"));
}

/* An entry that unpacks to more than it states is read no further. */
static void more_than_stated(void **state)
{
	(void)state;
	CLEANUP(buf_release) struct buf zeros = BUF_INIT;
	CLEANUP(buf_release) struct buf bytes = BUF_INIT;
	CLEANUP(buf_release) struct buf got = BUF_INIT;
	CLEANUP(zip_reader_cleanup) struct zip_reader *z = NULL;
	struct zip_writer *w = NULL;
	struct err e = ERR_INIT;
	buf_reserve(&zeros, 3 << 20);
	ok(zip_writer_open(path_of("liar.zip"), &w, &e), &e);
	ok(zip_writer_bytes(w, "0.mp3", zeros.data, 3 << 20, true, &e), &e);
	ok(zip_writer_close(w, &e), &e);
	read_file("liar.zip", &bytes);
	char *central = bytes.data + bytes.len - 22 - 46 - 5;
	memcpy(central + 24, "\10\0\0", 4);    /* 8 bytes, in the directory */
	memcpy(bytes.data + 22, "\10\0\0", 4); /* and in front of the entry */
	ok(zip_reader_open_bytes(buf_view(&bytes), "the reply", &small, &z, &e), &e);
	assert_int_equal(zip_reader_read(z, 0, 1000, &got, &e), ERR_PARSE);
	assert_non_null(strstr(e.text, "has not the 8 bytes it states"));
	assert_int_equal(got.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(from_memory),
		cmocka_unit_test(memory_is_no_zip),
		cmocka_unit_test(names_are_no_paths),
		cmocka_unit_test(bombs_are_not_opened),
		cmocka_unit_test(lies_are_told),
		cmocka_unit_test(more_than_stated),
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

#include "io/zip.h"

#include "base/alloc.h"
#include "base/fs.h"
#include "base/stop.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>
#include <zip.h>

/* What every entry carries instead of the time and the mode of its source. */
#define ZIP_DOS_DATE ((1980 - 1980) << 9 | 1 << 5 | 1)
#define ZIP_DOS_TIME 0
#define ZIP_ATTRIBUTES ((zip_uint32_t)0100644 << 16)

#define ZIP_NAME_MAX 1024
#define ZIP_PLAIN_NAME_MAX 255
#define ZIP_DIRECTORY_MAX 2048 /* bytes of the directory for an entry of a zip of unknown origin */
#define ZIP_END_SIZE 22       /* of the end record without its comment; offsets in it are those of APPNOTE.TXT 4.3.16 */
#define ZIP64_LOCATOR_SIZE 20 /* APPNOTE.TXT 4.3.15; stands before the end record */
#define ZIP_CHUNK ((size_t)64 << 10) /* bytes read at a time */

struct zip_writer {
	zip_t *zip;
	char *path;
};
struct zip_reader {
	zip_t *zip;
	char *path;
};

/* EXISTS: two entries of one name. */
static const int zip_data_kinds[] = {ZIP_ER_NOZIP, ZIP_ER_INCONS, ZIP_ER_EXISTS, ZIP_ER_CRC, ZIP_ER_EOF, ZIP_ER_ZLIB,
	ZIP_ER_COMPRESSED_DATA, ZIP_ER_COMPNOTSUPP, ZIP_ER_ENCRNOTSUPP, ZIP_ER_OPNOTSUPP, ZIP_ER_MULTIDISK, ZIP_ER_NOPASSWD,
	ZIP_ER_WRONGPASSWD};

/* A zip states where its parts are; the system refuses to seek to places that no file has. */
static bool zip_bad_place(int kind, int system)
{
	return kind == ZIP_ER_SEEK && (system == EFBIG || system == EINVAL || system == EOVERFLOW);
}

/* Files and buffers that fail belong to the machine; what is wrong inside a zip that is read belongs to the data. */
static int zip_fail(struct err *e, zip_error_t *error, const char *path, const char *what)
{
	int kind = zip_error_code_zip(error);
	if (zip_error_system_type(error) == ZIP_ET_SYS && zip_error_code_system(error) != 0) {
		errno = zip_error_code_system(error);
		if (zip_bad_place(kind, errno))
			return err_set(e, ERR_PARSE, "%s: cannot %s: it names a place outside of the file", path, what);
		return err_errno(e, "%s: cannot %s", path, what);
	}
	int code = kind == ZIP_ER_NOENT ? ERR_NOTFOUND : kind == ZIP_ER_CANCELLED ? ERR_STOPPED : ERR_IO;
	for (size_t i = 0; i < COUNT_OF(zip_data_kinds); i++)
		if (kind == zip_data_kinds[i])
			code = ERR_PARSE;
	return err_set(e, code, "%s: cannot %s: %s", path, what, zip_error_strerror(error));
}

static int zip_fail_entry(struct err *e, zip_error_t *error, const char *path, const char *verb, const char *name)
{
	CLEANUP(buf_release) struct buf what = BUF_INIT;
	buf_printf(&what, "%s the entry %s", verb, name);
	return zip_fail(e, error, path, what.data);
}

static int zip_fail_open(struct err *e, int code, const char *path)
{
	int system = errno;
	zip_error_t error;
	zip_error_init_with_code(&error, code);
	if (zip_bad_place(code, system)) {
		zip_error_fini(&error);
		return err_set(e, ERR_PARSE, "%s: cannot open the zip: it names a place outside of the file", path);
	}
	if (code == ZIP_ER_OPEN || code == ZIP_ER_NOENT || code == ZIP_ER_READ || code == ZIP_ER_SEEK) {
		zip_error_fini(&error);
		errno = code == ZIP_ER_NOENT ? ENOENT : system;
		return err_errno(e, "%s: cannot open the zip", path);
	}
	int rc = zip_fail(e, &error, path, "open the zip");
	zip_error_fini(&error);
	return rc;
}

/* --- Writing --- */

static int zip_cancelled(zip_t *zip, void *arg)
{
	(void)zip;
	(void)arg;
	return stop_level() == STOP_DROP;
}

int zip_writer_open(const char *path, struct zip_writer **ret, struct err *e)
{
	/* libzip takes an empty archive for nothing to write and an existing one for something to keep. */
	int rc = fs_remove(path, e);
	if (rc < 0)
		return rc;
	int code = 0;
	zip_t *zip = zip_open(path, ZIP_CREATE | ZIP_EXCL, &code);
	if (!zip)
		return zip_fail_open(e, code, path);
	if (zip_register_cancel_callback_with_state(zip, zip_cancelled, NULL, NULL) < 0) {
		rc = zip_fail(e, zip_get_error(zip), path, "begin the zip");
		zip_discard(zip);
		return rc;
	}
	struct zip_writer *z = xcalloc(1, sizeof(*z));
	z->zip = zip;
	z->path = xstrdup(path);
	*ret = z;
	return 0;
}

/* Takes over the source. */
static int writer_add(struct zip_writer *z, const char *name, zip_source_t *source, bool deflate, struct err *e)
{
	if (!source)
		return zip_fail(e, zip_get_error(z->zip), z->path, "add an entry");
	zip_int64_t index = strlen(name) > ZIP_NAME_MAX ? -1 : zip_file_add(z->zip, name, source, ZIP_FL_ENC_UTF_8);
	if (index < 0) {
		zip_source_free(source);
		if (strlen(name) > ZIP_NAME_MAX)
			return err_set(e, ERR_TOOBIG, "%s: the name of an entry is over %d bytes", z->path, ZIP_NAME_MAX);
		if (zip_error_code_zip(zip_get_error(z->zip)) == ZIP_ER_EXISTS)
			return err_set(e, ERR_DATA, "%s: %s is added twice", z->path, name);
		return zip_fail_entry(e, zip_get_error(z->zip), z->path, "add", name);
	}
	zip_uint64_t at = (zip_uint64_t)index;
	if (zip_set_file_compression(z->zip, at, deflate ? ZIP_CM_DEFLATE : ZIP_CM_STORE, deflate ? 9 : 0) < 0 ||
		zip_file_set_dostime(z->zip, at, ZIP_DOS_TIME, ZIP_DOS_DATE, 0) < 0 ||
		zip_file_set_external_attributes(z->zip, at, 0, ZIP_OPSYS_UNIX, ZIP_ATTRIBUTES) < 0)
		return zip_fail_entry(e, zip_get_error(z->zip), z->path, "add", name);
	return 0;
}

int zip_writer_file(struct zip_writer *z, const char *name, const char *path, struct err *e)
{
	return writer_add(z, name, zip_source_file(z->zip, path, 0, -1), false, e);
}

int zip_writer_part(struct zip_writer *z, const char *name, const struct zip_part *part, struct err *e)
{
	zip_source_t *source = zip_source_file(z->zip, part->path, (zip_uint64_t)part->from, part->length);
	return writer_add(z, name, source, true, e);
}

int zip_writer_file_deflated(struct zip_writer *z, const char *name, const char *path, struct err *e)
{
	return writer_add(z, name, zip_source_file(z->zip, path, 0, -1), true, e);
}

int zip_writer_bytes(struct zip_writer *z, const char *name, const void *p, size_t n, bool deflate, struct err *e)
{
	/* libzip does not free an empty buffer. */
	char *copy = n ? memcpy(xmalloc(n), p, n) : NULL;
	zip_source_t *source = zip_source_buffer(z->zip, copy, n, 1);
	if (!source)
		free_ptr(&copy);
	return writer_add(z, name, source, deflate, e);
}

/* The smallest zip: an end record and nothing before it. libzip writes no file for an archive without entries. */
static int zip_write_empty(const char *path, struct err *e)
{
	static const char end[22] = {'P', 'K', 5, 6};
	return fs_write_atomic(path, end, sizeof(end), 0644, e);
}

static int zip_sync(const char *path, struct err *e)
{
	CLEANUP(fs_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(e, "%s: cannot open it to sync", path);
	if (fsync(fd) < 0)
		return err_errno(e, "%s: cannot sync", path);
	CLEANUP(buf_release) struct buf folder = BUF_INIT;
	fs_dirname(&folder, path);
	return fs_sync_dir(folder.data, e);
}

static void zip_writer_free(struct zip_writer *z)
{
	free_ptr(&z->path);
	free_ptr(&z);
}

int zip_writer_close(struct zip_writer *z, struct err *e)
{
	int rc = 0;
	if (zip_get_num_entries(z->zip, 0) == 0) {
		zip_discard(z->zip);
		rc = zip_write_empty(z->path, e);
	} else if (zip_close(z->zip) < 0) {
		rc = zip_fail(e, zip_get_error(z->zip), z->path, "write the zip");
		zip_discard(z->zip);
	} else {
		rc = zip_sync(z->path, e);
	}
	if (rc < 0)
		fs_remove(z->path, NULL);
	zip_writer_free(z);
	return rc;
}

void zip_writer_abort(struct zip_writer *z)
{
	if (!z)
		return;
	zip_discard(z->zip);
	zip_writer_free(z);
}

void zip_writer_cleanup(struct zip_writer **z)
{
	zip_writer_abort(*z);
	*z = NULL;
}

/* --- Reading --- */

int zip_reader_open(const char *path, struct zip_reader **ret, struct err *e)
{
	int code = 0;
	errno = 0;
	zip_t *zip = zip_open(path, ZIP_RDONLY | ZIP_CHECKCONS, &code);
	if (!zip)
		return zip_fail_open(e, code, path);
	struct zip_reader *z = xcalloc(1, sizeof(*z));
	z->zip = zip;
	z->path = xstrdup(path);
	*ret = z;
	return 0;
}

static unsigned le16(const char *p)
{
	return (unsigned char)p[0] | (unsigned)(unsigned char)p[1] << 8;
}

static uint64_t le32(const char *p)
{
	return le16(p) | (uint64_t)le16(p + 2) << 16;
}

/* libzip makes room for as many entries as an end record states, and for more when the directory is long, before anybody can ask it. Any of several end
 * records may be the one that it takes: each whose directory and comment lie within the bytes is looked at. */
static int check_directory(struct str zip, const char *what, int64_t entries, struct err *e)
{
	if (zip.n < ZIP_END_SIZE)
		return err_set(e, ERR_PARSE, "%s: cannot read it as a zip: it has %zu bytes", what, zip.n);
	size_t from = zip.n > ZIP_END_SIZE + UINT16_MAX ? zip.n - ZIP_END_SIZE - UINT16_MAX : 0;
	for (size_t at = from; at + ZIP_END_SIZE <= zip.n; at++) {
		const char *end = zip.p + at;
		if (memcmp(end, "PK\5\6", 4) != 0 || at + ZIP_END_SIZE + le16(end + 20) > zip.n)
			continue;
		if (at >= ZIP64_LOCATOR_SIZE && memcmp(end - ZIP64_LOCATOR_SIZE, "PK\6\7", 4) == 0)
			return err_set(e, ERR_TOOBIG, "%s: is a zip64, which nothing of its size needs", what);
		uint64_t size = le32(end + 12);
		if (size + le32(end + 16) > at)
			continue;
		if (le16(end + 10) > entries || size > (uint64_t)entries * ZIP_DIRECTORY_MAX)
			return err_set(e, ERR_TOOBIG, "%s: has %u entries (%llu bytes of them), over %lld", what, le16(end + 10),
				(unsigned long long)size, (long long)entries);
	}
	return 0;
}

static bool plain_name(const char *name)
{
	if (!name[0] || strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strlen(name) > ZIP_PLAIN_NAME_MAX)
		return false;
	for (const char *c = name; *c; c++)
		if (strchr("/\\:", *c) || (unsigned char)*c < ' ' || *c == 0x7f)
			return false;
	return true;
}

static int check_entry(struct zip_reader *z, zip_uint64_t i, const struct zip_limits *l, uint64_t *total, struct err *e)
{
	const char *name = zip_get_name(z->zip, i, ZIP_FL_ENC_RAW);
	zip_stat_t st;
	zip_stat_init(&st);
	if (zip_stat_index(z->zip, i, 0, &st) < 0)
		return zip_fail(e, zip_get_error(z->zip), z->path, "read the directory");
	if (!name || !plain_name(name))
		return err_set(e, ERR_DATA, "%s: entry %llu has a path or other bytes in its name that no plain file has",
			z->path, (unsigned long long)i);
	if (!(st.valid & ZIP_STAT_SIZE) || !(st.valid & ZIP_STAT_COMP_SIZE) || st.size > l->each)
		return err_set(e, ERR_TOOBIG, "%s: %s unpacks to %llu bytes, over %llu", z->path, name,
			(unsigned long long)st.size, (unsigned long long)l->each);
	*total += st.size; /* each is far below 2^63, and so are they all */
	if (*total > l->total)
		return err_set(e, ERR_TOOBIG, "%s: unpacks to over %llu bytes", z->path, (unsigned long long)l->total);
	if (st.size > ZIP_RATIO_FROM && st.size / l->ratio > st.comp_size)
		return err_set(e, ERR_TOOBIG, "%s: %s unpacks to %llu bytes from %llu", z->path, name,
			(unsigned long long)st.size, (unsigned long long)st.comp_size);
	if ((st.valid & ZIP_STAT_COMP_METHOD) && st.comp_method != ZIP_CM_STORE && st.comp_method != ZIP_CM_DEFLATE)
		return err_set(e, ERR_DATA, "%s: %s is packed by method %d; 0 (stored) and 8 (deflated) are read", z->path,
			name, st.comp_method);
	return 0;
}

int zip_reader_open_bytes(
	struct str bytes, const char *what, const struct zip_limits *limits, struct zip_reader **ret, struct err *e)
{
	zip_error_t error;
	uint64_t total = 0;
	ASSERT(limits->entries < UINT16_MAX && limits->each < UINT32_MAX);
	int rc = check_directory(bytes, what, limits->entries, e);
	if (rc < 0)
		return rc;
	zip_error_init(&error);
	zip_source_t *source = zip_source_buffer_create(bytes.p, bytes.n, 0, &error);
	/* Not ZIP_CHECKCONS: it refuses a name that stands there twice. */
	zip_t *zip = source ? zip_open_from_source(source, ZIP_RDONLY, &error) : NULL;
	if (!zip) {
		rc = zip_fail(e, &error, what, "read it as a zip");
		zip_source_free(source);
		zip_error_fini(&error);
		return rc;
	}
	zip_error_fini(&error);
	CLEANUP(zip_reader_cleanup) struct zip_reader *z = xcalloc(1, sizeof(*z));
	z->zip = zip;
	z->path = xstrdup(what);
	int64_t n = zip_reader_count(z);
	if (n > limits->entries)
		return err_set(e, ERR_TOOBIG, "%s: has %lld entries, over %lld", what, (long long)n, (long long)limits->entries);
	for (int64_t i = 0; i < n && rc == 0; i++)
		rc = check_entry(z, (zip_uint64_t)i, limits, &total, e);
	if (rc == 0)
		*ret = TAKE(z);
	return rc;
}

int64_t zip_reader_count(struct zip_reader *z)
{
	return zip_get_num_entries(z->zip, 0);
}

const char *zip_reader_name(struct zip_reader *z, int64_t index)
{
	const char *name = index < 0 ? NULL : zip_get_name(z->zip, (zip_uint64_t)index, ZIP_FL_ENC_GUESS);
	return name ? name : "";
}

static void zip_file_cleanup(zip_file_t **file)
{
	if (*file)
		zip_fclose(*file);
}

int zip_reader_read(struct zip_reader *z, int64_t index, size_t max, struct buf *ret, struct err *e)
{
	const char *name = zip_reader_name(z, index);
	zip_stat_t st;
	zip_stat_init(&st);
	if (index < 0 || zip_stat_index(z->zip, (zip_uint64_t)index, 0, &st) < 0)
		return err_set(e, ERR_NOTFOUND, "%s: has no entry %lld", z->path, (long long)index);
	if (!(st.valid & ZIP_STAT_SIZE) || st.size > max)
		return err_set(e, ERR_TOOBIG, "%s: %s has %llu bytes, over %zu", z->path, name, (unsigned long long)st.size, max);
	CLEANUP(zip_file_cleanup) zip_file_t *file = zip_fopen_index(z->zip, (zip_uint64_t)index, 0);
	if (!file)
		return zip_fail_entry(e, zip_get_error(z->zip), z->path, "read", name);
	char *to = buf_reserve(ret, (size_t)st.size);
	if (!to)
		return err_set(e, ERR_TOOBIG, "%s: %s does not fit its buffer", z->path, name);
	/* Read on to the end: there libzip checks the CRC. */
	size_t got = 0;
	while (got <= st.size) {
		char extra;
		zip_int64_t n = got < st.size ? zip_fread(file, to + got, st.size - got) : zip_fread(file, &extra, 1);
		if (n < 0) {
			*to = '\0';
			return zip_fail_entry(e, zip_file_get_error(file), z->path, "read", name);
		}
		if (n == 0)
			break;
		got += (size_t)n;
	}
	if (got != st.size) {
		*to = '\0';
		return err_set(
			e, ERR_PARSE, "%s: %s has not the %llu bytes it states", z->path, name, (unsigned long long)st.size);
	}
	ret->len += got;
	ret->data[ret->len] = '\0';
	return 0;
}

int64_t zip_reader_find(struct zip_reader *z, const char *name)
{
	return zip_name_locate(z->zip, name, ZIP_FL_ENC_GUESS);
}

/* The whole lines of `held`; what is left of a line stays for the next bytes. */
static int take_lines(struct buf *held, const struct zip_lines *lines, struct err *e)
{
	size_t from = 0;
	const char *end;
	while ((end = memchr(held->data + from, '\n', held->len - from)) != NULL) {
		size_t n = (size_t)(end - held->data) - from;
		int rc = n > lines->max ? err_set(e, ERR_TOOBIG, "a line of %zu bytes, over %zu", n, lines->max)
								: lines->take(lines->arg, str_n(held->data + from, n), e);
		if (rc < 0)
			return rc;
		from += n + 1;
	}
	memmove(held->data, held->data + from, held->len - from);
	buf_truncate(held, held->len - from);
	return held->len > lines->max ? err_set(e, ERR_TOOBIG, "a line of over %zu bytes", lines->max) : 0;
}

int zip_reader_lines(struct zip_reader *z, int64_t index, const struct zip_lines *lines, struct err *e)
{
	const char *name = zip_reader_name(z, index);
	CLEANUP(buf_release) struct buf held = BUF_INIT_MAX(lines->max + ZIP_CHUNK);
	if (index < 0 || index >= zip_reader_count(z))
		return err_set(e, ERR_NOTFOUND, "%s: has no entry %lld", z->path, (long long)index);
	CLEANUP(zip_file_cleanup) zip_file_t *file = zip_fopen_index(z->zip, (zip_uint64_t)index, 0);
	if (!file)
		return zip_fail_entry(e, zip_get_error(z->zip), z->path, "read", name);
	for (;;) {
		char *to = buf_reserve(&held, ZIP_CHUNK);
		zip_int64_t n = to ? zip_fread(file, to, ZIP_CHUNK) : 0;
		if (n < 0)
			return zip_fail_entry(e, zip_file_get_error(file), z->path, "read", name);
		if (n == 0)
			break;
		held.len += (size_t)n;
		int rc = take_lines(&held, lines, e);
		if (rc < 0)
			return err_context(e, "%s: %s", z->path, name);
	}
	return held.len ? lines->take(lines->arg, buf_view(&held), e) : 0;
}

void zip_reader_free(struct zip_reader *z)
{
	if (!z)
		return;
	zip_discard(z->zip);
	free_ptr(&z->path);
	free_ptr(&z);
}

void zip_reader_cleanup(struct zip_reader **z)
{
	zip_reader_free(*z);
	*z = NULL;
}

/* taf verify: a release, file by file and call by call; or the objects of a work folder. Changes nothing. */
#include "base/alloc.h"
#include "base/fs.h"
#include "base/map.h"
#include "cli/commands.h"
#include "cli/folder.h"
#include "cli/say.h"
#include "cli/verify_parts.h"
#include "core/engine.h"
#include "core/objects.h"

#include <stdio.h>
#include <string.h>

struct verify_options {
	struct where where;
	bool objects, json;
};

#define AT(field) offsetof(struct verify_options, field)
static const struct cli_option options[] = {
	{0, "objects", CLI_FLAG, AT(objects), NULL, 0, 0, "check every object of the work folder instead: length and digest"},
	WORK_OPTIONS(struct verify_options),
	{0, "json", CLI_FLAG, AT(json), NULL, 0, 0, "print JSON"},
};

void verify_bad(struct verify *v, const char *fmt, ...)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	va_list ap;
	v->nbad++;
	if (json_count(v->bad) >= VERIFY_SHOWN)
		return;
	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	json_append(v->bad, json_str(&v->arena, buf_view(&b)));
}

/* --- Objects --- */

struct object_walk {
	struct verify *v;
	const char *folder;
	struct map known; /* names of this folder's objects */
};

static int check_object(void *arg, const struct digest *d, int64_t size)
{
	struct object_walk *w = arg;
	struct verify *v = w->v;
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	struct digest got;
	int64_t length = objects_size(w->folder, d);
	struct err e = ERR_INIT;
	char hex[DIGEST_HEX + 1];
	digest_hex(d, hex);
	map_put(&w->known, str_of(hex + 2), NULL);
	objects_path(&path, w->folder, d);
	v->files++;
	if (length < 0)
		verify_bad(v, "%s is missing; the next taf run makes it again", path.data);
	else if (length != size)
		verify_bad(v, "%s has %lld bytes, not %lld; remove it and the next taf run makes it again", path.data,
			(long long)length, (long long)size);
	else if (digest_file(path.data, &got, &length, &e) < 0)
		verify_bad(v, "%s", e.text);
	else if (!digest_equal(d, &got))
		verify_bad(v, "%s is damaged; remove it and the next taf run makes it again", path.data);
	else
		v->bytes += length;
	return 0;
}

static void count_orphans(struct object_walk *w, int folder)
{
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	struct fs_names names = {NULL, 0};
	buf_printf(&path, "%s/%02x", w->folder, (unsigned)folder);
	if (fs_list(path.data, &names, NULL) < 0)
		return;
	for (size_t i = 0; i < names.n; i++)
		w->v->orphans += !map_find(&w->known, str_of(names.v[i]));
	fs_names_free(&names);
}

static int verify_objects(struct verify *v, const char *work, struct err *e)
{
	CLEANUP(store_cleanup) struct store *store = NULL;
	CLEANUP(buf_release) struct buf folder = BUF_INIT;
	fs_join(&folder, work, "objects");
	int rc = folder_open(work, &store, e);
	for (int i = 0; rc == 0 && i < OBJECT_FOLDERS; i++) {
		struct object_walk w = {.v = v, .folder = folder.data, .known = MAP_INIT};
		rc = store_objects(store, i, check_object, &w, e);
		count_orphans(&w, i);
		map_release(&w.known);
	}
	return rc;
}

/* --- The command --- */

static void report_json(struct verify *v, bool objects)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	struct json *out = json_object(&v->arena);
	json_set(&v->arena, out, "ok", json_bool(&v->arena, v->nbad == 0));
	json_set_int(&v->arena, out, objects ? "objects" : "files", v->files);
	json_set_int(&v->arena, out, "bytes", v->bytes);
	if (objects)
		json_set_int(&v->arena, out, "orphans", v->orphans);
	else
		json_set_int(&v->arena, out, "calls", v->calls);
	json_set_int(&v->arena, out, "bad", v->nbad);
	json_set(&v->arena, out, "problems", v->bad);
	if (json_count(v->notes))
		json_set(&v->arena, out, "notes", v->notes);
	json_write(&b, out);
	buf_putc(&b, '\n');
	say_out(&b);
}

static void report(struct verify *v, bool objects)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	JSON_EACH(text, v->bad)
		say_error("%.*s", STR_FMT(text->u.s));
	if (v->nbad > VERIFY_SHOWN)
		say_error("… and %lld more", (long long)(v->nbad - VERIFY_SHOWN));
	JSON_EACH(note, v->notes)
		buf_printf(&b, "note: %.*s\n", STR_FMT(note->u.s));
	buf_puts(&b, v->nbad ? "not whole: " : "OK: ");
	put_count(&b, v->files);
	buf_puts(&b, objects ? " objects, " : " files, ");
	put_bytes(&b, v->bytes);
	if (!objects) {
		buf_puts(&b, ", ");
		put_count(&b, v->calls);
		buf_puts(&b, " calls");
	}
	if (v->nbad)
		buf_printf(&b, ", %lld wrong", (long long)v->nbad);
	if (v->orphans)
		buf_printf(
			&b, "; %lld files belong to no result (left by killed runs; taf gc removes them)", (long long)v->orphans);
	buf_putc(&b, '\n');
	say_out(&b);
}

static int verify(const struct cli_given *given)
{
	const struct verify_options *o = given->opts;
	CLEANUP(buf_release) struct buf work = BUF_INIT;
	struct verify v = {.arena = ARENA_INIT};
	struct err e = ERR_INIT;
	if (o->objects == (given->nargs == 1)) {
		say_error("verify: name the folder of a release (often work/release), or give --objects");
		return EXIT_BAD_CONFIG;
	}
	v.bad = json_array(&v.arena);
	v.notes = json_array(&v.arena);
	where_work(&o->where, &work);
	int rc = o->objects ? verify_objects(&v, work.data, &e) : verify_release(&v, given->args[0], &e);
	if (rc < 0)
		say_error("%s", e.text);
	else if (o->json)
		report_json(&v, o->objects);
	else
		report(&v, o->objects);
	int status = rc < 0 || v.nbad ? EXIT_ERROR : EXIT_DONE;
	arena_release(&v.arena);
	return status;
}

const struct cli_command command_verify = {
	.name = "verify",
	.usage = "DIR | --objects [options]",
	.help = "check a release from its bytes alone, or with --objects all sounds of the work folder",
	.about = "Of a release: checksums, every entry of the zips, MP3 frames against the manifest, training and "
			 "benchmark rows against splits and "
			 "labels, families on one side of the split, no prompt twice, counts and cards against stats.json. Each "
			 "problem names file, entry "
			 "and line. Exit status 1 when anything is not as it should be.",
	.example = "taf verify work/release",
	.options = options,
	.noptions = COUNT_OF(options),
	.size = sizeof(struct verify_options),
	.max_args = 1,
	.run = verify,
};

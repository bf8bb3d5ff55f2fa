/* timelines.zip: who says what and when, a file of JSON a call, in the form of TeleAntiFraud's own tools:
 * {"audio_segments": [{"role", "content", "start_time": "mm:ss.mmm", "end_time", "seconds"}]}. Minutes go on beyond 59. */
#include "stages/release/release.h"

#include "base/alloc.h"
#include "base/fs.h"
#include "io/zip.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SPOOL ".timelines.jsonl"

#define MS_MAX ((int64_t)1000 * 3600 * 1000) /* nonsense beyond it */

static int64_t time_of(const struct json *segment, const char *key)
{
	int64_t ms = json_get_int(segment, key, 0);
	return ms < 0 ? 0 : ms > MS_MAX ? MS_MAX : ms;
}

static void set_time(struct arena *a, struct json *to, const char *key, int64_t ms)
{
	json_set_text(a, to, key,
		arena_printf(
			a, "%02lld:%02lld.%03lld", (long long)(ms / 60000), (long long)(ms / 1000 % 60), (long long)(ms % 1000)));
}

struct json *release_timeline(struct arena *a, const struct json *call)
{
	struct json *out = json_object(a), *list = json_array(a);
	const struct json *turns = json_get(call, "turns");
	JSON_EACH(segment, json_path(call, "audio.segments")) {
		int64_t turn = json_get_int(segment, "turn", -1), from = time_of(segment, "start_ms"),
				to = time_of(segment, "end_ms");
		struct json *row = json_object(a);
		json_set_str(a, row, "role", json_get_str(segment, "role"));
		json_set_str(a, row, "content", turn >= 0 ? turn_text(json_at(turns, (size_t)turn)) : STR(""));
		set_time(a, row, "start_time", from);
		set_time(a, row, "end_time", to);
		json_set(a, row, "seconds", json_real(a, (double)(to - from) / 1000));
		json_append(list, row);
	}
	json_set(a, out, "audio_segments", list);
	return out;
}

int release_timelines_open(struct release_timelines *t, const char *folder, struct err *e)
{
	return release_lines_open(&t->lines, folder, SPOOL, e);
}

int release_timelines_add(
	struct release_timelines *t, struct arena *a, const char *name, const struct json *call, struct err *e)
{
	GROW(t->parts, t->n, t->cap);
	struct release_part *part = &t->parts[t->n++];
	snprintf(part->name, sizeof part->name, "%s", name);
	int rc = release_lines_add(&t->lines, release_timeline(a, call), e);
	part->end = t->lines.bytes;
	return rc;
}

/** The spool becomes the entries of the zip, and is gone then. */
int release_timelines_pack(struct release_timelines *t, const char *folder, struct err *e)
{
	CLEANUP(buf_release) struct buf zip = BUF_INIT;
	CLEANUP(buf_release) struct buf spool = BUF_INIT;
	CLEANUP(zip_writer_cleanup) struct zip_writer *z = NULL;
	fs_join(&zip, folder, "timelines.zip");
	fs_join(&spool, folder, SPOOL);
	int rc = release_lines_close(&t->lines, e);
	if (rc == 0)
		rc = zip_writer_open(zip.data, &z, e);
	for (size_t i = 0; rc == 0 && i < t->n; i++) {
		char entry[sizeof("timelines/.json") + RELEASE_NAME_HEX];
		int64_t from = i ? t->parts[i - 1].end : 0;
		snprintf(entry, sizeof entry, "timelines/%s.json", t->parts[i].name);
		rc = zip_writer_part(z, entry, &(struct zip_part){spool.data, from, t->parts[i].end - from}, e);
	}
	if (rc == 0)
		rc = zip_writer_close(TAKE(z), e);
	return rc < 0 ? rc : fs_remove(spool.data, e);
}

void release_timelines_free(struct release_timelines *t)
{
	release_lines_free(&t->lines);
	free(t->parts);
}

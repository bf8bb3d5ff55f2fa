#include "base/alloc.h"
#include "base/fs.h"
#include "core/call.h"
#include "stages/release/release.h"

#include <fcntl.h>
#include <unistd.h>

struct str release_label(const struct json *call)
{
	return json_get_bool(json_get(call, "label"), "is_fraud", false) ? STR("fraud") : STR("normal");
}

static void copy_member(struct arena *a, struct json *to, const struct json *from, const char *key)
{
	const struct json *v = json_get(from, key);
	if (v && v->kind != JSON_NULL)
		json_set(a, to, key, json_copy(a, v));
}

struct json *release_manifest_row(struct arena *a, const char *name, struct str id, const struct json *call, int64_t bytes)
{
	static const char *const members[] = {"source", "split", "parents", "scenario", "initiator", "termination"};
	static const char *const sound[] = {
		"duration_ms", "sample_rate", "channels", "loudness_mlufs", "true_peak_mdbtp", "segments"};
	static const char *const labels[] = {"fraud_type", "scene", "scene_origin"};
	const struct json *audio = json_get(call, "audio"), *label = json_get(call, "label");
	struct json *row = json_object(a);
	json_set_str(a, row, "id", id);
	json_set_text(a, row, "name", name);
	json_set_text(a, row, "audio", arena_printf(a, "audio/%s.mp3", name));
	json_set_str(a, row, "label", release_label(call));
	json_set_str(a, row, "sha256", json_get_str(audio, "object"));
	json_set_int(a, row, "bytes", bytes);
	json_set_int(a, row, "turns", (int64_t)json_count(json_get(call, "turns")));
	for (size_t i = 0; i < COUNT_OF(members); i++)
		copy_member(a, row, call, members[i]);
	for (size_t i = 0; i < COUNT_OF(sound); i++)
		copy_member(a, row, audio, sound[i]);
	for (size_t i = 0; i < COUNT_OF(labels); i++)
		copy_member(a, row, label, labels[i]);
	return row;
}

struct json *release_classification_row(struct arena *a, const char *name, const struct json *call)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	JSON_EACH(turn, json_get(call, "turns")) {
		if (text.len)
			buf_putc(&text, '\n');
		buf_str(&text, turn_role(turn));
		buf_puts(&text, "：");
		buf_str(&text, turn_text(turn));
	}
	struct json *row = json_object(a);
	json_set_text(a, row, "audio", arena_printf(a, "audio/%s.mp3", name));
	json_set_str(a, row, "label", release_label(call));
	json_set_str(a, row, "text", buf_view(&text));
	return row;
}

/* --- Lines --- */

#define LINES_FLUSH ((size_t)1 << 20)

int release_lines_open(struct release_lines *l, const char *folder, const char *name, struct err *e)
{
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	fs_join(&path, folder, name);
	int fd = open(path.data, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_errno(e, "cannot write %s", path.data);
	l->fd = fd;
	l->path = buf_take(&path);
	return 0;
}

static int lines_flush(struct release_lines *l, struct err *e)
{
	if (buf_error(&l->text))
		return err_set(e, ERR_TOOBIG, "%s: a row over 64 MiB", l->path);
	int rc = fs_write_all(l->fd, l->text.data, l->text.len, l->path, e);
	buf_clear(&l->text);
	return rc;
}

int release_lines_add(struct release_lines *l, const struct json *row, struct err *e)
{
	json_write(&l->text, row);
	buf_putc(&l->text, '\n');
	return l->text.len < LINES_FLUSH && !buf_error(&l->text) ? 0 : lines_flush(l, e);
}

int release_lines_close(struct release_lines *l, struct err *e)
{
	int rc = lines_flush(l, e);
	if (rc == 0 && fsync(l->fd) < 0)
		rc = err_errno(e, "cannot sync %s", l->path);
	fs_close(&l->fd);
	return rc;
}

void release_lines_free(struct release_lines *l)
{
	fs_close(&l->fd);
	free_ptr(&l->path);
	buf_release(&l->text);
}

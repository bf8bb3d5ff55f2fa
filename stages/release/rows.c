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

struct str release_split(const struct json *call)
{
	struct str split = json_get_str(call, "split");
	return split.n ? split : STR("train");
}

struct str release_scene(const struct json *call, struct str *ret_origin)
{
	const struct json *label = json_get(call, "label");
	struct str scene = json_get_str(label, "scene");
	*ret_origin = json_get_str(label, "scene_origin");
	if (scene.n || release_rounds_of(call) <= 0)
		return scene;
	*ret_origin = STR("model");
	return release_answer(call, RELEASE_SCENE);
}

static void copy_member(struct arena *a, struct json *to, const struct json *from, const char *key)
{
	const struct json *v = json_get(from, key);
	if (v && v->kind != JSON_NULL)
		json_set(a, to, key, json_copy(a, v));
}

static void set_unless_empty(struct arena *a, struct json *to, const char *key, struct str v)
{
	if (v.n)
		json_set_str(a, to, key, v);
}

/* How many surrogates of each kind stand in the texts. */
static void surrogates(struct arena *a, struct json *row, const struct json *call)
{
	const struct json *replaced = json_get(json_get(call, "privacy"), "replaced");
	if (!json_is(replaced, JSON_ARRAY))
		return;
	struct json *counts = json_object(a);
	JSON_EACH(one, replaced) {
		struct str kind = json_get_str(one, "kind");
		const struct json *had = json_get_key(counts, kind);
		if (kind.n)
			json_set_key(a, counts, kind, json_int(a, had ? had->u.i + 1 : 1));
	}
	json_set(a, row, "surrogates", counts);
}

struct json *release_manifest_row(struct arena *a, const char *name, struct str id, const struct json *call, int64_t bytes)
{
	static const char *const members[] = {
		"source", "split", "group", "parents", "scenario", "enhancement", "initiator", "termination", "acoustics"};
	static const char *const sound[] = {
		"duration_ms", "sample_rate", "channels", "loudness_mlufs", "true_peak_mdbtp", "segments"};
	const struct json *audio = json_get(call, "audio"), *label = json_get(call, "label");
	const struct json *annotations = json_get(call, "annotations");
	struct str origin, scene = release_scene(call, &origin);
	struct json *row = json_object(a);
	json_set_str(a, row, "id", id);
	json_set_text(a, row, "name", name);
	json_set_text(a, row, "audio", arena_printf(a, "audio/%s.mp3", name));
	json_set_str(a, row, "label", release_label(call));
	copy_member(a, row, label, "fraud_type");
	set_unless_empty(a, row, "scene", scene);
	set_unless_empty(a, row, "scene_origin", origin);
	json_set_str(a, row, "sha256", json_get_str(audio, "object"));
	json_set_int(a, row, "bytes", bytes);
	json_set_int(a, row, "turns", (int64_t)json_count(json_get(call, "turns")));
	for (size_t i = 0; i < COUNT_OF(members); i++)
		copy_member(a, row, call, members[i]);
	for (size_t i = 0; i < COUNT_OF(sound); i++)
		copy_member(a, row, audio, sound[i]);
	surrogates(a, row, call);
	if (json_is(annotations, JSON_OBJECT)) {
		struct json *by = json_object(a);
		copy_member(a, by, annotations, "writer");
		copy_member(a, by, annotations, "hears");
		json_set_int(a, by, "rounds", release_rounds_of(call) > 0 ? release_rounds_of(call) : 0);
		json_set(a, row, "annotated", by);
	}
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
	if (l->list)
		buf_putc(&l->text, '[');
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
	size_t had = l->text.len;
	if (l->list)
		buf_puts(&l->text, l->rows ? ",\n" : "\n");
	json_write(&l->text, row);
	if (!l->list)
		buf_putc(&l->text, '\n');
	l->rows++;
	l->bytes += (int64_t)(l->text.len - had);
	return l->text.len < LINES_FLUSH && !buf_error(&l->text) ? 0 : lines_flush(l, e);
}

int release_lines_close(struct release_lines *l, struct err *e)
{
	if (l->list)
		buf_puts(&l->text, "\n]\n");
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

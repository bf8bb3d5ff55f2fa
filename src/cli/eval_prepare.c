/* taf eval prepare: the questions of a benchmark as request files, and the key to score the answers by. */
#include "base/alloc.h"
#include "base/fs.h"
#include "cli/commands.h"
#include "cli/eval.h"
#include "cli/say.h"
#include "core/engine.h"

#include <string.h>

#define TEXT_MAX ((size_t)2 << 30)

struct prepare_options {
	const char *form, *out, *audio, *model;
};

#define AT(field) offsetof(struct prepare_options, field)
static const struct cli_option options[] = {
	{0, "form", CLI_TEXT, AT(form), "FORM", 0,
		0, "openai (default): chat messages with audio_url parts; swift: messages with <audio> and audios, as ms-swift infers"},
	{'o', "out", CLI_TEXT, AT(out), "OUT", 0, 0, "the folder to write; it must be new or empty"},
	{0, "audio", CLI_TEXT, AT(audio), "PREFIX", 0, 0,
		"put before the path of each sound, as file:///data/ (audio.zip unpacked there) or a server's address"},
	{0, "model", CLI_TEXT, AT(model), "MODEL", 0, 0,
		"openai: lines as the batch runners of model servers read them, asking this model"},
};

struct prepare {
	const struct prepare_options *o;
	bool swift;
	struct buf tasks[EVAL_TASKS], key;
	int64_t items[EVAL_TASKS];
};

static void prepare_release(struct prepare *p)
{
	for (int i = 0; i < EVAL_TASKS; i++)
		buf_release(&p->tasks[i]);
	buf_release(&p->key);
}

static struct str sound_path(struct arena *a, const struct prepare *p, const struct eval_item *item)
{
	return str_of(arena_printf(a, "%s%.*s", p->o->audio ? p->o->audio : "", STR_FMT(item->audio)));
}

/* --- The forms --- */

static struct json *swift_row(
	struct arena *a, const struct prepare *p, const struct eval_item *item, const struct json *prompt)
{
	struct json *row = json_object(a), *audios = json_array(a);
	if (item->audio.n)
		json_append(audios, json_str(a, sound_path(a, p, item)));
	json_set(a, row, "audios", audios);
	json_set_str(a, row, "id", item->id);
	json_set(a, row, "messages", eval_swift_messages(a, prompt, item->audio));
	return row;
}

static struct json *audio_part(struct arena *a, struct str url)
{
	struct json *part = json_object(a), *at = json_object(a);
	json_set_str(a, at, "url", url);
	json_set_text(a, part, "type", "audio_url");
	json_set(a, part, "audio_url", at);
	return part;
}

static struct json *text_part(struct arena *a, struct str text)
{
	struct json *part = json_object(a);
	json_set_text(a, part, "type", "text");
	json_set_str(a, part, "text", text);
	return part;
}

/* The message that holds the sound becomes a list of parts: the sound, then the text. */
static struct json *openai_messages(
	struct arena *a, const struct prepare *p, const struct eval_item *item, const struct json *prompt)
{
	const struct str tag = STR("<audio>");
	struct json *out = eval_swift_messages(a, prompt, item->audio);
	for (struct json *m = json_first(out); item->audio.n && m; m = m->next) {
		struct str text = json_get_str(m, "content");
		ptrdiff_t at = str_find(text, tag);
		if (at < 0)
			continue;
		CLEANUP(buf_release) struct buf rest = BUF_INIT;
		struct json *parts = json_array(a);
		buf_add(&rest, text.p, (size_t)at);
		buf_add(&rest, text.p + at + tag.n, text.n - (size_t)at - tag.n);
		json_append(parts, audio_part(a, sound_path(a, p, item)));
		json_append(parts, text_part(a, buf_view(&rest)));
		json_set(a, m, "content", parts);
		break;
	}
	return out;
}

static struct json *openai_row(
	struct arena *a, const struct prepare *p, const struct eval_item *item, const struct json *prompt)
{
	struct json *row = json_object(a), *messages = openai_messages(a, p, item, prompt);
	if (!p->o->model) {
		json_set_str(a, row, "id", item->id);
		json_set_str(a, row, "audio", sound_path(a, p, item));
		json_set(a, row, "messages", messages);
		return row;
	}
	struct json *body = json_object(a);
	json_set_text(a, body, "model", p->o->model);
	json_set(a, body, "messages", messages);
	json_set_str(a, row, "custom_id", item->id);
	json_set_text(a, row, "method", "POST");
	json_set_text(a, row, "url", "/v1/chat/completions");
	json_set(a, row, "body", body);
	return row;
}

/* --- The key --- */

static void set_digest(struct arena *a, struct json *row, const char *key, const struct digest *d)
{
	char hex[DIGEST_HEX + 1];
	digest_hex(d, hex);
	json_set_text(a, row, key, hex);
}

static struct json *key_row(struct arena *a, const struct eval_item *item, const struct json *from)
{
	struct json *row = json_object(a), *strata = json_object(a);
	json_set_str(a, row, "id", item->id);
	json_set_text(a, row, "task", eval_task_names[item->task]);
	json_set(a, row, "answer", json_copy(a, json_get(from, "answer")));
	json_set_str(a, row, "audio", item->audio);
	set_digest(a, row, "prompt_sha256", &item->prompt);
	set_digest(a, row, "swift_sha256", &item->swift);
	for (int i = 0; i < EVAL_STRATA; i++)
		if (item->strata[i].n)
			json_set_str(a, strata, eval_strata[i], item->strata[i]);
	json_set(a, row, "strata", strata);
	return row;
}

static int take_item(void *arg, const struct eval_item *item, const struct json *row, struct err *e)
{
	struct prepare *p = arg;
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	const struct json *prompt = json_get(row, "prompt");
	struct buf *out = &p->tasks[item->task];
	json_write(out, p->swift ? swift_row(&a, p, item, prompt) : openai_row(&a, p, item, prompt));
	buf_putc(out, '\n');
	json_write(&p->key, key_row(&a, item, row));
	buf_putc(&p->key, '\n');
	p->items[item->task]++;
	if (buf_error(out) || buf_error(&p->key))
		return err_set(e, ERR_TOOBIG, "the questions of a task are over %zu bytes", TEXT_MAX);
	return 0;
}

/* --- Writing --- */

static int prepare_folder(const char *folder, struct err *e)
{
	struct fs_names names = {NULL, 0};
	int rc = fs_mkdirs(folder, e);
	if (rc == 0)
		rc = fs_list(folder, &names, e);
	if (rc == 0 && names.n)
		rc = err_set(e, ERR_REFUSED, "%s is not empty (%s …): name a new folder with -o", folder, names.v[0]);
	fs_names_free(&names);
	return rc;
}

static int write_file(struct buf *said, const char *folder, const char *name, const struct buf *text, struct err *e)
{
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	buf_printf(&path, "%s/%s.jsonl", folder, name);
	int rc = fs_write_atomic(path.data, text->data, text->len, 0644, e);
	if (rc == 0)
		buf_printf(said, "  %s  ", path.data);
	return rc;
}

static int write_all(const struct prepare *p, struct buf *said, struct err *e)
{
	int rc = prepare_folder(p->o->out, e);
	for (int i = 0; rc == 0 && i < EVAL_TASKS; i++) {
		if (!p->items[i])
			continue;
		rc = write_file(said, p->o->out, eval_task_names[i], &p->tasks[i], e);
		put_many(said, p->items[i], "question");
		buf_putc(said, '\n');
	}
	if (rc == 0)
		rc = write_file(said, p->o->out, "key", &p->key, e);
	buf_puts(said, "the answers: keep it from the model\n");
	return rc;
}

static bool usage(struct prepare *p, const char *bench)
{
	const struct prepare_options *o = p->o;
	p->swift = o->form && strcmp(o->form, "swift") == 0;
	if (o->form && !p->swift && strcmp(o->form, "openai") != 0)
		say_error("eval prepare: --form is openai or swift, not '%s'", o->form);
	else if (!o->out)
		say_error("eval prepare: say where to: taf eval prepare %s -o FOLDER", bench);
	else if (p->swift && o->model)
		say_error("eval prepare: --model is of --form openai; ms-swift is told its model by itself");
	else
		return true;
	return false;
}

static int prepare(const struct cli_given *given)
{
	CLEANUP(prepare_release) struct prepare p = {.o = given->opts};
	CLEANUP(eval_bench_release) struct eval_bench bench = {.arena = ARENA_INIT};
	CLEANUP(buf_release) struct buf said = BUF_INIT;
	struct err e = ERR_INIT;
	if (!usage(&p, given->args[0]))
		return EXIT_BAD_CONFIG;
	for (int i = 0; i < EVAL_TASKS; i++)
		buf_init(&p.tasks[i], TEXT_MAX);
	buf_init(&p.key, TEXT_MAX);
	int rc = eval_bench_read(&bench, given->args[0], take_item, &p, &e);
	if (rc == 0 && p.key.len == 0)
		rc = err_set(&e, ERR_DATA, "%s has no prompts: it is the key of another taf eval prepare", given->args[0]);
	if (rc == 0)
		rc = write_all(&p, &said, &e);
	if (rc < 0) {
		say_error("%s", e.text);
		return EXIT_ERROR;
	}
	buf_printf(&said, "then: taf eval metrics --bench %s PREDICTIONS\n", p.o->out);
	say_out(&said);
	return EXIT_DONE;
}

const struct cli_command command_eval_prepare = {
	.name = "eval prepare",
	.usage = "BENCH -o OUT [options]",
	.help = "write the questions of a bench for a model, and the key to score by",
	.about = "BENCH is a release folder, its bench.zip or one of its lists. OUT gets a JSONL of requests for each task "
			 "(id, messages,\n"
			 "sound; no answers) and key.jsonl. Keep the id in what the model's rows become; eval metrics joins on it.",
	.example = "taf eval prepare work/release --form swift --audio /data/ -o questions",
	.options = options,
	.noptions = COUNT_OF(options),
	.size = sizeof(struct prepare_options),
	.min_args = 1,
	.max_args = 1,
	.run = prepare,
};

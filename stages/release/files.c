/* The release's files as such: their digests, and croissant.json, which describes them to machines (MLCommons Croissant 1.0,
 * docs.mlcommons.org/croissant/docs/croissant-spec.html: the JSON-LD context is the one it asks for). */
#include "base/alloc.h"
#include "base/fs.h"
#include "stages/release/release.h"

#include <stdlib.h>
#include <string.h>

int release_files_read(const char *folder, struct release_files *ret, struct err *e)
{
	CLEANUP(fs_names_free) struct fs_names names = {.v = NULL};
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	CLEANUP(release_files_free) struct release_files files = {.v = NULL};
	int rc = fs_files(folder, &names, e);
	files.v = xcalloc(names.n + 1, sizeof(*files.v));
	for (size_t i = 0; rc == 0 && i < names.n; i++) {
		struct release_file *f = &files.v[files.n++];
		struct digest d;
		f->name = xstrdup(names.v[i]);
		fs_join(&path, folder, f->name);
		rc = digest_file(path.data, &d, &f->size, e);
		if (rc == 0)
			digest_hex(&d, f->sha256);
	}
	if (rc < 0)
		return rc;
	*ret = files;
	files = (struct release_files){.v = NULL};
	return 0;
}

void release_files_free(struct release_files *f)
{
	for (size_t i = 0; i < f->n; i++)
		free_ptr(&f->v[i].name);
	free_ptr(&f->v);
	f->n = 0;
}

/* --- Croissant --- */

static const char context[] =
	"{\"@language\":\"en\",\"@vocab\":\"https://schema.org/\",\"citeAs\":\"cr:citeAs\",\"column\":\"cr:column\","
	"\"conformsTo\":\"dct:conformsTo\",\"cr\":\"http://mlcommons.org/croissant/\","
	"\"rai\":\"http://mlcommons.org/croissant/RAI/\",\"data\":{\"@id\":\"cr:data\",\"@type\":\"@json\"},"
	"\"dataType\":{\"@id\":\"cr:dataType\",\"@type\":\"@vocab\"},\"dct\":\"http://purl.org/dc/terms/"
	"\",\"equivalentProperty\":\"cr:equivalentProperty\","
	"\"examples\":{\"@id\":\"cr:examples\",\"@type\":\"@json\"},\"extract\":\"cr:extract\",\"field\":\"cr:field\","
	"\"fileProperty\":\"cr:fileProperty\",\"fileObject\":\"cr:fileObject\",\"fileSet\":\"cr:fileSet\","
	"\"format\":\"cr:format\",\"includes\":\"cr:includes\",\"isLiveDataset\":\"cr:isLiveDataset\","
	"\"jsonPath\":\"cr:jsonPath\",\"key\":\"cr:key\",\"md5\":\"cr:md5\",\"parentField\":\"cr:parentField\","
	"\"path\":\"cr:path\",\"recordSet\":\"cr:recordSet\",\"references\":\"cr:references\",\"regex\":\"cr:regex\","
	"\"repeated\":\"cr:repeated\",\"replace\":\"cr:replace\",\"samplingRate\":\"cr:samplingRate\",\"sc\":\"https://"
	"schema.org/\","
	"\"separator\":\"cr:separator\",\"source\":\"cr:source\",\"subField\":\"cr:subField\",\"transform\":\"cr:"
	"transform\"}";

/* Files that stand by themselves; those inside a zip, made of lines or of a list. */
static const struct {
	const char *name, *type, *about;
} objects[] = {
	{"audio.zip", "application/zip", "The sound of each call, an MP3."},
	{"bench.zip", "application/zip", "The benchmark: a JSON list for each task, of the calls of the test split."},
	{"binary_classification.zip", "application/zip", "A line a call: sound, fraud or normal, words."},
	{"manifest.jsonl", "application/jsonlines", "A line a call: where it comes from, its file, what is known of it."},
	{"sft.zip", "application/zip", "Training and test conversations of three questions with reasoned answers."},
	{"timelines.zip", "application/zip", "A JSON file a call: who says what and when."},
};
static const struct {
	const char *zip, *name, *type;
} inner[] = {
	{"binary_classification.zip", "binary_classification.jsonl", "application/jsonlines"},
	{"sft.zip", "train.jsonl", "application/jsonlines"},
	{"sft.zip", "test.jsonl", "application/jsonlines"},
	{"bench.zip", "scene.json", "application/json"},
	{"bench.zip", "fraud.json", "application/json"},
	{"bench.zip", "fraud_type.json", "application/json"},
};
/* Columns of a set of records. `list`: the file is one JSON list. */
static const struct {
	const char *set, *file, *column, *type, *about;
	bool list;
} columns[] = {
	{"calls", "manifest.jsonl", "id", "sc:Text", "Where the call comes from.", false},
	{"calls", "manifest.jsonl", "name", "sc:Text", "Of the file, drawn from the id.", false},
	{"calls", "manifest.jsonl", "audio", "sc:Text", "Path inside audio.zip.", false},
	{"calls", "manifest.jsonl", "label", "sc:Text", "fraud or normal.", false},
	{"calls", "manifest.jsonl", "source", "sc:Text", "asr, published, enhanced or synthetic.", false},
	{"calls", "manifest.jsonl", "sha256", "sc:Text", "Of the sound.", false},
	{"calls", "manifest.jsonl", "bytes", "sc:Integer", "Of the sound.", false},
	{"calls", "manifest.jsonl", "turns", "sc:Integer", "Spoken turns.", false},
	{"calls", "manifest.jsonl", "duration_ms", "sc:Integer", "Milliseconds.", false},
	{"classification", "binary_classification.jsonl", "audio", "sc:Text", "Path inside audio.zip.", false},
	{"classification", "binary_classification.jsonl", "label", "sc:Text", "fraud or normal.", false},
	{"classification", "binary_classification.jsonl", "text", "sc:Text", "The words, a line a turn.", false},
	{"bench_scene", "scene.json", "response", "sc:Text", "The reference answer, JSON.", true},
	{"bench_scene", "scene.json", "reasoning", "sc:Text", "The reference reasoning.", true},
	{"bench_scene", "scene.json", "answer", "sc:Text", "The true scene.", true},
	{"bench_fraud", "fraud.json", "response", "sc:Text", "The reference answer, JSON.", true},
	{"bench_fraud", "fraud.json", "reasoning", "sc:Text", "The reference reasoning.", true},
	{"bench_fraud", "fraud.json", "answer", "sc:Text", "fraud or normal.", true},
	{"bench_fraud_type", "fraud_type.json", "response", "sc:Text", "The reference answer, JSON.", true},
	{"bench_fraud_type", "fraud_type.json", "reasoning", "sc:Text", "The reference reasoning.", true},
	{"bench_fraud_type", "fraud_type.json", "answer", "sc:Text", "The true fraud type.", true},
};

static const struct release_file *file_of(const struct release_files *f, const char *name)
{
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->v[i].name, name) == 0)
			return &f->v[i];
	return NULL;
}

/* The standing file that holds `name`, itself or a zip; NULL when the release has none. */
static const char *holder(const struct release_files *f, const char *name)
{
	for (size_t i = 0; i < COUNT_OF(inner); i++)
		if (strcmp(inner[i].name, name) == 0)
			return file_of(f, inner[i].zip) ? inner[i].zip : NULL;
	return file_of(f, name) ? name : NULL;
}

static struct json *node(struct arena *a, const char *type, const char *id)
{
	struct json *o = json_object(a);
	json_set_text(a, o, "@type", type);
	json_set_text(a, o, "@id", id);
	json_set_text(a, o, "name", id);
	return o;
}

static struct json *reference(struct arena *a, const char *id)
{
	struct json *o = json_object(a);
	json_set_text(a, o, "@id", id);
	return o;
}

static struct json *distribution(struct arena *a, const struct release_files *f)
{
	struct json *list = json_array(a);
	for (size_t i = 0; i < COUNT_OF(objects); i++) {
		const struct release_file *file = file_of(f, objects[i].name);
		if (!file)
			continue;
		struct json *o = node(a, "cr:FileObject", file->name);
		json_set_text(a, o, "description", objects[i].about);
		json_set_text(a, o, "contentUrl", file->name);
		json_set_text(a, o, "contentSize", arena_printf(a, "%lld B", (long long)file->size));
		json_set_text(a, o, "encodingFormat", objects[i].type);
		json_set_text(a, o, "sha256", file->sha256);
		json_append(list, o);
	}
	for (size_t i = 0; i < COUNT_OF(inner); i++) {
		if (!file_of(f, inner[i].zip))
			continue;
		struct json *o = node(a, "cr:FileObject", inner[i].name);
		json_set(a, o, "containedIn", reference(a, inner[i].zip));
		json_set_text(a, o, "contentUrl", inner[i].name);
		json_set_text(a, o, "encodingFormat", inner[i].type);
		json_append(list, o);
	}
	struct json *sounds = node(a, "cr:FileSet", "sounds");
	json_set(a, sounds, "containedIn", reference(a, "audio.zip"));
	json_set_text(a, sounds, "encodingFormat", "audio/mpeg");
	json_set_text(a, sounds, "includes", "audio/*.mp3");
	json_append(list, sounds);
	return list;
}

static struct json *column_json(struct arena *a, size_t i)
{
	struct json *o = node(a, "cr:Field", arena_printf(a, "%s/%s", columns[i].set, columns[i].column));
	struct json *source = json_object(a), *extract = json_object(a);
	if (columns[i].list)
		json_set_text(a, extract, "jsonPath", arena_printf(a, "$[*].%s", columns[i].column));
	else
		json_set_text(a, extract, "column", columns[i].column);
	json_set(a, source, "fileObject", reference(a, columns[i].file));
	json_set(a, source, "extract", extract);
	json_set_text(a, o, "description", columns[i].about);
	json_set_text(a, o, "dataType", columns[i].type);
	json_set(a, o, "source", source);
	return o;
}

/* A set with the content of the sounds, tied to the calls by the path's last part. */
static struct json *sound_field(struct arena *a, const char *name, const char *type, const char *property)
{
	struct json *o = node(a, "cr:Field", arena_printf(a, "audio/%s", name));
	struct json *source = json_object(a), *extract = json_object(a);
	json_set_text(a, extract, "fileProperty", property);
	json_set(a, source, "fileSet", reference(a, "sounds"));
	json_set(a, source, "extract", extract);
	json_set_text(a, o, "dataType", type);
	json_set(a, o, "source", source);
	return o;
}

static struct json *record_sets(struct arena *a, const struct release_files *f)
{
	struct json *list = json_array(a), *set = NULL, *fields = NULL;
	const char *at = "";
	for (size_t i = 0; i < COUNT_OF(columns); i++) {
		if (!holder(f, columns[i].file))
			continue;
		if (strcmp(at, columns[i].set) != 0) {
			at = columns[i].set;
			set = node(a, "cr:RecordSet", at);
			fields = json_array(a);
			json_set(a, set, "field", fields);
			json_append(list, set);
			if (strcmp(at, "calls") == 0)
				json_set(a, set, "key", reference(a, "calls/id"));
		}
		json_append(fields, column_json(a, i));
	}
	set = node(a, "cr:RecordSet", "audio");
	fields = json_array(a);
	json_append(fields, sound_field(a, "filename", "sc:Text", "filename"));
	json_append(fields, sound_field(a, "content", "sc:AudioObject", "content"));
	json_set(a, set, "field", fields);
	json_append(list, set);
	return list;
}

static void set_given(struct arena *a, struct json *to, const char *key, struct str v)
{
	if (v.n)
		json_set_str(a, to, key, v);
}

void release_croissant(struct buf *b, struct arena *a, const struct json *stats, const struct release_files *f)
{
	const struct json *card = json_get(stats, "card");
	CLEANUP(buf_release) struct buf origin = BUF_INIT;
	struct json *o = json_object(a), *parsed = NULL;
	json_parse(a, str_of(context), &parsed, NULL);
	ASSERT(parsed);
	release_origin(&origin, stats, false);
	json_set(a, o, "@context", parsed);
	json_set_text(a, o, "@type", "sc:Dataset");
	json_set_text(a, o, "conformsTo", "http://mlcommons.org/croissant/1.0");
	json_set_str(a, o, "name", json_get_str(stats, "dataset"));
	json_set_text(a, o, "description",
		arena_printf(a, "%lld Chinese telephone calls, labelled fraud or normal. %s",
			(long long)json_get_int(stats, "calls", 0), origin.data));
	json_set_text(a, o, "inLanguage", "zh");
	json_set_str(a, o, "license", json_get_str(card, "license"));
	set_given(a, o, "url", json_get_str(card, "url"));
	set_given(a, o, "datePublished", json_get_str(card, "date"));
	struct str creator = json_get_str(card, "creator");
	if (creator.n) {
		struct json *who = json_object(a);
		json_set_text(a, who, "@type", "sc:Organization");
		json_set_str(a, who, "name", creator);
		json_set(a, o, "creator", who);
	}
	json_set(a, o, "distribution", distribution(a, f));
	json_set(a, o, "recordSet", record_sets(a, f));
	json_write_pretty(b, o);
	buf_putc(b, '\n');
}

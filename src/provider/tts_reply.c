/* What a reply of a speech server is: sounds, or one of the ways in which there are none. Sounds are taken as they came; whether they are whole, long and
 * loud enough the worker finds out. */
#include "provider/tts_server.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "io/digest.h"
#include "io/zip.h"
#include "provider/remote.h"

#include <ctype.h>
#include <string.h>

#define LOOKED_AT 64 /* bytes that tell text from sound */
#define WAV_HEAD 44

struct reading {
	struct arena *arena;
	const struct http_reply *http;
	const struct tts_expected *x;
	struct tts_reply *ret;
};

static void end(struct reading *r, enum openai_means means, struct str words)
{
	r->ret->means = means;
	r->ret->words = openai_words(r->arena, words, r->x->key);
}

/* The reply came, but none of its sounds can be used. */
static void no_sounds(struct reading *r, const char *why)
{
	end(r, OPENAI_ANSWER, str_of(why));
	for (size_t i = 0; i < r->x->n; i++)
		r->ret->sounds[i] = (struct provider_sound){.why = arena_printf(r->arena, "%.*s", STR_FMT(r->ret->words))};
}

/* --- One sound --- */

static bool is_text(struct str s)
{
	struct str head = str_n(s.p, s.n < LOOKED_AT ? s.n : LOOKED_AT);
	ptrdiff_t bad = utf8_invalid(head);
	if (bad >= 0 && (head.n == s.n || (size_t)bad + 4 <= head.n)) /* a character may be cut at the end of what is looked at */
		return false;
	for (size_t i = 0; i < head.n; i++)
		if (((unsigned char)head.p[i] < ' ' && !isspace((unsigned char)head.p[i])) || head.p[i] == 0x7f)
			return false;
	return true;
}

/* Why bytes are no sound, by how they begin; NULL when they may be one. */
static const char *no_sound(struct str bytes)
{
	static const char *const heads[] = {"ID3", "RIFF", "RIFX", "RF64", "fLaC", "OggS", "FORM", ".snd"};
	if (!bytes.n)
		return "the server sent an empty sound";
	for (size_t i = 0; i < COUNT_OF(heads); i++)
		if (str_starts(bytes, heads[i]))
			return NULL;
	if (!is_text(bytes))
		return NULL;
	struct str text = str_trim(bytes);
	if (str_starts(text, "<"))
		return "the server sent a web page in place of a sound";
	return str_starts(text, "{") || str_starts(text, "[") ? "the server sent JSON in place of a sound"
														  : "the server sent text in place of a sound";
}

static void le(struct buf *b, uint32_t v, int bytes)
{
	for (int i = 0; i < bytes; i++)
		buf_putc(b, (char)(v >> (8 * i) & 0xff));
}

/* Samples of 16 bits, mono, behind a header of RIFF WAVE (format 1: PCM). */
static struct str as_wav(struct arena *a, struct str pcm, int64_t rate)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	uint32_t n = (uint32_t)(pcm.n & ~(size_t)1); /* half a sample is none */
	buf_puts(&b, "RIFF");
	le(&b, n + WAV_HEAD - 8, 4);
	buf_puts(&b, "WAVEfmt ");
	le(&b, 16, 4);
	le(&b, 1, 2);
	le(&b, 1, 2);
	le(&b, (uint32_t)rate, 4);
	le(&b, (uint32_t)rate * 2, 4);
	le(&b, 2, 2);
	le(&b, 16, 2);
	buf_puts(&b, "data");
	le(&b, n, 4);
	buf_add(&b, pcm.p, n);
	return arena_str(a, buf_view(&b));
}

static void take_sound(struct reading *r, struct str bytes, int64_t rate)
{
	const char *why = no_sound(bytes);
	if (bytes.n > TTS_SOUND_MAX)
		why = "the server sent a sound of over 32 MiB";
	if (why) {
		no_sounds(r, why);
		return;
	}
	r->ret->sounds[0].bytes =
		rate && !str_starts(bytes, "RIFF") ? as_wav(r->arena, bytes, rate) : arena_str(r->arena, bytes);
	end(r, OPENAI_ANSWER, STR(""));
}

/* --- Zips --- */

/* "12.mp3" → 12; -1: of no text. */
static int64_t number_in(const char *name)
{
	int64_t i = 0;
	const char *c = name;
	while (isdigit((unsigned char)*c) && c < name + 6)
		i = i * 10 + (*c++ - '0');
	return c > name && *c == '.' && c[1] ? i : -1;
}

static void read_entry(struct reading *r, struct zip_reader *z, int64_t entry, struct provider_sound *ret)
{
	CLEANUP(buf_release) struct buf bytes = BUF_INIT_MAX(TTS_SOUND_MAX);
	struct err e = ERR_INIT;
	if (zip_reader_read(z, entry, TTS_SOUND_MAX, &bytes, &e) < 0) {
		struct str words = openai_words(r->arena, str_of(e.text), r->x->key);
		ret->why = arena_printf(r->arena, "%.*s", STR_FMT(words));
		return;
	}
	ret->why = no_sound(buf_view(&bytes));
	if (!ret->why)
		ret->bytes = arena_str(r->arena, buf_view(&bytes));
}

/* Which entry is the sound of each text: of several with one number the last. Numbers that differ in count from the texts say nothing of which is which. */
static bool place_entries(struct reading *r, struct zip_reader *z, int64_t *ret)
{
	size_t sounds = 0, n = r->x->n, over = 0;
	for (size_t i = 0; i < n; i++)
		ret[i] = -1;
	for (int64_t k = 0; k < zip_reader_count(z); k++) {
		int64_t i = number_in(zip_reader_name(z, k));
		if (i >= 0 && (size_t)i < n) {
			sounds += ret[i] < 0;
			ret[i] = k;
		}
		over += i >= (int64_t)n;
	}
	if (over && sounds + over == n)
		no_sounds(
			r, arena_printf(r->arena,
				   "the sounds in the server's zip are not numbered from 0 (0.mp3, 1.mp3, …): %zu of %zu are beyond",
				   over, n));
	else if (sounds != n || over)
		no_sounds(r, arena_printf(r->arena, "the server sent %zu sounds for %zu texts", sounds + over, n));
	return sounds == n && !over;
}

static void read_zip(struct reading *r, struct str body)
{
	CLEANUP(zip_reader_cleanup) struct zip_reader *z = NULL;
	struct err e = ERR_INIT;
	const struct zip_limits limits = {
		.entries = (int64_t)(4 * r->x->n + 16), /* dummies, and what a server may put beside */
		.each = TTS_SOUND_MAX,
		.total = TTS_SOUNDS_MAX,
		.ratio = TTS_RATIO_MAX,
	};
	int rc = zip_reader_open_bytes(body, "the server's zip", &limits, &z, &e);
	if (rc == ERR_TOOBIG || rc == ERR_DATA) {
		no_sounds(r, e.text);
		return;
	}
	if (rc < 0) {
		end(r, OPENAI_TROUBLED, str_of(e.text));
		return;
	}
	int64_t *entries = arena_array(r->arena, r->x->n, sizeof(*entries));
	if (!place_entries(r, z, entries))
		return;
	for (size_t i = 0; i < r->x->n; i++)
		read_entry(r, z, entries[i], &r->ret->sounds[i]);
	end(r, OPENAI_ANSWER, STR(""));
}

/* --- JSON --- */

/* Sound in base64: {audio}, {audio: {data}}, {audio_base64}, {data: [{b64_json}]}, as a chat's answer. NULL when there is no such member; it may be empty. */
static const struct json *sound_in(const struct json *body)
{
	const struct json *message = json_get(json_first(json_get(body, "choices")), "message");
	const struct json *all[] = {json_get(body, "audio"), json_path(body, "audio.data"), json_get(body, "audio_base64"),
		json_get(json_first(json_get(body, "data")), "b64_json"), json_path(message, "audio.data")};
	for (size_t i = 0; i < COUNT_OF(all); i++)
		if (json_is(all[i], JSON_STRING))
			return all[i];
	return NULL;
}

/* data:audio/mpeg;base64,… */
static struct str without_scheme(struct str s)
{
	ptrdiff_t comma = str_starts(s, "data:") ? str_find(s, STR(",")) : -1;
	return comma < 0 ? s : str_n(s.p + comma + 1, s.n - (size_t)comma - 1);
}

static void read_base64(struct reading *r, const struct json *body, struct str text)
{
	CLEANUP(buf_release) struct buf bytes = BUF_INIT_MAX(TTS_SOUND_MAX);
	int64_t own = json_get_int(body, "sample_rate", 0), rate = r->x->pcm_rate;
	if (own >= 8000 && own <= 192000 && rate)
		rate = own;
	if (!base64_get(&bytes, without_scheme(text)))
		no_sounds(r, "the server sent JSON whose sound is no base64, or over 32 MiB");
	else
		take_sound(r, buf_view(&bytes), rate);
}

static void read_error(struct reading *r, const struct openai_error *e, struct str body)
{
	r->ret->status = e->status;
	end(r, openai_classify(e), e->message.n ? e->message : e->code.n ? e->code : body);
	struct str shown = r->ret->words;
	r->ret->words = str_of(arena_printf(r->arena, "%d%s%.*s", e->status, shown.n ? ": " : "", STR_FMT(shown)));
}

/* --- All of it --- */

static void not_what_was_asked(struct reading *r, struct str text, const char *what)
{
	const char *type = r->http->facts.content_type[0] ? r->http->facts.content_type : "without a content type";
	end(r, OPENAI_TROUBLED,
		str_of(arena_printf(r->arena, "the reply is %s (status %d, %s): %.*s", what, r->http->status, type,
			STR_FMT(utf8_clip(text, OPENAI_WORDS)))));
}

static void read_text(struct reading *r, struct str text, bool ok)
{
	struct json *body = NULL;
	struct openai_error error = {.status = r->http->status};
	const struct json *sound = NULL;
	bool braces = str_starts(text, "{") || str_starts(text, "\"");
	bool parsed = braces && !remote_too_deep(text) && json_parse(r->arena, text, &body, NULL) == 0;
	if (ok && parsed && !r->x->zip)
		sound = sound_in(body);
	if (sound)
		read_base64(r, body, sound->u.s);
	else if (parsed && openai_error_of(r->arena, body, ok ? 200 : r->http->status, &error))
		read_error(r, &error, utf8_clip(text, OPENAI_WORDS));
	else if (!ok) {
		error.status = r->http->status;
		error.message = parsed ? STR("") : utf8_clip(text, 8 * OPENAI_WORDS); /* a page of a gateway, or nothing */
		read_error(r, &error, error.message);
	} else
		not_what_was_asked(r, text,
			parsed      ? "JSON without a sound"
			: r->x->zip ? "no zip"
			: braces    ? "broken JSON"
						: "no sound");
}

static void read_whole(struct reading *r)
{
	struct str body = buf_view(&r->http->body), text = str_trim(body);
	bool ok = r->http->status >= 200 && r->http->status < 300;
	bool textual = text.n && no_sound(text) != NULL;
	if (ok && r->x->zip && str_starts(body, "PK"))
		read_zip(r, body);
	else if (ok && !r->x->zip && !textual)
		take_sound(r, body, r->x->pcm_rate);
	else
		read_text(r, text, ok);
}

void tts_read(struct arena *a, const struct http_reply *http, const struct tts_expected *x, struct tts_reply *ret)
{
	struct reading r = {.arena = a, .http = http, .x = x, .ret = ret};
	*ret = (struct tts_reply){.words = STR(""), .sounds = arena_array(a, x->n, sizeof(*ret->sounds))};
	switch (http->end) {
	case HTTP_DONE:
		ret->status = http->status;
		read_whole(&r);
		if (ret->means == OPENAI_LIMITED || ret->means == OPENAI_TROUBLED)
			ret->retry_ms = remote_wish_ms(&http->facts, x->wall_ms);
		return;
	case HTTP_CANCELLED:
		end(&r, OPENAI_STOPPED, STR("interrupted"));
		return;
	case HTTP_UNTRUSTED:
		end(&r, OPENAI_ACCOUNT,
			str_of(arena_printf(
				a, "the server's certificate does not hold (%s): nothing was sent. Is its url right?", http->what)));
		return;
	case HTTP_TOO_LONG:
		no_sounds(&r, "the reply is over reply_max_kb");
		return;
	default:
		end(&r, OPENAI_TROUBLED,
			str_of(arena_printf(a, "%s%s%s", http_end_name(http->end), http->what[0] ? ": " : "", http->what)));
	}
}

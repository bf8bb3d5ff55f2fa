/* speak, the half that touches sound: runs in taf-worker. */
#include "base/alloc.h"
#include "core/call.h"
#include "io/av.h"
#include "io/speech.h"
#include "stages/speak/speak.h"

#define FLAC_MAX ((size_t)256 << 20)

static int synthesise(struct work *w, const struct json *request, struct json **ret, struct err *e)
{
	const struct json *v = json_get(request, "voice");
	struct str variant = json_get_str(v, "variant"), text = json_get_str(request, "text");
	struct speech_voice voice = {.variant = arena_strdup(w->arena, variant.p ? variant.p : "")};
	voice.rate_wpm = (int)json_get_int(v, "rate_wpm", 240);
	voice.pitch = (int)json_get_int(v, "pitch", 50);
	voice.range = (int)json_get_int(v, "range", 50);
	CLEANUP(sound_release) struct sound s = SOUND_INIT;
	CLEANUP(buf_release) struct buf flac = BUF_INIT_MAX(FLAC_MAX);
	const char *hex = NULL;
	int code = speech_say(&voice, text, &s, e);
	if (!code)
		code = av_encode_flac(&s, &flac, e);
	if (!code)
		code = work_object(w, buf_view(&flac), &hex, e);
	if (code)
		return code;
	struct json *answer = json_object(w->arena);
	json_set_text(w->arena, answer, "object", hex);
	json_set_int(w->arena, answer, "duration_ms", (s.frames * 1000 + s.rate / 2) / s.rate);
	json_set_int(w->arena, answer, "sample_rate", s.rate);
	*ret = answer;
	return 0;
}

/** The answer to an ask: the stored one, or made now. */
static int answer_ask(struct work *w, size_t index, const struct json *ask, const struct json **ret, struct err *e)
{
	const struct json *stored = json_get(ask, "answer");
	if (json_is(stored, JSON_OBJECT) && json_get_str(stored, "object").n) {
		*ret = stored;
		return 0;
	}
	struct json *made = NULL;
	int code = synthesise(w, json_get(ask, "request"), &made, e);
	if (code)
		return code;
	*ret = made;
	work_answer(w, index, json_copy(w->arena, made));
	return 0;
}

static int process(struct work *w, struct err *e)
{
	struct json *speech = json_array(w->arena);
	const struct json *ask = json_first(w->asks);
	CLEANUP(buf_release) struct buf spoken = BUF_INIT;
	size_t index = 0;
	int64_t turn_at = -1;
	JSON_EACH(turn, json_get(w->call, "turns")) {
		const struct json *answer = NULL;
		turn_at++;
		buf_clear(&spoken);
		int code = speak_spoken(w->stage, &spoken, turn_text(turn), e);
		if (!code && spoken.len == 0)
			continue; /* nothing to speak, nothing was asked */
		if (!code && (!ask || !str_eq(json_get_str(json_get(ask, "request"), "text"), buf_view(&spoken))))
			code = err_set(e, ERR_BUG, "the requests do not go with the turns");
		if (!code)
			code = answer_ask(w, index, ask, &answer, e);
		if (code)
			return err_context(e, "turn %lld", (long long)turn_at);
		struct json *row = json_object(w->arena);
		json_set_int(w->arena, row, "turn", turn_at);
		json_set_str(w->arena, row, "object", json_get_str(answer, "object"));
		json_set_int(w->arena, row, "duration_ms", json_get_int(answer, "duration_ms", 0));
		json_set_int(w->arena, row, "sample_rate", json_get_int(answer, "sample_rate", 0));
		json_set(w->arena, row, "voice", json_copy(w->arena, json_get(json_get(ask, "request"), "voice")));
		json_append(speech, row);
		ask = ask->next;
		index++;
	}
	if (!w->fields)
		w->fields = json_object(w->arena);
	json_set(w->arena, w->fields, "speech", speech);
	return 0;
}

const struct stage_sound speak_sound = {.name = "speak", .process = process, .errand = speak_measure};

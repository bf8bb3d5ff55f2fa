/* qa, the half that runs in taf-worker: the sound is decoded and measured here. A call whose sound cannot be measured is rejected whatever `action`
 * says: there is nothing to go on with. */
#include "stages/qa/qa.h"

#include "base/alloc.h"
#include "stages/qa/annotation_rules.h"
#include "stages/qa/audio_rules.h"

#define OBJECT_MAX ((size_t)256 << 20)

static void verdict(struct work *w, const struct findings *f)
{
	const struct qa_params *p = w->stage->params;
	work_verdict(w, json_count(f->list) && p->action == QA_REJECT ? "reject" : "pass", f->list);
}

static int judge_sound(struct work *w, const struct sound *s, int warnings, struct findings *f, struct err *e)
{
	struct told told = {json_get_int(json_get(w->call, "audio"), "duration_ms", -1), warnings};
	CLEANUP(heard_release) struct heard h = {.sound = NULL};
	int code = heard_measure(s, w->call, f, &h, e);
	if (!code)
		code = audio_rules(w->stage->params, &h, &told, f, e);
	if (code)
		return code;
	w->fields = json_object(w->arena);
	json_set(w->arena, w->fields, "acoustics", heard_acoustics(w->arena, &h));
	verdict(w, f);
	return 0;
}

static int work_audio(struct work *w, struct findings *f, struct err *e)
{
	CLEANUP(buf_release) struct buf bytes = BUF_INIT_MAX(OBJECT_MAX);
	CLEANUP(sound_release) struct sound s = SOUND_INIT;
	struct err why = ERR_INIT;
	int warnings = 0;
	int code = work_object_read(w, json_get_str(json_get(w->call, "audio"), "object"), OBJECT_MAX, &bytes, e);
	if (code)
		return code;
	code = av_decode_told(buf_view(&bytes), &s, &warnings, &why);
	if (code && err_class_of(code) != CLASS_DATA)
		return err_set(e, code, "%s", why.text);
	if (code)
		finding_text(f, "undecodable", str_of(why.text), "a whole sound file");
	else if (s.channels > SIDES)
		finding_number(f, "channels", s.channels, SIDES, "channels");
	if (!json_count(f->list))
		return judge_sound(w, &s, warnings, f, e);
	work_verdict(w, "reject", f->list);
	return 0;
}

static int process(struct work *w, struct err *e)
{
	const struct qa_params *p = w->stage->params;
	struct findings f = {.a = w->arena, .list = json_array(w->arena)};
	if (p->rules == QA_AUDIO)
		return work_audio(w, &f, e);
	int code = annotation_rules(w->stage, w->call, &f, e);
	if (!code)
		verdict(w, &f);
	return code;
}

const struct stage_sound qa_sound = {.name = "qa", .process = process};

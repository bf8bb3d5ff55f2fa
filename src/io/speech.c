/* Speech by libespeak-ng.
 *
 * Its state leaks from one utterance into the next (measured on 1.51: phases, flutter and even lengths differ with what was said before, with all
 * parameters set anew; ending and starting the library does not clean it). So the library is loaded once, never speaks in this process, and each
 * utterance is spoken in a forked child which starts from that same clean state and dies after it: the sound depends on voice and text alone, and
 * a text that kills the engine costs one turn. The child inherits the limits of this process, and dies with it. */
#include "io/speech.h"

#include "base/alloc.h"
#include "base/fs.h"

#include <errno.h>
#include <espeak-ng/speak_lib.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define VOICE "cmn-latn-pinyin"
#define SPEECH_MAX_BYTES ((size_t)3600 * 22050 * sizeof(int16_t)) /* an hour */
#define VARIANT_MAX 60

enum child_status { CHILD_OK, CHILD_VOICE = 3, CHILD_SYNTH = 4, CHILD_PIPE = 5 };

struct utterance {
	const struct speech_voice *voice; /* NULL: phonemes only */
	const char *text;                 /* terminated */
	size_t len;
	int fd;
};

/* What speech_init found: set once, read only after it. */
static int engine_rate;

static int on_sound(short *wave, int n, espeak_EVENT *events)
{
	if (!wave || n <= 0)
		return 0;
	const struct utterance *u = events->user_data;
	if (fs_write_all(u->fd, wave, (size_t)n * sizeof *wave, "pipe", NULL) != 0)
		_exit(CHILD_PIPE);
	return 0;
}

static int say_in_child(struct utterance *u)
{
	char name[sizeof VOICE + VARIANT_MAX + 2];
	const struct speech_voice *v = u->voice;
	snprintf(name, sizeof name, "%s%s%s", VOICE, *v->variant ? "+" : "", v->variant);
	if (espeak_SetVoiceByName(name) != EE_OK)
		return CHILD_VOICE;
	espeak_SetParameter(espeakRATE, v->rate_wpm, 0);
	espeak_SetParameter(espeakPITCH, v->pitch, 0);
	espeak_SetParameter(espeakRANGE, v->range, 0);
	espeak_SetParameter(espeakVOLUME, 50, 0); /* at 100 many voices are clipped; loudness is set later */
	srand(1); /* the noise of some variants */
	espeak_SetSynthCallback(on_sound);
	if (espeak_Synth(u->text, u->len + 1, 0, POS_CHARACTER, 0, espeakCHARS_UTF8, NULL, u) != EE_OK)
		return CHILD_SYNTH;
	return espeak_Synchronize() == EE_OK ? CHILD_OK : CHILD_SYNTH;
}

static int phonemes_in_child(const struct utterance *u)
{
	if (espeak_SetVoiceByName(VOICE) != EE_OK)
		return CHILD_VOICE;
	const void *at = u->text;
	while (at) {
		const char *p = espeak_TextToPhonemes(&at, espeakCHARS_UTF8, 0);
		if (p && (fs_write_all(u->fd, p, strlen(p), "pipe", NULL) != 0 || fs_write_all(u->fd, " ", 1, "pipe", NULL) != 0))
			return CHILD_PIPE;
	}
	return CHILD_OK;
}

static void run_child(struct utterance *u, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(CHILD_PIPE);
	signal(SIGPIPE, SIG_DFL);
	_exit(u->voice ? say_in_child(u) : phonemes_in_child(u));
}

static int read_all(int fd, struct buf *ret, struct err *e)
{
	for (;;) {
		char *at = buf_reserve(ret, 65536);
		if (!at)
			return err_set(e, ERR_TOOBIG, "the spoken text is longer than an hour; cut the turn");
		ssize_t n = read(fd, at, 65536);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(e, "read from the speech engine");
		if (n == 0)
			return 0;
		ret->len += (size_t)n;
		ret->data[ret->len] = '\0';
	}
}

static int reap(pid_t pid, struct err *e)
{
	int status = 0;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_errno(e, "wait for the speech engine");
	if (WIFSIGNALED(status))
		return err_set(e, ERR_DATA, "libespeak-ng died of signal %d on this text", WTERMSIG(status));
	switch (WEXITSTATUS(status)) {
	case CHILD_OK:
		return 0;
	case CHILD_VOICE:
		return err_set(e, ERR_CONFIG, "libespeak-ng does not load the voice %s with this variant", VOICE);
	default:
		return err_set(e, ERR_DATA, "libespeak-ng failed on this text (status %d)", WEXITSTATUS(status));
	}
}

/** Run the engine on one text in a child of its own; what it writes is appended to `ret`. */
static int in_child(struct utterance *u, struct buf *ret, struct err *e)
{
	if (!engine_rate)
		return err_set(e, ERR_BUG, "speech_init has not run");
	int fds[2];
	if (pipe2(fds, O_CLOEXEC) != 0)
		return err_errno(e, "pipe to the speech engine");
	CLEANUP(fs_close) int in = fds[0];
	CLEANUP(fs_close) int out = fds[1];
	u->fd = out;
	pid_t self = getpid();
	pid_t pid = fork();
	if (pid < 0)
		return err_errno(e, "start the speech engine");
	if (pid == 0)
		run_child(u, self);
	fs_close(&out);
	out = -1;
	int code = read_all(in, ret, e);
	if (code)
		kill(pid, SIGKILL);
	int ended = reap(pid, code ? NULL : e);
	return code ? code : ended;
}

static bool variant_known(const char *variant)
{
	if (!*variant)
		return true;
	if (strlen(variant) > VARIANT_MAX)
		return false;
	espeak_VOICE spec = {.languages = "variant"};
	const espeak_VOICE **all = espeak_ListVoices(&spec);
	for (; all && *all; all++) {
		const char *slash = strrchr((*all)->identifier, '/');
		if (slash && strcmp(slash + 1, variant) == 0)
			return true;
	}
	return false;
}

int speech_init(struct err *e)
{
	if (engine_rate)
		return 0;
	int rate = espeak_Initialize(AUDIO_OUTPUT_SYNCHRONOUS, 0, NULL, espeakINITIALIZE_DONT_EXIT);
	if (rate <= 0)
		return err_set(e, ERR_CONFIG, "libespeak-ng finds no voice data: install the package espeak-ng-data");
	if (espeak_SetVoiceByName(VOICE) != EE_OK)
		return err_set(e, ERR_CONFIG, "libespeak-ng has no voice %s: install espeak-ng-data 1.51 or later", VOICE);
	variant_known("f2"); /* reads the list of voices now, so that every child starts from one state */
	engine_rate = rate;
	return 0;
}

const char *speech_version(void)
{
	static char text[64];
	const char *path = NULL;
	if (!text[0])
		snprintf(text, sizeof text, "libespeak-ng %.40s", espeak_Info(&path));
	return text;
}

int speech_say(const struct speech_voice *voice, struct str text, struct sound *ret, struct err *e)
{
	if (speech_init(e) != 0)
		return e ? e->code : ERR_CONFIG;
	if (!variant_known(voice->variant))
		return err_set(e, ERR_CONFIG, "libespeak-ng has no voice variant \"%.80s\"", voice->variant);
	if (voice->rate_wpm < 80 || voice->rate_wpm > 450 || voice->pitch < 0 || voice->pitch > 99 || voice->range < 0 || voice->range > 99)
		return err_set(e, ERR_DATA, "voice out of range: rate %d (80-450), pitch %d, range %d (0-99)", voice->rate_wpm, voice->pitch,
			voice->range);
	CLEANUP(buf_release) struct buf copy = BUF_INIT;
	buf_str(&copy, text);
	CLEANUP(buf_release) struct buf pcm = BUF_INIT_MAX(SPEECH_MAX_BYTES + 65536);
	struct utterance u = {.voice = voice, .text = copy.data, .len = copy.len};
	int code = in_child(&u, &pcm, e);
	if (code)
		return code;
	int64_t frames = (int64_t)(pcm.len / sizeof(int16_t));
	bool audible = false;
	CLEANUP(sound_release) struct sound s = {.channels = 1, .rate = engine_rate};
	sound_resize(&s, frames);
	for (int64_t i = 0; i < frames; i++) {
		int16_t v;
		memcpy(&v, pcm.data + (size_t)i * sizeof v, sizeof v);
		s.samples[i] = (float)v / 32768.0f;
		audible |= v > 64 || v < -64;
	}
	if (!audible)
		return err_set(e, ERR_DATA, "nothing audible comes out of the text \"%.*s\"", (int)(text.n < 60 ? text.n : 60), text.p);
	*ret = s;
	s = (struct sound)SOUND_INIT;
	return 0;
}

int speech_phonemes(struct str text, struct buf *ret, struct err *e)
{
	if (speech_init(e) != 0)
		return e ? e->code : ERR_CONFIG;
	CLEANUP(buf_release) struct buf copy = BUF_INIT;
	buf_str(&copy, text);
	struct utterance u = {.text = copy.data, .len = copy.len};
	return in_child(&u, ret, e);
}

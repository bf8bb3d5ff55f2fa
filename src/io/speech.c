/* Speech by libespeak-ng.
 *
 * Its state leaks from one utterance into the next (measured on 1.51: phases, flutter and even lengths differ with what was said before, with all
 * parameters set anew; ending and starting the library does not clean it). So the library is loaded once and never speaks in this process: each
 * utterance is spoken in a forked child which starts from that same clean state and dies after it. The sound depends on voice and text alone, and
 * a text that kills the engine costs one turn. The children are forked by a keeper, a child which speech_init() starts while this process is still
 * small: forking a process that holds minutes of sound costs it a page fault for every page it touches afterwards. Keeper and children inherit
 * the limits of this process, and die with it. */
#include "io/speech.h"

#include "base/alloc.h"
#include "base/fs.h"
#include "base/utf8.h"

#include <errno.h>
#include <espeak-ng/speak_lib.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define VOICE "cmn-latn-pinyin"
#define SPEECH_MAX_BYTES ((size_t)3600 * 22050 * sizeof(int16_t)) /* an hour */
#define VARIANT_MAX 60
#define CHILD_CPU_S 120 /* an hour of speech takes a few seconds */

enum child_status { CHILD_OK, CHILD_VOICE = 3, CHILD_SYNTH = 4, CHILD_PIPE = 5 };

struct utterance {
	const struct speech_voice *voice; /* NULL: phonemes only */
	const char *text;                 /* terminated */
	size_t len;
	int fd;
};

/* What speech_init found and started: set once, read only after it. */
static int engine_rate;
static int keeper = -1; /* socket */

/* What goes to the keeper, with the descriptor to write to; the text follows. */
struct request {
	bool speak;
	char variant[VARIANT_MAX + 1];
	int rate_wpm, pitch, range;
	uint32_t len;
};

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
	srand(1);                                 /* the noise of some variants */
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
	struct rlimit cpu = {CHILD_CPU_S, CHILD_CPU_S + 1}; /* SIGXCPU first: it tells a text that never ends from a kill */
	setrlimit(RLIMIT_CPU, &cpu);
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

static int child_error(int status, struct err *e)
{
	if (WIFSIGNALED(status) && (WTERMSIG(status) == SIGKILL || WTERMSIG(status) == SIGTERM))
		return err_set(e, ERR_TRANSIENT, "the speech engine was killed from outside; is there memory enough?");
	if (WIFSIGNALED(status))
		return err_set(e, ERR_DATA, "libespeak-ng died of signal %d on this text", WTERMSIG(status));
	switch (WEXITSTATUS(status)) {
	case CHILD_OK:
		return 0;
	case CHILD_VOICE:
		return err_set(e, ERR_CONFIG, "libespeak-ng does not load the voice %s with this variant", VOICE);
	case CHILD_PIPE: /* also: no process could be started */
		return err_set(e, ERR_TRANSIENT, "the speech engine could not be started, or could not hand over its sound");
	default:
		return err_set(e, ERR_DATA, "libespeak-ng failed on this text (status %d)", WEXITSTATUS(status));
	}
}

/* --- The keeper --- */

static int receive(int fd, struct request *ret, int *ret_out)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec data = {ret, sizeof *ret};
	struct msghdr m = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
	ssize_t n = recvmsg(fd, &m, MSG_CMSG_CLOEXEC | MSG_WAITALL);
	const struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	if (n != (ssize_t)sizeof *ret || !c || c->cmsg_type != SCM_RIGHTS)
		return -1;
	memcpy(ret_out, CMSG_DATA(c), sizeof *ret_out);
	return 0;
}

static int send_request(int fd, const struct request *q, struct str text, int out, struct err *e)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {.space = {0}};
	struct iovec data = {(void *)(uintptr_t)q, sizeof *q};
	struct msghdr m = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof out);
	memcpy(CMSG_DATA(c), &out, sizeof out);
	bool sent = sendmsg(fd, &m, MSG_NOSIGNAL) == (ssize_t)sizeof *q;
	for (size_t at = 0; sent && at < text.n;) {
		ssize_t k = send(fd, text.p + at, text.n - at, MSG_NOSIGNAL);
		sent = k > 0 || (k < 0 && errno == EINTR);
		at += k > 0 ? (size_t)k : 0;
	}
	return sent ? 0 : err_set(e, ERR_TRANSIENT, "the speech engine does not take the text (%s)", strerror(errno));
}

/* One text in a child of its own; its wait status goes back. */
static int serve(int fd, const struct request *q, int out)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	char *at = buf_reserve(&text, q->len);
	if (!at || (q->len && recv(fd, at, q->len, MSG_WAITALL) != (ssize_t)q->len))
		return -1;
	text.len += q->len;
	at[q->len] = '\0';
	struct speech_voice voice = {q->variant, q->rate_wpm, q->pitch, q->range};
	struct utterance u = {.voice = q->speak ? &voice : NULL, .text = text.data, .len = text.len, .fd = out};
	int status = CHILD_PIPE << 8;
	pid_t self = getpid();
	pid_t pid = fork();
	if (pid == 0)
		run_child(&u, self);
	close(out);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return fs_write_all(fd, &status, sizeof status, "the worker", NULL);
}

static void keeper_main(int fd, pid_t parent)
{
	struct request q;
	int out;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_IGN);
	while (getppid() == parent && receive(fd, &q, &out) == 0 && serve(fd, &q, out) == 0)
		;
	_exit(0);
}

static int keeper_start(struct err *e)
{
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return err_errno(e, "socket to the speech engine");
	pid_t self = getpid();
	pid_t pid = fork();
	if (pid < 0) {
		int rc = err_errno(e, "start the speech engine");
		close(pair[0]);
		close(pair[1]);
		return rc;
	}
	if (pid == 0) {
		/* Not the worker's socket: `taf` is to see at once when the worker is gone. */
		close_range(STDERR_FILENO + 1, (unsigned)pair[1] - 1, 0);
		close_range((unsigned)pair[1] + 1, ~0U, 0);
		keeper_main(pair[1], self);
	}
	close(pair[1]);
	keeper = pair[0];
	return 0;
}

static int ask_keeper(const struct speech_voice *voice, struct str text, struct buf *ret, struct err *e)
{
	int fds[2];
	if (keeper < 0 && keeper_start(e) != 0)
		return e ? e->code : ERR_IO;
	if (pipe2(fds, O_CLOEXEC) != 0)
		return err_errno(e, "pipe to the speech engine");
	int in = fds[0];
	struct request q = {.speak = voice != NULL, .len = (uint32_t)text.n};
	if (voice) {
		memcpy(q.variant, voice->variant, strlen(voice->variant) + 1);
		q.rate_wpm = voice->rate_wpm;
		q.pitch = voice->pitch;
		q.range = voice->range;
	}
	int code = send_request(keeper, &q, text, fds[1], e);
	close(fds[1]);
	if (code != 0) { /* half a request, or none: this keeper is of no use any more, and would never answer */
		close(in);
		fs_close(&keeper);
		return code;
	}
	code = read_all(in, ret, e);
	close(in); /* a child that is not heard out dies of SIGPIPE */
	int status;
	if (recv(keeper, &status, sizeof status, MSG_WAITALL) != (ssize_t)sizeof status) {
		fs_close(&keeper); /* it ends too; the next text has a new one */
		return code ? code : err_set(e, ERR_TRANSIENT, "the speech engine's keeper is gone");
	}
	int ended = child_error(status, code ? NULL : e);
	return code ? code : ended;
}

/** Run the engine on one text in a child of its own; what it writes is appended to `ret`. A keeper or a child that was killed from outside says
 * nothing of the text: once more, then it is for the next run. */
static int in_child(const struct speech_voice *voice, struct str text, struct buf *ret, struct err *e)
{
	struct err first = ERR_INIT;
	size_t before = ret->len;
	int code = ask_keeper(voice, text, ret, &first);
	if (code != ERR_TRANSIENT) {
		if (code && e)
			*e = first;
		return code;
	}
	buf_truncate(ret, before);
	return ask_keeper(voice, text, ret, e);
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
	return keeper_start(e);
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
	if (voice->rate_wpm < 80 || voice->rate_wpm > 450 || voice->pitch < 0 || voice->pitch > 99 || voice->range < 0 ||
		voice->range > 99)
		return err_set(e, ERR_DATA, "voice out of range: rate %d (80-450), pitch %d, range %d (0-99)", voice->rate_wpm,
			voice->pitch, voice->range);
	CLEANUP(buf_release) struct buf pcm = BUF_INIT_MAX(SPEECH_MAX_BYTES + 65536);
	int code = in_child(voice, text, &pcm, e);
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
		return err_set(e, ERR_DATA, "nothing audible comes out of the text \"%.*s\"", STR_FMT(utf8_clip(text, 60)));
	*ret = s;
	s = (struct sound)SOUND_INIT;
	return 0;
}

int speech_phonemes(struct str text, struct buf *ret, struct err *e)
{
	if (speech_init(e) != 0)
		return e ? e->code : ERR_CONFIG;
	return in_child(NULL, text, ret, e);
}

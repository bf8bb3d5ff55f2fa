/* audio-cpu: CPU of `normalize` (decode, mix, loudness, MP3, decode-back) over that of LAME alone encoding the same mixes with the same settings. Beside it
 * the ffmpeg command line (concat and loudnorm, one process a call) and pydub (if it is there) making files of the same turns.
 * AUDIO_CPU_CALLS: how many calls (8). AUDIO_CPU_PROFILE=1: normalize alone, for perf. */
#include "base/alloc.h"
#include "io/av.h"
#include "io/speech.h"
#include "stages/normalize/normalize.h"
#include "tests/bench/kit.h"
#include "tests/stages/sound_work.h"

#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RATE 24000
#define KBPS 64
#define TURNS 14

static const char *const lines[] = {"您好，这里是客户服务中心，请问您现在方便接听电话吗？", "方便的，有什么事情请说。",
	"我们发现您的账户昨天晚上有一笔异常的消费，金额是两千三百元。", "是吗？我怎么不知道，我昨天没有买过东西。",
	"为了保护您的资金安全，请您核对一下身份信息，好吗？", "你先告诉我，你们是怎么知道我的号码的？",
	"这是您开户的时候登记的，请您放心，我们是正规的服务部门。"};

static double cpu(clockid_t clock)
{
	struct timespec t;
	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double children_cpu(void)
{
	struct rusage r;
	getrusage(RUSAGE_CHILDREN, &r);
	return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) + (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

/* --- The calls --- */

/** The turns, spoken once; calls take them in other orders and at other levels. Also written to files for the programs beside. */
static void speak_turns(struct sound_work *s, const char *dir, const char *hex[TURNS])
{
	for (int i = 0; i < TURNS; i++) {
		struct speech_voice v = {.variant = i % 2 ? "f2" : "m3", .rate_wpm = 230 + i, .pitch = 50, .range = 50};
		CLEANUP(sound_release) struct sound sound = SOUND_INIT;
		CLEANUP(buf_release) struct buf flac = BUF_INIT;
		struct err e = ERR_INIT;
		char path[400];
		if (speech_say(&v, str_of(lines[i % (int)COUNT_OF(lines)]), &sound, &e) || av_encode_flac(&sound, &flac, &e))
			bench_die("audio-cpu: %s", e.text);
		hex[i] = sound_work_put(s, buf_view(&flac));
		snprintf(path, sizeof path, "%s/%d.flac", dir, i);
		FILE *f = fopen(path, "wb");
		if (!f || fwrite(flac.data, 1, flac.len, f) != flac.len || fclose(f) != 0)
			bench_die("audio-cpu: cannot write %s", path);
	}
}

static const struct json *make_call(struct sound_work *s, const char *const hex[TURNS], int call)
{
	struct json *out = json_object(&s->arena), *turns = json_array(&s->arena), *speech = json_array(&s->arena);
	for (int i = 0; i < TURNS; i++) {
		struct json *turn = json_object(&s->arena), *row = json_object(&s->arena);
		json_set_text(&s->arena, turn, "role", i % 2 ? "right" : "left");
		json_append(turns, turn);
		json_set_int(&s->arena, row, "turn", i);
		json_set_text(&s->arena, row, "object", hex[(i + 2 * call) % TURNS]);
		json_append(speech, row);
	}
	json_set(&s->arena, out, "turns", turns);
	json_set(&s->arena, out, "speech", speech);
	return out;
}

/** CPU seconds of normalize over a call; the file stays in the store. */
static double normalize_call(struct sound_work *s, int call, const char *const hex[TURNS], struct str *ret_file)
{
	double from = cpu(CLOCK_PROCESS_CPUTIME_ID);
	char id[32];
	struct err e = ERR_INIT;
	snprintf(id, sizeof id, "a/%d", call);
	sound_work_call(s, id, make_call(s, hex, call));
	if (normalize_sound.process(&s->work, &e) != 0)
		bench_die("audio-cpu: %s", e.text);
	*ret_file = json_get_str(json_get(s->work.fields, "audio"), "object");
	return cpu(CLOCK_PROCESS_CPUTIME_ID) - from;
}

/* --- LAME alone --- */

/* libmp3lame is loaded by name: its header is in a package that taf does not need. */
struct lame {
	void *library;
	void *(*init)(void);
	int (*set_in_samplerate)(void *, int), (*set_num_channels)(void *, int), (*set_brate)(void *, int);
	int (*set_mode)(void *, int), (*set_bWriteVbrTag)(void *, int), (*init_params)(void *), (*close)(void *);
	int (*encode)(void *, const float *, const float *, int, unsigned char *, int);
	int (*flush)(void *, unsigned char *, int);
};

static bool load(struct lame *l)
{
	l->library = dlopen("libmp3lame.so.0", RTLD_NOW);
	if (!l->library)
		return false;
	const struct {
		const char *name;
		void *to;
	} names[] = {{"lame_init", &l->init}, {"lame_set_in_samplerate", &l->set_in_samplerate},
		{"lame_set_num_channels", &l->set_num_channels}, {"lame_set_brate", &l->set_brate},
		{"lame_set_mode", &l->set_mode}, {"lame_set_bWriteVbrTag", &l->set_bWriteVbrTag},
		{"lame_init_params", &l->init_params}, {"lame_close", &l->close}, {"lame_encode_buffer_ieee_float", &l->encode},
		{"lame_encode_flush", &l->flush}};
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		void *symbol = dlsym(l->library, names[i].name);
		if (!symbol)
			return false;
		memcpy(names[i].to, &symbol, sizeof symbol);
	}
	return true;
}

static double lame_one(const struct lame *l, const struct sound *s)
{
	CLEANUP(free_ptr) float *plane = xcalloc((size_t)s->frames * 2, sizeof *plane);
	CLEANUP(free_ptr) unsigned char *out = xcalloc(1 << 16, 1);
	for (int64_t i = 0; i < s->frames; i++)
		for (int ch = 0; ch < 2; ch++)
			plane[ch * s->frames + i] = s->samples[i * 2 + ch];
	double from = cpu(CLOCK_PROCESS_CPUTIME_ID);
	void *x = l->init();
	l->set_in_samplerate(x, s->rate);
	l->set_num_channels(x, 2);
	l->set_brate(x, KBPS);
	l->set_mode(x, 0); /* stereo */
	l->set_bWriteVbrTag(x, 0);
	if (l->init_params(x) < 0)
		bench_die("audio-cpu: LAME refuses its settings");
	for (int64_t at = 0; at < s->frames; at += 8192) {
		int n = (int)(s->frames - at < 8192 ? s->frames - at : 8192);
		l->encode(x, plane + at, plane + s->frames + at, n, out, 1 << 16);
	}
	l->flush(x, out, 1 << 16);
	l->close(x);
	return cpu(CLOCK_PROCESS_CPUTIME_ID) - from;
}

/* --- Programs beside --- */

static bool run_quietly(const char *const argv[])
{
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr) || !freopen("/dev/null", "r", stdin))
			_exit(127);
		execvp(argv[0], (char **)(uintptr_t)argv);
		_exit(127);
	}
	int status = 0;
	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/** CPU seconds of one process a call; negative when it does not work. */
static double ffmpeg_calls(const char *dir, int calls)
{
	double from = children_cpu();
	for (int i = 0; i < calls; i++) {
		char list[400], to[400], format[64];
		snprintf(list, sizeof list, "%s/list.txt", dir);
		snprintf(to, sizeof to, "%s/out.mp3", dir);
		snprintf(format, sizeof format, "%dk", KBPS);
		FILE *f = fopen(list, "w");
		for (int k = 0; f && k < TURNS; k++)
			fprintf(f, "file '%d.flac'\n", (k + 2 * i) % TURNS);
		if (!f || fclose(f) != 0)
			return -1;
		const char *argv[] = {"ffmpeg", "-v", "error", "-y", "-f", "concat", "-safe", "0", "-i", list, "-af",
			"loudnorm=I=-23:TP=-1", "-ar", "24000", "-ac", "2", "-joint_stereo", "0", "-b:a", format, to, NULL};
		if (!run_quietly(argv))
			return -1;
	}
	return children_cpu() - from;
}

static double pydub_calls(const char *dir, int calls)
{
	static const char script[] =
		"import sys\n"
		"from pydub import AudioSegment as S\n"
		"d, calls, turns = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])\n"
		"for i in range(calls):\n"
		"    left, right, at = [], [], 300\n"
		"    for k in range(turns):\n"
		"        s = S.from_file(f'{d}/{(k + 2 * i) % turns}.flac')\n"
		"        s = s.set_frame_rate(24000).set_channels(1).apply_gain(-23 - s.dBFS)\n"
		"        (right if k % 2 else left).append((at, s))\n"
		"        at += len(s) + 500\n"
		"    sides = []\n"
		"    for turns_of in left, right:\n"
		"        side = S.silent(at, 24000)\n"
		"        for start, s in turns_of:\n"
		"            side = side.overlay(s, position=start)\n"
		"        sides.append(side)\n"
		"    S.from_mono_audiosegments(*sides).export(f'{d}/out.mp3', format='mp3', bitrate='64k')\n";
	char n[16], turns[16];
	snprintf(n, sizeof n, "%d", calls);
	snprintf(turns, sizeof turns, "%d", TURNS);
	const char *probe[] = {"python3", "-c", "import pydub", NULL};
	const char *argv[] = {"python3", "-c", script, dir, n, turns, NULL};
	if (!run_quietly(probe))
		return -1;
	double from = children_cpu();
	return run_quietly(argv) ? children_cpu() - from : -1;
}

static void beside(const char *name, double seconds, double sound, double lame, const char *install)
{
	if (seconds < 0)
		printf("audio-cpu: no %s beside it (apt install %s)\n", name, install);
	else
		printf("audio-cpu: %s: %.2f s of CPU, %.2f x LAME alone, %.1f ms a second of sound\n", name, seconds,
			seconds / lame, 1000 * seconds / sound);
}

/** Both by turns, call by call, and of three times the quickest, so that other things on the machine count as little as can be. */
static void measure(
	int calls, struct sound_work *s, struct sound_work *plain, const char *const hex[TURNS], double ret[3])
{
	struct lame lame;
	if (!load(&lame))
		bench_die("audio-cpu: no libmp3lame.so.0");
	for (int i = 0; i < calls; i++) {
		CLEANUP(sound_release) struct sound mix = SOUND_INIT;
		struct str file, wav;
		struct err e = ERR_INIT;
		normalize_call(plain, i, hex, &wav);
		if (av_decode(buf_view(sound_work_get(plain, wav)), &mix, &e))
			bench_die("audio-cpu: %s", e.text);
		double ours = HUGE_VAL, alone = HUGE_VAL;
		for (int round = 0; round < 3; round++) {
			ours = fmin(ours, normalize_call(s, i, hex, &file));
			alone = fmin(alone, lame_one(&lame, &mix));
		}
		ret[0] += ours;
		ret[1] += alone;
		ret[2] += (double)mix.frames / mix.rate;
	}
}

int main(void)
{
	const char *wanted = getenv("AUDIO_CPU_CALLS"), *tmp = getenv("TMPDIR"), *profile = getenv("AUDIO_CPU_PROFILE");
	int calls = wanted && strtol(wanted, NULL, 10) > 0 ? (int)strtol(wanted, NULL, 10) : 8;
	char dir[300], with[64];
	struct sound_work s, plain;
	const char *hex[TURNS], *same[TURNS];
	double seconds[3] = {0, 0, 0};
	snprintf(dir, sizeof dir, "%s/audio-cpu.XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(dir))
		bench_die("audio-cpu: no scratch folder");
	av_init();
	snprintf(with, sizeof with, "{sample_rate: %d, bitrate: %d}", RATE, KBPS);
	sound_work_init(&s, &stage_normalize, NULL, with);
	sound_work_init(&plain, &stage_normalize, NULL, "{format: wav}");
	speak_turns(&s, dir, hex);
	speak_turns(&plain, dir, same);
	for (int i = 0; profile && i < calls; i++) {
		struct str file;
		normalize_call(&s, i, hex, &file);
	}
	if (profile)
		return 0;
	measure(calls, &s, &plain, hex, seconds);
	double ours = seconds[0], alone = seconds[1], sound = seconds[2];
	printf("audio-cpu: %d calls, %.0f s of sound: normalize %.2f s of CPU, LAME alone %.2f s; %.1f ms a second of "
		   "sound, %.2f hours of CPU "
		   "for 307 h\n",
		calls, sound, ours, alone, 1000 * ours / sound, 307 * ours / sound);
	beside("ffmpeg (concat, loudnorm)", ffmpeg_calls(dir, calls), sound, alone, "ffmpeg");
	beside("pydub", pydub_calls(dir, calls), sound, alone, "python3-pydub");
	bench_line("audio-cpu", ours / alone, "", 1.35, true);
	sound_work_release(&s);
	sound_work_release(&plain);
	return 0;
}

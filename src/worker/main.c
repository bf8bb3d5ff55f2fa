/* taf-worker: everything that touches sound, one item at a time, for `taf`. */
#include "core/spawn.h"
#include "io/av.h"
#include "io/loudness.h"
#include "io/speech.h"
#include "worker/worker.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

/* Keys name the libraries that taf was built with: others may make other bytes under the same key. */
static int same_library(const char *runs, const char *built, struct err *e)
{
	if (strcmp(built, "unknown") == 0 || strstr(runs, built))
		return 0;
	return err_set(e, ERR_CONFIG,
		"taf was built with version %s of a library and runs with %s: build it anew (make clean all)", built, runs);
}

static int begin(struct err *e)
{
	av_init();
	int rc = same_library(av_versions(), TAF_FFMPEG_VERSION, e);
	if (rc == 0)
		rc = same_library(av_versions(), TAF_SWRESAMPLE_VERSION, e);
	if (rc == 0)
		rc = same_library(loudness_version(), TAF_EBUR128_VERSION, e);
	if (rc == 0)
		rc = same_library(speech_version(), TAF_ESPEAK_VERSION, e);
	return rc < 0 ? rc : speech_init(e);
}

int main(void)
{
	if (fcntl(WORKER_FD, F_GETFD) < 0) {
		fputs("taf-worker is started by taf, which talks to it on descriptor 3; run taf instead\n", stderr);
		return 2;
	}
	static const struct worker_kit kit = {&stages_all, stages_sound, begin};
	return worker_main(&kit, WORKER_FD);
}

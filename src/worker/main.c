/* taf-worker: everything that touches sound, one item at a time, for `taf`. */
#include "core/spawn.h"
#include "io/av.h"
#include "io/loudness.h"
#include "io/speech.h"
#include "worker/worker.h"

#include <fcntl.h>
#include <stdio.h>

static int begin(struct err *e)
{
	av_init();
	int rc = worker_same_library(av_versions(), TAF_FFMPEG_VERSION, e);
	if (rc == 0)
		rc = worker_same_library(av_versions(), TAF_SWRESAMPLE_VERSION, e);
	if (rc == 0)
		rc = worker_same_library(loudness_version(), TAF_EBUR128_VERSION, e);
	if (rc == 0)
		rc = worker_same_library(speech_version(), TAF_ESPEAK_VERSION, e);
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

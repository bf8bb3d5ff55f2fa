/* What the files of the FFmpeg wrapper share. */
#ifndef TAF_IO_AV_PARTS_H
#define TAF_IO_AV_PARTS_H

#include "io/av.h"

#define AV_CHANNELS_MAX 8

/** An error of FFmpeg (`av`) in words, after "what: ". */
int av_fail(struct err *e, int code, int av, const char *what);

#endif

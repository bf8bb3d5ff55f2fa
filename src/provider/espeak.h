/* The embedded voice: libespeak-ng, run in the worker (io/speech). This file only describes it; nothing here links the library. */
#ifndef TAF_PROVIDER_ESPEAK_H
#define TAF_PROVIDER_ESPEAK_H

#include "provider/providers.h"

struct espeak_params {
	double rate; /* factor on the natural pace */
};

#endif

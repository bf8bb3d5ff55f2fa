/* The embedded writer: no model, no network. Dialogue and annotations are put together from the scenario's own lines and templates by the
 * stages that use it, from draws alone; its records say so. It has no options. */
#ifndef TAF_PROVIDER_SCRIPT_PROVIDER_H
#define TAF_PROVIDER_SCRIPT_PROVIDER_H

#include "provider/providers.h"

#endif

/* For clang-tidy only: what an analyser of one file cannot know, that these return the negative code they are given. */
#ifndef TAF_SCRIPTS_LINT_H
#define TAF_SCRIPTS_LINT_H

#include "base/err.h"

#define err_set(e, code, ...) (err_set((e), (code), __VA_ARGS__), (code))
#define err_errno(...) (err_errno(__VA_ARGS__), ERR_IO)
#define err_context(...) (err_context(__VA_ARGS__), ERR_IO)

#endif

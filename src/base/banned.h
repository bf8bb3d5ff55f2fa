/* Functions that this project does not call: using one is a compile error whose words name the way out.
 * Force-included (`-include src/base/banned.h`) into all .c files of src/ and stages/. Two files are compiled with -DTAF_ALLOW_BANNED,
 * which switches it off: base/alloc.c, the one place that calls the system's allocator, and base/str.c, the one that reads numbers.
 * The system headers that declare these functions come first, so that their declarations are not touched. The macros take arguments:
 * a bare name (a struct member, `__attribute__((malloc))`) stays free. */
#ifndef TAF_BASE_BANNED_H
#define TAF_BASE_BANNED_H

#ifndef TAF_ALLOW_BANNED

#include <alloca.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#undef strcpy
#undef stpcpy
#undef strcat
#undef strncpy
#undef strncat
#undef sprintf
#undef vsprintf
#undef gets
#undef strtok
#undef strtok_r
#undef atoi
#undef atol
#undef atoll
#undef atof
#undef strtol
#undef strtoll
#undef strtoul
#undef strtoull
#undef system
#undef popen
#undef alloca
#undef malloc
#undef calloc
#undef realloc
#undef reallocarray
#undef strdup
#undef strndup
#undef strdupa

#define strcpy(...) banned_strcpy_use_buf_or_arena
#define stpcpy(...) banned_stpcpy_use_buf_or_arena
#define strcat(...) banned_strcat_use_buf
#define strncpy(...) banned_strncpy_use_buf_or_arena
#define strncat(...) banned_strncat_use_buf
#define sprintf(...) banned_sprintf_use_snprintf_or_buf_printf
#define vsprintf(...) banned_vsprintf_use_vsnprintf_or_buf_vprintf
#define gets(...) banned_gets_use_fs_read
#define strtok(...) banned_strtok_use_str_split
#define strtok_r(...) banned_strtok_r_use_str_split
#define atoi(...) banned_atoi_use_str_int
#define atol(...) banned_atol_use_str_int
#define atoll(...) banned_atoll_use_str_int
#define atof(...) banned_atof_use_str_real
#define strtol(...) banned_strtol_use_str_int
#define strtoll(...) banned_strtoll_use_str_int
#define strtoul(...) banned_strtoul_use_str_int
#define strtoull(...) banned_strtoull_use_str_int
#define system(...) banned_system_use_posix_spawn
#define popen(...) banned_popen_use_posix_spawn
#define alloca(...) banned_alloca_use_arena
#define malloc(...) banned_malloc_use_xmalloc
#define calloc(...) banned_calloc_use_xcalloc
#define realloc(...) banned_realloc_use_xrealloc
#define reallocarray(...) banned_reallocarray_use_xreallocarray
#define strdup(...) banned_strdup_use_xstrdup
#define strndup(...) banned_strndup_use_xstrndup
#define strdupa(...) banned_strdupa_use_arena_strdup

#endif
#endif

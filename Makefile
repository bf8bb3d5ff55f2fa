# taf: build, check, run. GNU make 4. `make help` lists the targets.
#   make BUILD=build-x SAN=address,undefined …   another build folder, with sanitizers
#   make WERROR=1 …                              warnings are errors (CI)

VERSION := 0.1.0

BUILD ?= build
SAN ?=
WERROR ?=
PREFIX ?= /usr/local
CC := $(if $(filter default,$(origin CC)),gcc,$(CC))
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
ifeq ($(filter -j%,$(MAKEFLAGS)),)
MAKEFLAGS += -j$(JOBS)
endif
MAKEFLAGS += --no-builtin-rules --no-print-directory
.SUFFIXES:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

# --- Libraries: taf stays small and starts fast; what touches sound is linked into taf-worker only ---
TAF_PKGS := yaml-0.1 libcurl libcjson sqlite3 libcrypto libzip libutf8proc libpcre2-8 libdeflate
SOUND_PKGS := libavformat libavcodec libswresample libavutil libebur128 espeak-ng
modversion = $(shell pkg-config --modversion $(1) 2>/dev/null || echo unknown)
TAF_LIBS := $(shell pkg-config --libs $(TAF_PKGS)) -lm -pthread
# jemalloc, of taf alone (src/base/alloc.c); sanitizers bring their own. The archive where there is one: the shared library brings libstdc++, a millisecond at each start.
JEMALLOC_A := $(wildcard $(shell pkg-config --variable=libdir jemalloc 2>/dev/null)/libjemalloc_pic.a)
ALLOCATOR := $(if $(SAN),,$(or $(JEMALLOC_A),$(shell pkg-config --libs jemalloc)))
SOUND_LIBS := $(shell pkg-config --libs $(SOUND_PKGS))
PKG_CFLAGS := $(shell pkg-config --cflags $(TAF_PKGS) $(SOUND_PKGS))
package_version = $(or $(shell dpkg-query -W -f='$${Version}' $(1) 2>/dev/null),unknown)
LAME_VERSION := $(call package_version,libmp3lame0)
OPUS_VERSION := $(call package_version,libopus0)
# libswresample may have been built with soxr or without it: its bytes differ, so it is part of the keys.
SWR_LIB := $(wildcard $(shell pkg-config --variable=libdir libswresample 2>/dev/null)/libswresample.so)
SOXR_VERSION := $(if $(and $(SWR_LIB),$(shell readelf -d $(SWR_LIB) 2>/dev/null | grep -F 'libsoxr.so')),$(call package_version,libsoxr0),none)

# --- Flags ---
DEFINES := -D_GNU_SOURCE -DTAF_VERSION='"$(VERSION)"' \
	-DTAF_FFMPEG_VERSION='"$(call modversion,libavcodec)"' \
	-DTAF_SWRESAMPLE_VERSION='"$(call modversion,libswresample)"' \
	-DTAF_EBUR128_VERSION='"$(call modversion,libebur128)"' \
	-DTAF_ESPEAK_VERSION='"$(call modversion,espeak-ng)"' \
	-DTAF_LAME_VERSION='"$(LAME_VERSION)"' -DTAF_OPUS_VERSION='"$(OPUS_VERSION)"' -DTAF_SOXR_VERSION='"$(SOXR_VERSION)"'
WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wvla -Wundef -Wstrict-prototypes -Wmissing-prototypes \
	-Wwrite-strings -Wformat=2 -Wpointer-arith -Wjump-misses-init
ifeq ($(SAN),)
OPTIMISE := -O2 -g -D_FORTIFY_SOURCE=2 -fstack-protector-strong $(if $(WERROR),-Werror)
else # gcc's sanitizers bring false warnings: they are errors in the plain build only
OPTIMISE := -O1 -g -fno-omit-frame-pointer -fsanitize=$(SAN) -fno-sanitize-recover=all
endif
CFLAGS_ALL := -std=c11 $(DEFINES) -Isrc -I. $(PKG_CFLAGS) $(WARNINGS) $(OPTIMISE) -fPIE -pthread $(CFLAGS)
LDFLAGS_ALL := -pie -Wl,--as-needed -Wl,-z,relro,-z,now $(if $(SAN),-fsanitize=$(SAN)) $(LDFLAGS)
BANNED := $(if $(wildcard src/base/banned.h),-include src/base/banned.h)

# --- Sources: found, not listed. All but the two programs goes into one archive, from which each program takes what it refers to ---
LIB_SRC := $(wildcard src/base/*.c src/io/*.c src/core/*.c src/provider/*.c stages/*.c stages/*/*.c)
CLI_SRC := $(wildcard src/cli/*.c)
WORKER_SRC := $(wildcard src/worker/*.c)
FUZZ_SRC := $(sort $(wildcard tests/fuzz/fuzz_*.c)) # replays of the corpora are tests, see tests/fuzz/fuzz.h
TEST_SRC := $(sort $(wildcard tests/*/test_*.c tests/*/*/test_*.c)) $(FUZZ_SRC)
BENCH_SRC := $(sort $(wildcard tests/bench/bench_*.c))
SUPPORT_SRC := $(filter-out $(TEST_SRC) $(BENCH_SRC) $(FUZZ_SRC) $(wildcard tests/servers/*/*.c tests/cases/*/*.c tests/faults/*.c), \
	$(wildcard tests/*.c tests/*/*.c tests/*/*/*.c))
TSAN_SRC := $(wildcard $(patsubst %,tests/core/test_%*.c,engine store account budget)) tests/io/test_http_loop.c

OBJ := $(BUILD)/obj
objects = $(patsubst %.c,$(OBJ)/%.o,$(1))
program = $(patsubst %.c,$(BUILD)/%,$(1))
TESTS := $(call program,$(TEST_SRC))
BENCHES := $(call program,$(BENCH_SRC))
CASES := $(sort $(wildcard tests/cases/*/test.sh))
CHECKS := $(sort $(wildcard scripts/check-*))
chosen = $(if $(T),$(foreach t,$(1),$(if $(findstring $(T),$(t)),$(t))),$(1))
# What tests link besides the archive: the commands and the worker's loop without their main().
TEST_OBJ := $(call objects,$(filter-out src/cli/main.c src/worker/main.c,$(CLI_SRC) $(WORKER_SRC)) $(SUPPORT_SRC))

FAULT_STEP ?= 1
# Test servers: one program for each folder of tests/servers but common, which all of them link.
SERVER_SRC := $(wildcard tests/servers/*/*.c)
SERVERS := $(patsubst tests/servers/%/,$(BUILD)/taf-%-server,$(filter-out %/common/,$(sort $(dir $(SERVER_SRC)))))
.PHONY: all programs servers tests run check asan tsan faults fuzz lint bench golden format install docs clean help FORCE
all: programs servers
programs: $(BUILD)/taf $(BUILD)/taf-worker
servers: $(SERVERS) ## the servers that tests talk to, and people try a configuration on
tests: $(TESTS)

# --- Rules ---
# Stamps: changed flags rebuild all objects, a removed source rebuilds the archives.
stamp = @mkdir -p $(@D); printf '%s\n' '$(subst ','\'',$(1))' | cmp -s - $@ || printf '%s\n' '$(subst ','\'',$(1))' >$@
$(BUILD)/flags: FORCE
	$(call stamp,$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) $(TAF_LIBS) $(ALLOCATOR) $(SOUND_LIBS))
$(BUILD)/sources: FORCE
	$(call stamp,$(LIB_SRC) $(TEST_OBJ))

$(OBJ)/tests/%.o: tests/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	@echo "CC   $<"
	@$(CC) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<
$(OBJ)/src/base/alloc.o $(OBJ)/src/base/str.o: ALLOW := -DTAF_ALLOW_BANNED
$(OBJ)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	@echo "CC   $<"
	@$(CC) $(CFLAGS_ALL) $(ALLOW) $(BANNED) -MMD -MP -c -o $@ $<

archive = @rm -f $@; $(AR) rcsD $@ $(filter %.o,$^)
$(BUILD)/libtaf.a: $(call objects,$(LIB_SRC)) $(BUILD)/sources
	$(archive)
$(BUILD)/libtest.a: $(TEST_OBJ) $(BUILD)/sources
	$(archive)

link = @echo "LINK $@"; mkdir -p $(@D); $(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $(filter %.o %.a,$^)
$(BUILD)/taf: $(call objects,$(CLI_SRC)) $(BUILD)/libtaf.a
	$(link) $(TAF_LIBS) $(ALLOCATOR)
$(BUILD)/taf-worker: $(call objects,$(WORKER_SRC)) $(BUILD)/libtaf.a
	$(link) $(TAF_LIBS) $(SOUND_LIBS)
.SECONDEXPANSION:
$(SERVERS): $(BUILD)/taf-%-server: $$(call objects,$$(wildcard tests/servers/$$*/*.c tests/servers/common/*.c)) $(BUILD)/libtaf.a
	$(link) $(TAF_LIBS) $(SOUND_LIBS) -lmicrohttpd
$(BUILD)/tests/faults/inject.so: tests/faults/inject.c $(BUILD)/flags
	@mkdir -p $(@D)
	@echo "LINK $@"; $(CC) -std=c11 -D_GNU_SOURCE -O1 -g -Wall -Wextra -fPIC -shared -o $@ $< -ldl
$(TESTS) $(BENCHES): $(BUILD)/%: $(OBJ)/%.o $(BUILD)/libtest.a $(BUILD)/libtaf.a
	$(link) $(SOUND_LIBS) $(TAF_LIBS) -lcmocka -lssl

-include $(patsubst %.o,%.d,$(call objects,$(LIB_SRC) $(CLI_SRC) $(WORKER_SRC) $(TEST_SRC) $(BENCH_SRC) $(SUPPORT_SRC) $(SERVER_SRC)))

# --- What people call ---
run: programs ## build, then the default pipeline: audio and release zips under work/
	$(BUILD)/taf run
check: programs servers tests ## all tests and script checks (make check T=word: those with that word); ends with "N passed, N failed"
	@tests/run --build $(BUILD) --jobs $(JOBS) $(call chosen,$(CASES) $(TESTS) $(CHECKS))
asan: ## the same tests under AddressSanitizer and UndefinedBehaviorSanitizer, in build-asan
	@$(MAKE) BUILD=build-asan SAN=address,undefined sanitized
tsan: ## the engine's tests under ThreadSanitizer, in build-tsan
	@$(MAKE) BUILD=build-tsan SAN=thread sanitized TEST_SRC="$(TSAN_SRC)" CASES=
.PHONY: sanitized
sanitized: $(if $(filter thread,$(SAN)),,programs servers) tests
	@tests/run --build $(BUILD) --jobs $(JOBS) --slow 5 $(call chosen,$(CASES) $(TESTS))
faults: programs $(BUILD)/tests/faults/inject.so ## each call to a file, the database, a socket or a process fails once (make faults FAULT_STEP=20: every 20th; hours for all)
	@tests/faults/run $(BUILD) $(FAULT_STEP)
fuzz: ## look for inputs that break a parser: make fuzz T=NAME SECS=60, or all in turn (clang's libFuzzer; targets are tests/fuzz/fuzz_NAME.c)
	@tests/fuzz/run "$(T)" "$(or $(SECS),60)"
golden: programs $(BUILD)/tests/stages/test_golden ## add golden rows of stages whose version was raised (tests/golden/rows.tsv)
	@TAF_GOLDEN_ADD=1 TAF_DATA=. TAF_WORKER=$(BUILD)/taf-worker $(BUILD)/tests/stages/test_golden
lint: ## clang-format, clang-tidy, cppcheck
	@scripts/lint
bench: programs servers $(BENCHES) ## all measurements, or one: make bench B=NAME
	@tests/bench/run --build $(BUILD) $(B)
format: ## lay all C files out as .clang-format says
	@scripts/format
docs: $(BUILD)/taf ## docs/stages.md from the option tables
	@$(BUILD)/taf help --markdown >docs/stages.md.tmp && mv docs/stages.md.tmp docs/stages.md
install: programs ## to $(DESTDIR)$(PREFIX): bin/taf, bin/taf-worker, share/taf (labels, scenarios, rules, voices, schemas)
	@BUILD=$(BUILD) scripts/install "$(DESTDIR)$(PREFIX)"
clean: ## remove the build folders (work/ stays)
	rm -rf build build-asan build-tsan build-fuzz
help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(firstword $(MAKEFILE_LIST)) | expand -t 10

# SPDX-License-Identifier: Apache-2.0
#
# Micro-benchmarks: nanoseconds of pure code, no network. Each is one file, linked with the two lowest floors it needs.

micro_b := $(patsubst %.c,$(O)/%,$(wildcard tests/bench/micro/*_bench.c))

.PHONY: bench-micro

$(O)/tests/bench/micro/%_bench: $(O)/tests/bench/micro/%_bench.o $(O)/lib/http.a $(O)/lib/base.a
	$(call say,LD,$@)$(CC) $(CFLAGS) -pie $^ $(LDLIBS) -o $@

bench-micro: $(micro_b) ## nanoseconds per request of parsing and writing heads
	@for b in $(micro_b); do $$b || exit 1; done

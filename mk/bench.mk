# SPDX-License-Identifier: Apache-2.0
#
# The benchmarks. ROUNDS, DURATION (seconds) and CASES (comma-separated) shorten a run.

bench_tools := $(O)/tests/bench/tools/loadgen $(O)/tests/bench/tools/backend
bench_run    = O=$(O) $(PYTHON) tests/bench

.PHONY: bench-deps bench-tools bench-routes bench-reload

$(O)/tests/bench/tools/loadgen: $(addprefix tests/bench/tools/,loadgen.c load_conn.c latency.c cputime.c)
$(O)/tests/bench/tools/backend: tests/bench/tools/backend.c
$(bench_tools): $(wildcard tests/bench/tools/*.h) $(O)/flags
	$(call say,CC,$@)mkdir -p $(@D) && $(CC) $(CSTD) $(WARN) $(HARDEN) $(CFLAGS) $(filter %.c,$^) \
		$(HARDEN_LD) -lssl -lcrypto -o $@

bench-tools: $(bench_tools)

bench-deps:
	@tests/support/deps build test bench

bench: bench-l7 bench-routes bench-reload bench-kernel ## every benchmark: tables here, JSON in build/bench

bench-l7: bench-deps $(bench_tools) $(O)/tidegate ## the proxy against nginx and HAProxy
	$(bench_run)/l7.py

bench-routes: bench-deps $(bench_tools) $(O)/tidegate ## what many routes cost
	$(bench_run)/routes.py

bench-reload: bench-deps $(bench_tools) $(O)/tidegate ## a change under load, beside nginx
	$(bench_run)/reload.py

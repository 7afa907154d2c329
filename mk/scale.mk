# SPDX-License-Identifier: Apache-2.0
# What very many routes, endpoints and changes cost.

$(O)/tests/bench/micro/compile_bench: $(O)/tests/bench/micro/compile_bench.o $(call lib_of,plan)
	$(call say,LD,$@)$(CC) $(CFLAGS) -pie $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LDLIBS) -o $@

.PHONY: bench-compile bench-scale

bench-compile: $(O)/tests/bench/micro/compile_bench ## milliseconds of compiling everything, endpoints, a route
	@$(O)/tests/bench/micro/compile_bench

bench-scale: bench-deps $(O)/tidegate ## 10,000 routes, 100,000 endpoints, hundreds of changes a second
	O=$(O) $(PYTHON) tests/bench/scale.py

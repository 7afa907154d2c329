# SPDX-License-Identifier: Apache-2.0
#
# Fuzzing: a target per parser; tests/fuzz/corpus/NAME belongs to tests/fuzz/NAME_fuzz.c. What a run finds new stays
# under $(O)/fuzz; a crash is left there too, as NAME-crash-*.

FUZZ_SECONDS ?= 30
fuzz_t := $(patsubst %.c,$(O)/%,$(wildcard tests/fuzz/*_fuzz.c))

# The code under test is instrumented too: a second tree of objects, built by clang, each source once for
# all targets. `// link: base http` in a target's source names the modules that it needs.
fuzz_flags := -g -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
fuzz_mods   = $(shell sed -n 's|^// link: ||p' tests/fuzz/$1.c)
fuzz_obj    = $(patsubst %.c,$(O)/fuzz/%.o,$(filter-out $(main_src),$(wildcard user/$1/*.c))) \
              $(patsubst %.cc,$(O)/fuzz/%.o,$(wildcard user/$1/*.cc))
fuzz_libs   = $(foreach m,$(call fuzz_mods,$1),$(O)/fuzz/lib/$m.a)

$(O)/fuzz/%.o: %.c $(O)/flags | $(skels)
	$(call say,FUZZCC,$@)mkdir -p $(@D) && clang $(CSTD) $(fuzz_flags) $(INC) -Itests/support -MMD -MP -c $< -o $@

# RE2 as installed has no type information for the two checks that are left out.
$(O)/fuzz/%.o: %.cc $(O)/flags
	$(call say,FUZZCC,$@)mkdir -p $(@D) && clang++ -std=gnu++17 $(fuzz_flags) -fno-sanitize=function,vptr $(INC) -MMD -MP -c $< -o $@

$(O)/fuzz/lib/%.a: $$(call fuzz_obj,$$*)
	$(call say,AR,$@)mkdir -p $(@D) && rm -f $@ && ar rcs $@ $^

$(O)/tests/fuzz/%_fuzz: $(O)/fuzz/tests/fuzz/%_fuzz.o $$(call fuzz_libs,$$*_fuzz)
	$(call say,FUZZ,$@)mkdir -p $(@D) && clang $(fuzz_flags) -fsanitize=fuzzer $< \
		-Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LDLIBS) -o $@

fuzz: $(fuzz_t) ## run every fuzz target for FUZZ_SECONDS (30)
	@for t in $(fuzz_t); do \
		name=$$(basename $$t _fuzz); mkdir -p $(O)/fuzz/$$name; \
		echo "# $$name"; \
		$$t -max_total_time=$(FUZZ_SECONDS) -timeout=5 -print_final_stats=0 -verbosity=0 \
			-artifact_prefix=$(O)/fuzz/$$name- $(O)/fuzz/$$name tests/fuzz/corpus/$$name || exit 1; \
	done

check-fuzz: $(fuzz_t) ## replay every fuzz corpus
	@for t in $(fuzz_t); do \
		name=$$(basename $$t _fuzz); \
		[ -n "$$(ls tests/fuzz/corpus/$$name 2>/dev/null)" ] || { echo "tests/fuzz/corpus/$$name is empty"; exit 1; }; \
		$$t -runs=0 -timeout=5 -verbosity=0 tests/fuzz/corpus/$$name || exit 1; \
		echo "ok - $$name: $$(ls tests/fuzz/corpus/$$name | wc -l) inputs"; \
	done

# SPDX-License-Identifier: Apache-2.0
#
# Fuzzing: a target per parser; tests/fuzz/corpus/NAME belongs to tests/fuzz/NAME_fuzz.c. What a run finds new stays
# under $(O)/fuzz; a crash is left there too, as NAME-crash-*.

FUZZ_SECONDS ?= 30

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

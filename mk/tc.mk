# SPDX-License-Identifier: Apache-2.0
# The kernel plane as a program of tc: the same rows against its object, and a neighbour in the way.

tc_rows := $(patsubst %,$(O)/tests/bpf/%_test,translate shield)

.PHONY: check-bpf-tc
check-bpf-tc: $(tc_rows)
	@PLANE_TC=1 tests/support/run-cmocka $^

check-bpf: check-bpf-tc

check-e2e: $(O)/tests/vm/foreign.bpf.o

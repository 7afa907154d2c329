# SPDX-License-Identifier: Apache-2.0
#
# The kernel plane's tests, benchmark and generated pages.

# BPF tests write configurations the way the product does, so they need these two modules' objects.
kernel_o := $(O)/user/plan/kernel_diff.o $(patsubst %.c,$(O)/%.o,$(wildcard user/dataplane/*.c))
$(bpf_t): $(kernel_o)

check-bpf: $(bpf_t) $(O)/tidegate-loader ## run the BPF tests (root)
	@tests/support/run-cmocka $(bpf_t)

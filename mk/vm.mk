# SPDX-License-Identifier: Apache-2.0
#
# Tests that need another kernel than the one they are started on; tests/vm/README.md says how.

$(O)/tests/vm/foreign.bpf.o: tests/vm/foreign.bpf.c
	$(call say,BPF,$@)mkdir -p $(@D) && $(CLANG) -O2 -g -Wall -Wextra -Werror -target bpf -mcpu=v3 \
		-I/usr/include/$(ARCH)-linux-gnu -c $< -o $@

check-vm: $(O)/tidegate $(O)/tidegate-loader $(O)/tests/vm/foreign.bpf.o ## TLS in the kernel, libxdp's dispatcher, in test machines
	@O=$(O) tests/vm/check

# SPDX-License-Identifier: Apache-2.0
#
# The kernel plane's tests, benchmark and generated pages.

# BPF tests write configurations the way the product does, so they need these two modules' objects.
kernel_o := $(O)/user/plan/kernel_diff.o $(patsubst %.c,$(O)/%.o,$(wildcard user/dataplane/*.c))
$(bpf_t): $(kernel_o)

check-bpf: $(bpf_t) $(O)/tidegate-loader ## run the BPF tests (root)
	@tests/support/run-cmocka $(bpf_t)

# The benchmark's own BPF object and program.
$(O)/tests/bench/kernel/drive.bpf.o: tests/bench/kernel/drive.bpf.c
	$(call say,BPF,$@)mkdir -p $(@D) && $(CLANG) -O2 -g -Wall -Wextra -Werror -target bpf -mcpu=v3 \
		-I/usr/include/$(ARCH)-linux-gnu -c $< -o $@

$(O)/gen/drive.skel.h: $(O)/tests/bench/kernel/drive.bpf.o
	$(call say,SKEL,$@)mkdir -p $(@D) && $(BPFTOOL) gen skeleton $< name drive > $@

kernel_bench := $(O)/tests/bench/kernel/kernel_bench $(O)/tests/bench/kernel/live_bench
$(O)/tests/bench/kernel/%.o: INC_tests += -Itests/bpf
$(kernel_bench:=.o): $(O)/gen/drive.skel.h
$(kernel_bench): %: %.o $(O)/tests/support/packet.o $(O)/tests/support/plane.o $(kernel_o) \
		$(O)/lib/loader.a $(O)/lib/base.a
	$(call say,LD,$@)$(CC) $(CFLAGS) -pie $(filter %.o,$^) $(filter %.a,$^) -lcmocka -lre2 -lstdc++ -lcrypto \
		-lbpf -lxdp -lelf -lz -lm -lpthread -o $@

bench-kernel: bench-deps $(kernel_bench) $(O)/tests/bpf/rate_test ## what the kernel plane costs, beside XDP_DROP, xdp-filter, nft, hashlimit
	@mkdir -p $(O)/bench
	@$(O)/tests/bench/kernel/kernel_bench --json $(O)/bench/kernel-run.json
	@$(O)/tests/bench/kernel/live_bench --json $(O)/bench/kernel-live.json
	@echo; $(O)/tests/bpf/rate_test 2>&1 | grep offered
	@(printf '{"test_run":'; cat $(O)/bench/kernel-run.json; printf ',"live":'; cat $(O)/bench/kernel-live.json; \
		printf '}\n') > $(O)/bench/kernel.json && rm $(O)/bench/kernel-run.json $(O)/bench/kernel-live.json

.PHONY: gen-kernel
gen: gen-kernel
gen-kernel: $(O)/bpf/ingress.bpf.o ## docs/reference/maps.md and drops.md from the kernel plane's headers
	$(PYTHON) bpf/gen-reference $< docs/reference

# SPDX-License-Identifier: Apache-2.0
# The benchmark of balancing: its BPF driver and its program.

.PHONY: bench-balance

$(O)/tests/bench/kernel/flows.bpf.o: tests/bench/kernel/flows.bpf.c
	$(call say,BPF,$@)mkdir -p $(@D) && $(CLANG) -O2 -g -Wall -Wextra -Werror -target bpf -mcpu=v3 \
		-I/usr/include/$(ARCH)-linux-gnu -c $< -o $@

$(O)/gen/flows.skel.h: $(O)/tests/bench/kernel/flows.bpf.o
	$(call say,SKEL,$@)mkdir -p $(@D) && $(BPFTOOL) gen skeleton $< name flows > $@

balance_bench := $(O)/tests/bench/kernel/balance_bench
$(balance_bench).o: $(O)/gen/flows.skel.h
$(balance_bench): $(balance_bench).o $(O)/tests/support/packet.o $(O)/tests/support/plane.o $(kernel_o) \
		$(O)/lib/loader.a $(O)/lib/base.a
	$(call say,LD,$@)$(CC) $(CFLAGS) -pie $(filter %.o,$^) $(filter %.a,$^) -lcmocka -lre2 -lstdc++ -lcrypto \
		-lbpf -lxdp -lelf -lz -lm -lpthread -o $@

bench-balance: $(balance_bench) ## what balancing in the kernel plane costs by flows, addresses, backends
	@mkdir -p $(O)/bench
	@$(balance_bench) --json $(O)/bench/balance.json

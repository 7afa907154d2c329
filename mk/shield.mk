# SPDX-License-Identifier: Apache-2.0
#
# Floods: the generator, and what is measured with it.

flood_dir := $(O)/tests/bench/flood

$(flood_dir)/flood.bpf.o: tests/bench/flood/flood.bpf.c
	$(call say,BPF,$@)mkdir -p $(@D) && $(CLANG) -O2 -g -Wall -Wextra -Werror -target bpf -mcpu=v3 \
		-I/usr/include/$(ARCH)-linux-gnu -c $< -o $@

$(O)/gen/flood.skel.h: $(flood_dir)/flood.bpf.o
	$(call say,SKEL,$@)mkdir -p $(@D) && $(BPFTOOL) gen skeleton $< name flood > $@

$(flood_dir)/flood.o: $(O)/gen/flood.skel.h
$(flood_dir)/flood: $(flood_dir)/flood.o $(O)/tests/support/packet.o $(O)/lib/base.a
	$(call say,LD,$@)$(CC) $(CFLAGS) -pie $^ -lre2 -lstdc++ -lcrypto -lbpf -lelf -lz -lpthread -o $@

check-e2e: $(flood_dir)/flood

.PHONY: bench-flood bench-accuracy

bench-flood: bench-deps $(bench_tools) $(flood_dir)/flood $(O)/tidegate ## TLS requests under floods of spoofed packets, with protection and without
	@O=$(O) $(PYTHON) tests/bench/flood/flood.py

bench-accuracy: $(flood_dir)/accuracy ## how exact limits are over 60 s, for one source and for 10,000, on all CPUs
	@$(flood_dir)/accuracy

$(flood_dir)/accuracy.o: INC_tests += -Itests/bpf
$(flood_dir)/accuracy.o: $(O)/gen/drive.skel.h
$(flood_dir)/accuracy: $(flood_dir)/accuracy.o $(O)/tests/support/packet.o $(O)/tests/support/plane.o $(kernel_o) \
		$(O)/lib/loader.a $(O)/lib/base.a
	$(call say,LD,$@)$(CC) $(CFLAGS) -pie $(filter %.o,$^) $(filter %.a,$^) -lcmocka -lre2 -lstdc++ -lcrypto \
		-lbpf -lxdp -lelf -lz -lm -lpthread -o $@

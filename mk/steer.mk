# SPDX-License-Identifier: Apache-2.0
# The page of maps shows those of both objects.

gen-kernel: $(O)/bpf/sockets.bpf.o

# The stand-in for an older build's program.
$(O)/tests/bpf/older.bpf.o: tests/bpf/older.bpf.c
	$(call say,BPF,$@)mkdir -p $(@D) && $(CLANG) -O2 -g -Wall -Wextra -Werror -target bpf -mcpu=v3 \
		-I/usr/include/$(ARCH)-linux-gnu -c $< -o $@

$(O)/gen/older.skel.h: $(O)/tests/bpf/older.bpf.o
	$(call say,SKEL,$@)mkdir -p $(@D) && $(BPFTOOL) gen skeleton $< name older > $@

$(O)/tests/bpf/migrate_test.o: $(O)/gen/older.skel.h

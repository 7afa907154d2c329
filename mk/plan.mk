# SPDX-License-Identifier: Apache-2.0
#
# The router's benchmark needs more than the bench of heads beside it.

$(O)/tests/bench/micro/router_bench: $(O)/tests/bench/micro/router_bench.o $(call lib_of,plan)
	$(call say,LD,$@)$(CC) $(CFLAGS) -pie $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LDLIBS) -o $@

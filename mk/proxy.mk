# SPDX-License-Identifier: Apache-2.0
#
# Tests of the proxy share a harness that stands on the proxy itself, so it cannot be in tests/support,
# which is linked with every unit test.

proxy_support := $(O)/tests/support/proxy/loopback.o $(O)/tests/support/proxy/loopback_server.o

$(filter $(O)/tests/unit/proxy/%,$(unit_t)): $(proxy_support)

# The proxy core alone, one route to the ports that are given: for measuring and raw-socket tests.
$(O)/mini_proxy: $(O)/tests/support/proxy/mini_proxy.o $(proxy_support) $(call lib_of,proxy)
	$(call say,LD,$@)$(CC) $(CFLAGS) -pie $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LDLIBS) -o $@

# The stories of tests/e2e/test_w_adversary.py need it.
check-e2e: $(O)/mini_proxy

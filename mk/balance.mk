# SPDX-License-Identifier: Apache-2.0
# What the tests of forwarding need beside the product.

plane_apply := $(O)/tests/e2e/plane_apply

$(plane_apply): $(O)/tests/e2e/plane_apply.o $(libs) $(O)/lib/loader.a
	$(call say,LD,$@)$(CC) $(CFLAGS) -pie $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LDLIBS) -o $@

check-e2e: $(plane_apply)

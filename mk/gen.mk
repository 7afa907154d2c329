# SPDX-License-Identifier: Apache-2.0
#
# What is generated into the repository from the tables, and checked to be current by lint.

.PHONY: gen gen-model

gen: gen-model ## rewrite what is generated from the tables (CRDs, reference pages)

$(O)/gen_model: $(O)/tests/support/gen/gen_model.o $(O)/lib/model.a $(O)/lib/base.a
	$(call say,LD,$@)$(CC) $(CFLAGS) -pie $< -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LDLIBS) -o $@

gen-model: $(O)/gen_model
	@mkdir -p deploy/crds docs/reference && $(O)/gen_model .

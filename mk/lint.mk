# SPDX-License-Identifier: Apache-2.0
# lint: the house rules, each a small program in tests/lint/. LINT="floors sizes" runs only those.

.PHONY: lint format

lint: $(libs) $(O)/lib/loader.a $(skels) ## check the house rules
	@O=$(O) tests/lint/run $(LINT)

format: ## lay out all C as .clang-format says
	@tests/lint/format --fix

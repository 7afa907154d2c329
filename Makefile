# SPDX-License-Identifier: Apache-2.0
#
# One non-recursive Makefile. `make help` lists what there is; everything built goes under $(O).

O      ?= build
PREFIX ?= /usr/local
UNITS    ?= $(PREFIX)/lib/systemd/system
SYSUSERS ?= $(PREFIX)/lib/sysusers.d
SYSCTL   ?= $(PREFIX)/lib/sysctl.d
V      ?= 0
CC     ?= cc
CXX    ?= c++
CLANG  ?= clang
BPFTOOL ?= bpftool
PYTHON ?= /usr/bin/python3

# ---------------------------------------------------------------- flags ------
CFLAGS ?= -O2 -g
# SAN=address|thread builds the same tree with a sanitizer, in a folder of its own. This block comes
# before anything that uses $(O), or sanitizer objects would meet the plain build's generated headers.
ifeq ($(SAN),address)
override O := $(O)-address
CFLAGS := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
else ifeq ($(SAN),thread)
override O := $(O)-thread
CFLAGS := -O1 -g -fsanitize=thread -fno-omit-frame-pointer
else ifneq ($(SAN),)
$(error SAN=$(SAN) is not known; use SAN=address or SAN=thread)
endif

ARCH    := $(shell uname -m)
VERSION := 0.1.0
WARN    := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla \
           -Wpointer-arith -Wwrite-strings
HARDEN  := -fPIE -fstack-protector-strong -fno-common
ifeq ($(SAN),)
HARDEN  += -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fstack-clash-protection -fcf-protection
endif
HARDEN_LD := -pie -Wl,-z,relro,-z,now,-z,noexecstack
CSTD    := -std=gnu17 -D_GNU_SOURCE -DTIDEGATE_VERSION='"$(VERSION)"'
INC     := -Iuser -Iloader -Ibpf/include -I$(O)/gen
LDLIBS  := -lhiredis -lyaml -ljansson -lssl -lcrypto -lcurl -lcares -lnghttp2 -lre2 -lseccomp -lcap -lcrypt -lbpf -lxdp -lz -lbrotlienc -ldeflate -lzstd -lstdc++ -lm -lpthread

# ------------------------------------------------------------ what to build --
# Floors, lowest first: a module may use those before it (tests/lint/floors checks the includes).
FLOORS   := base obs model http rule net tls source mw plan proxy dataplane control admin app
main_src := user/app/main.c loader/main.c
mod_obj   = $(patsubst %.c,$(O)/%.o,$(filter-out $(main_src),$(wildcard user/$1/*.c))) \
            $(patsubst %.cc,$(O)/%.o,$(wildcard user/$1/*.cc))
libs     := $(foreach m,$(FLOORS),$(if $(wildcard user/$m/*.c user/$m/*.cc),$(O)/lib/$m.a))
loader_o := $(patsubst %.c,$(O)/%.o,$(filter-out loader/main.c,$(wildcard loader/*.c)))
bpf_obj  := $(patsubst bpf/%.bpf.c,$(O)/bpf/%.bpf.o,$(wildcard bpf/*.bpf.c))
skels    := $(patsubst bpf/%.bpf.c,$(O)/gen/%.skel.h,$(wildcard bpf/*.bpf.c))
support_o := $(patsubst %.c,$(O)/%.o,$(wildcard tests/support/*.c))
unit_t   := $(patsubst %.c,$(O)/%,$(wildcard tests/unit/*/*_test.c))
bpf_t    := $(patsubst %.c,$(O)/%,$(wildcard tests/bpf/*_test.c))

ifeq ($(V),0)
say = @printf '  %-7s %s\n' '$1' '$(2:$(O)/%=%)';
else
say =
endif

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:
MAKEFLAGS += --no-builtin-rules
# What this Makefile starts by itself builds on every CPU; tests and benchmarks still run one by one.
JOBS := $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))

.PHONY: all deps run test unit check-unit check-bpf check-e2e check-vm check-fuzz check-asan check-tsan bench bench-l7 \
        bench-kernel fuzz lint gen format install clean help FORCE

all: $(O)/tidegate $(O)/tidegate-loader ## build both programs

$(O)/tidegate: $(O)/user/app/main.o $(libs) $(O)/lib/loader.a $(O)/flags
	$(call say,LD,$@)$(CC) $(CFLAGS) $(HARDEN_LD) $(O)/user/app/main.o \
		-Wl,--start-group $(libs) $(O)/lib/loader.a -Wl,--end-group $(LDLIBS) -o $@

$(O)/tidegate-loader: $(O)/loader/main.o $(O)/lib/loader.a $(O)/lib/base.a $(O)/flags
	$(call say,LD,$@)$(CC) $(CFLAGS) $(HARDEN_LD) $(O)/loader/main.o $(O)/lib/loader.a $(O)/lib/base.a \
		-lre2 -lstdc++ -lcrypto -lbpf -lxdp -lelf -lz -lpthread -o $@

# ----------------------------------------------------------------- rules -----
# -MMD -MP writes the header dependencies beside each object; the flags file makes a change of flags
# rebuild what it affects.
$(O)/%.o: %.c $(O)/flags | $(skels)
	$(call say,CC,$@)mkdir -p $(@D) && $(CC) $(CSTD) $(WARN) $(HARDEN) $(CFLAGS) $(INC) $(INC_$(firstword $(subst /, ,$*))) -MMD -MP -c $< -o $@

$(O)/%.o: %.cc $(O)/flags
	$(call say,CXX,$@)mkdir -p $(@D) && $(CXX) -std=gnu++17 -Wall -Wextra -Werror $(HARDEN) $(CFLAGS) $(INC) -MMD -MP -c $< -o $@

INC_tests := -Itests/support

$(O)/bpf/%.bpf.o: bpf/%.bpf.c
	$(call say,BPF,$@)mkdir -p $(@D) && $(CLANG) -O2 -g -Wall -Wextra -Werror -target bpf -mcpu=v3 \
		-D__TARGET_ARCH_x86 -Ibpf -Ibpf/include -I/usr/include/$(ARCH)-linux-gnu -MMD -MP -c $< -o $@

$(O)/gen/%.skel.h: $(O)/bpf/%.bpf.o
	$(call say,SKEL,$@)mkdir -p $(@D) && $(BPFTOOL) gen skeleton $< name $* > $@

.SECONDEXPANSION:
$(O)/lib/loader.a: $(loader_o)
	$(call say,AR,$@)mkdir -p $(@D) && rm -f $@ && ar rcs $@ $^
$(O)/lib/%.a: $$(call mod_obj,$$*)
	$(call say,AR,$@)mkdir -p $(@D) && rm -f $@ && ar rcs $@ $^

# A unit test is linked with its module and everything below it, so that a module stands alone.
# The loader is there for tests/support alone.
below = $(shell echo '$(FLOORS)' | tr ' ' '\n' | sed '/^$1$$/q')
lib_of = $(foreach m,$(call below,$1),$(if $(wildcard user/$m/*.c user/$m/*.cc),$(O)/lib/$m.a)) \
         $(O)/lib/loader.a

$(O)/tests/unit/%_test: $(O)/tests/unit/%_test.o $(support_o) $$(call lib_of,$$(firstword $$(subst /, ,$$*)))
	$(call say,LD,$@)$(CC) $(CFLAGS) -pie $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group -lcmocka $(LDLIBS) -o $@

# What was compressed is read again.
$(filter $(O)/tests/unit/mw/%,$(unit_t)): LDLIBS += -lbrotlidec

$(O)/tests/bpf/%_test: $(O)/tests/bpf/%_test.o $(support_o) $(O)/lib/loader.a $(O)/lib/base.a
	$(call say,LD,$@)$(CC) $(CFLAGS) -pie $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group -lcmocka $(LDLIBS) -lelf -o $@

$(O)/flags: FORCE
	@mkdir -p $(@D); echo '$(CC) $(CFLAGS) $(HARDEN) $(CSTD)' | cmp -s - $@ || echo '$(CC) $(CFLAGS) $(HARDEN) $(CSTD)' > $@
FORCE:

# ---------------------------------------------------------------- targets ----
deps: ## install what is missing (Debian packages); nothing when all is there
	@tests/support/deps build test

run: deps ## build, make a small lab in namespaces, take a tour, serve until Ctrl-C (ONCE=1: tour only)
	@$(MAKE) --no-print-directory $(JOBS) all
	@$(PYTHON) tests/support/tour.py $(if $(ONCE),--once) --build $(O)

test: deps ## install what is missing, build, and run every test
	@$(MAKE) --no-print-directory $(JOBS) all
	@MAKE='$(MAKE) $(JOBS)' tests/support/run-stages check-unit check-bpf check-fuzz check-e2e check-vm lint

check-e2e: all ## end-to-end tests in network namespaces (root); K=word selects
	@TIDEGATE_BUILD=$(abspath $(O)) $(PYTHON) -m pytest -q --tb=short -p no:cacheprovider tests/e2e $(if $(K),-k '$(K)')

# COUNT requests (3,000 in check-e2e) of the world that SEED makes.
COUNT ?= 100000
SEED  ?= 1

.PHONY: agree
agree: all ## explain and the data plane side by side: COUNT (100,000) generated requests, of SEED (1)
	@AGREE_COUNT=$(COUNT) AGREE_SEED=$(SEED) TIDEGATE_BUILD=$(abspath $(O)) $(PYTHON) -m pytest -q -s --tb=short \
		-p no:cacheprovider tests/e2e/test_p_agree.py

check-asan: ## unit and end-to-end tests with AddressSanitizer and UBSan
	@$(MAKE) --no-print-directory SAN=address check-unit check-e2e

check-tsan: ## unit and end-to-end tests with ThreadSanitizer
	@$(MAKE) --no-print-directory SAN=thread check-unit check-e2e

install: all ## install programs and units under DESTDIR/PREFIX (default /usr/local)
	install -d $(DESTDIR)$(PREFIX)/sbin
	install -m 0755 $(O)/tidegate $(O)/tidegate-loader $(DESTDIR)$(PREFIX)/sbin/
	install -d $(DESTDIR)$(PREFIX)/share/doc/tidegate $(DESTDIR)$(UNITS) $(DESTDIR)$(SYSUSERS) $(DESTDIR)$(SYSCTL)
	install -m 0644 README.md LICENSE $(DESTDIR)$(PREFIX)/share/doc/tidegate/
	install -m 0644 deploy/systemd/*.service $(DESTDIR)$(UNITS)/
	sed -i 's|/usr/local/|$(PREFIX)/|g' $(DESTDIR)$(UNITS)/tidegate.service $(DESTDIR)$(UNITS)/tidegate-loader.service
	install -m 0644 deploy/systemd/tidegate.sysusers $(DESTDIR)$(SYSUSERS)/tidegate.conf
	install -m 0644 deploy/systemd/90-tidegate.conf $(DESTDIR)$(SYSCTL)/
	install -d $(DESTDIR)/etc/tidegate/manifests
	for f in tidegate.yaml loader.env; do test -e $(DESTDIR)/etc/tidegate/$$f || \
		install -m 0644 deploy/systemd/$$f $(DESTDIR)/etc/tidegate/; done

unit: $(filter $(O)/tests/unit/$(MOD)/%,$(unit_t)) ## build and run one module's unit tests: make unit MOD=http
	@for t in $^; do echo "# $$t"; $$t || exit 1; done

check-unit: $(unit_t) ## run every unit test
	@tests/support/run-cmocka $(unit_t)

# -------------------------------------------------------- kernel plane --

# The kernel plane's tests, benchmark and generated pages.

# BPF tests write configurations the way the product does, so they need these two modules' objects.
kernel_o := $(patsubst %.c,$(O)/%.o,$(filter-out user/plan/kernel_json.c,$(wildcard user/plan/kernel_*.c)) \
	user/plan/cuckoo.c user/plan/maglev.c $(wildcard user/dataplane/*.c))
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

# --------------------------------------------------------- proxy tests --

# Tests of the proxy share a harness that stands on the proxy itself, so it cannot be in tests/support,
# which is linked with every unit test.

proxy_support := $(O)/tests/support/proxy/loopback.o $(O)/tests/support/proxy/loopback_server.o

$(filter $(O)/tests/unit/proxy/%,$(unit_t)): $(proxy_support)

# The proxy core alone, one route to the ports that are given: for measuring and raw-socket tests.
$(O)/mini_proxy: $(O)/tests/support/proxy/mini_proxy.o $(proxy_support) $(call lib_of,proxy)
	$(call say,LD,$@)$(CC) $(CFLAGS) -pie $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LDLIBS) -o $@

# The stories of tests/e2e/test_w_adversary.py need it.
check-e2e: $(O)/mini_proxy

# ------------------------------------------------------- test machines --

# Tests that need another kernel than the one they are started on; tests/vm/README.md says how.

$(O)/tests/vm/foreign.bpf.o: tests/vm/foreign.bpf.c
	$(call say,BPF,$@)mkdir -p $(@D) && $(CLANG) -O2 -g -Wall -Wextra -Werror -target bpf -mcpu=v3 \
		-I/usr/include/$(ARCH)-linux-gnu -c $< -o $@

check-vm: $(O)/tidegate $(O)/tidegate-loader $(O)/tests/vm/foreign.bpf.o $(O)/tests/e2e/plane_apply ## TLS in the kernel, libxdp's dispatcher, in test machines
	@O=$(O) tests/vm/check

# ----------------------------------------------------- generated files --

# What is generated into the repository from the tables, and checked to be current by lint.

.PHONY: gen gen-model

gen: gen-model ## rewrite what is generated from the tables (CRDs, reference pages)

$(O)/gen_model: $(O)/tests/support/gen/gen_model.o $(O)/lib/model.a $(O)/lib/base.a
	$(call say,LD,$@)$(CC) $(CFLAGS) -pie $< -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LDLIBS) -o $@

gen-model: $(O)/gen_model
	@mkdir -p deploy/crds docs/reference && $(O)/gen_model .

# --------------------------------------------------------- house rules --

# lint: the house rules, each a small program in tests/lint/. CHECKS="floors sizes" runs only those.

.PHONY: lint format

lint: $(libs) $(O)/lib/loader.a $(skels) ## check the house rules
	@O=$(O) tests/lint/run $(CHECKS)

format: ## lay out all C as .clang-format says
	@tests/lint/format --fix

# ---------------------------------------------------- micro-benchmarks --

# Micro-benchmarks: nanoseconds of pure code, no network. Each is one file, linked with the two lowest floors it needs.

micro_b := $(patsubst %.c,$(O)/%,$(wildcard tests/bench/micro/*_bench.c))

.PHONY: bench-micro

$(O)/tests/bench/micro/%_bench: $(O)/tests/bench/micro/%_bench.o $(O)/lib/http.a $(O)/lib/base.a
	$(call say,LD,$@)$(CC) $(CFLAGS) -pie $^ $(LDLIBS) -o $@

bench-micro: $(micro_b) ## nanoseconds per request of parsing and writing heads
	@for b in $(micro_b); do $$b || exit 1; done

# The router's benchmark needs more than the bench of heads beside it.

$(O)/tests/bench/micro/router_bench: $(O)/tests/bench/micro/router_bench.o $(call lib_of,plan)
	$(call say,LD,$@)$(CC) $(CFLAGS) -pie $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LDLIBS) -o $@

# ---------------------------------------------------------- benchmarks --

# The benchmarks. ROUNDS, DURATION (seconds) and CASES (comma-separated) shorten a run.

bench_tools := $(O)/tests/bench/tools/loadgen $(O)/tests/bench/tools/backend
bench_run    = O=$(O) $(PYTHON) tests/bench

.PHONY: bench-deps bench-tools bench-routes bench-reload bench-body bench-mw

$(O)/tests/bench/tools/loadgen: $(addprefix tests/bench/tools/,loadgen.c load_conn.c latency.c cputime.c)
$(O)/tests/bench/tools/backend: tests/bench/tools/backend.c
$(bench_tools): $(wildcard tests/bench/tools/*.h) $(O)/flags
	$(call say,CC,$@)mkdir -p $(@D) && $(CC) $(CSTD) $(WARN) $(HARDEN) $(CFLAGS) $(filter %.c,$^) \
		$(HARDEN_LD) -lssl -lcrypto -o $@

bench-tools: $(bench_tools)

bench-deps:
	@tests/support/deps build test bench

bench: bench-l7 bench-routes bench-reload bench-body bench-mw bench-kernel ## every benchmark: tables here, JSON in build/bench

bench-l7: bench-deps $(bench_tools) $(O)/tidegate ## the proxy against nginx and HAProxy
	$(bench_run)/l7.py

bench-routes: bench-deps $(bench_tools) $(O)/tidegate ## what many routes cost
	$(bench_run)/routes.py

bench-reload: bench-deps $(bench_tools) $(O)/tidegate ## a change under load, beside nginx
	$(bench_run)/reload.py

bench-mw: bench-deps $(bench_tools) $(O)/tidegate ## what each middleware costs
	$(bench_run)/middlewares.py

bench-body: bench-deps $(bench_tools) $(O)/tidegate ## compression and caching against nginx
	$(bench_run)/body.py

# ------------------------------------------------------------ the rest --

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@printf '\n  O=DIR                 build there (default: build)\n  V=1                   show the commands\n  SAN=address|thread    build with a sanitizer, in a folder of its own\n'

clean: ## remove what was built
	$(call say,RM,$(O))rm -rf $(O)

# Rules of one area, too many for this page.
-include $(wildcard mk/*.mk)

-include $(shell find $(O) -name '*.d' 2>/dev/null)

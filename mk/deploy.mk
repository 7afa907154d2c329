# SPDX-License-Identifier: Apache-2.0
# What deploy/ is made of: the plain manifests are the chart, rendered.

.PHONY: manifests

render := $(O)/tests/support/render

# Debian has no Helm, but Go's templates and sprig, which are what Helm renders with.
$(render): tests/support/chart/render.go
	$(call say,GO,$@)mkdir -p $(@D) && GO111MODULE=off GOPATH=/usr/share/gocode GOFLAGS= \
		GOCACHE=$(abspath $(O))/gocache go build -o $@ $<

chart := deploy/chart/tidegate
chart_files := $(wildcard $(chart)/*.yaml $(chart)/templates/* $(chart)/files/*)

manifests: $(render) ## render the chart to deploy/kubernetes
	@tests/support/chart/manifests $(render) deploy/kubernetes

$(O)/deploy/kubernetes/.done: $(render) $(chart_files) tests/support/chart/manifests
	@tests/support/chart/manifests $(render) $(@D) && touch $@

check-e2e: $(render)

# SPDX-License-Identifier: Apache-2.0
# A real API server, etcd and RBAC, instead of the stand-in.

.PHONY: check-live

check-live: $(O)/tidegate ## against a real API server, built first from Debian's source package (minutes; needs the network)
	@tests/live/build_api_server $(O)/live
	@LIVE_API_SERVER=$(abspath $(O))/live/kube-apiserver TIDEGATE_BUILD=$(abspath $(O)) $(PYTHON) -m pytest -q --tb=short \
		-p no:cacheprovider tests/live $(if $(K),-k '$(K)')

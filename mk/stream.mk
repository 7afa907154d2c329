# SPDX-License-Identifier: Apache-2.0
# Raw TCP against nginx's stream module and HAProxy in mode tcp.

.PHONY: bench-stream

bench-stream: bench-deps $(bench_tools) $(O)/tidegate ## raw TCP through the proxy against nginx and HAProxy
	$(bench_run)/stream.py

# With the others.
bench: bench-stream

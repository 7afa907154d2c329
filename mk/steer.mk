# SPDX-License-Identifier: Apache-2.0
# The page of maps shows those of both objects.

gen-kernel: $(O)/bpf/sockets.bpf.o

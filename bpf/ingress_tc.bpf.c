// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/*
 * ingress_tc: the kernel plane once more, as programs of tc: for interfaces whose XDP hook is
 * taken.
 *
 * The same source, maps and programs, so that one loader, one configuration and one book serve
 * both.
 */
#define CONTEXT_SKB

#include "context.h"
#include "ingress.bpf.c"

/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef ABI_ADDR_H
#define ABI_ADDR_H

/* abi_addr: the one address type of the kernel plane: 16 bytes, IPv4 as ::ffff:a.b.c.d. */

#include <linux/types.h>

struct abi_addr {
	__be32 word[4];
};

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KERNEL_LIST_H
#define KERNEL_LIST_H

/*
 * kernel_list: deny and allow lists, from text of one address or CIDR per line. Pure; a million
 * lines take a tenth of a second.
 */

#include "base/addr.h"
#include "base/arena.h"
#include "base/str.h"

enum kernel_action { KERNEL_NONE, KERNEL_ALLOW, KERNEL_DENY };

struct kernel_acl {
	struct cidr cidr;
	enum kernel_action action;
};

/* Many prefixes, kept by whoever read them and used by any number of policies. */
struct kernel_list {
	const struct kernel_acl *at;
	size_t n;
	uint64_t digest; /* of them; 0: not known */
};

struct kernel_list_fault {
	size_t line; /* from 1 */
	struct str text;
};

/*
 * Reads a list: what follows '#' or ';' is a comment, as is what follows an address and a blank.
 * Addresses without a length are hosts. -ENOMEM; -EINVAL: *ret_fault tells the first line that is
 * none, and *ret_list is left alone.
 */
int kernel_list_parse(struct str text, enum kernel_action action, struct arena *arena,
		      struct kernel_list *ret_list, struct kernel_list_fault *ret_fault);
/* Keyed by the process; the list's own when it has one, since there may be a million prefixes. */
uint64_t kernel_list_digest(const struct kernel_list *list);
/* The better of best (or NULL) and what matches in the list: the longer one, deny before allow. */
const struct kernel_acl *kernel_list_match(const struct kernel_list *list,
					   const struct addr *source,
					   const struct kernel_acl *best);

#endif

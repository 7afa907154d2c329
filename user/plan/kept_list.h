/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KEPT_LIST_H
#define KEPT_LIST_H

/*
 * kept_list: long lists of addresses that objects name: read once for their content, and the last
 * good one while a new text has a line that is no address.
 *
 * Kept by the registry under the list's own key, so that every compile finds what the one before
 * had. A part holds a reference to the list it uses. Belongs to the thread that compiles;
 * snapshots may be released on any.
 */

#include "plan/kernel_list.h"
#include "plan/registry.h"

enum { KEPT_LIST_WORD_MAX = 63 };

struct kept_list_text {
	struct str key;		   /* which list it is */
	struct str text;	   /* at NULL: there is none */
	uint64_t content_hash;	   /* of the text */
	enum kernel_action action; /* of all its prefixes */
};

struct kept_list_fault {
	size_t line; /* the first line that is no address; 0: none */
	char word[KEPT_LIST_WORD_MAX + 1];
};

/*
 * Returns the list, which lives as long as the part; NULL when there was never a good one, or
 * without memory. After a fault it is the last good one. A deny list whose text is gone stays as it
 * was, too; an allow list is gone with its text.
 */
const struct kernel_list *kept_list(struct registry *registry, struct part *part,
				    const struct kept_list_text *text,
				    struct kept_list_fault *ret_fault);

#endif

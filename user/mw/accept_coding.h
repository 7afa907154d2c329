/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ACCEPT_CODING_H
#define ACCEPT_CODING_H

/* accept_coding: which content coding a request gets, by its Accept-Encoding (RFC 9110 12.5.3,
 * reference c.9). Pure. */

#include "http/header.h"
#include "mw/coding.h"

struct accept_coding {
	enum coding_id order[CODING__COUNT]; /* preference among those that are liked equally */
	uint8_t n;
	enum coding_id preset; /* for requests that do not say; CODING_IDENTITY: none. Also what
				  "*" means before the first of order */
};

enum coding_id accept_coding_choose(const struct accept_coding *offer,
				    const struct headers *request);

#endif

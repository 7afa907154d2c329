/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DATE_H
#define DATE_H

/* date: the Date header's text (RFC 9110 5.6.7), formatted once a second. One cache per thread. */

#include <stdint.h>

#include "base/str.h"

enum { DATE_TEXT_BYTES = 29 };

struct date {
	int64_t second; /* of text; 0 (a zeroed struct): none yet */
	char text[DATE_TEXT_BYTES + 3];
};

/* "Sun, 06 Nov 1994 08:49:37 GMT"; valid until the next call with another second. */
struct str date_text(struct date *date, int64_t wall_s);

#endif

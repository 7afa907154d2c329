/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STATUS_H
#define STATUS_H

/* status: the known status codes and their texts (the IANA registry, and 499). */

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* "Not Found"; empty for a code that has no text. */
struct str status_text(uint16_t status);
/* RFC 9110 6.4.1: 1xx, 204 and 304 never have a body. */
static inline bool status_is_bodiless(uint16_t status)
{
	return status < 200 || status == 204 || status == 304;
}

#endif

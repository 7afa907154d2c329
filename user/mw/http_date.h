/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HTTP_DATE_H
#define HTTP_DATE_H

/* http_date: dates in header fields, in the three forms that RFC 9110 5.6.7 has. Pure. */

#include <stdint.h>

#include "base/str.h"

/* Seconds since the epoch; -EINVAL for anything else. */
int http_date_parse(struct str text, int64_t *ret_epoch_s);

#endif

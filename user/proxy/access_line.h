/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ACCESS_LINE_H
#define ACCESS_LINE_H

/* access_line: what the access log says of an exchange, put into the worker's ring. */

#include "proxy/exchange.h"

void access_line_write(const struct exchange *exchange);

#endif

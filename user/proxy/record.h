/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECORD_H
#define RECORD_H

/* record: what remains of a finished exchange: its metrics, and its line in the access log. */

#include "proxy/exchange.h"

void record_exchange(const struct exchange *exchange);

#endif

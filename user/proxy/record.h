/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECORD_H
#define RECORD_H

/* record: what remains of a finished exchange: its metrics, and its line in the access log. */

#include "proxy/exchange.h"

void record_exchange(const struct exchange *exchange);
/* While the answer is sent, what recording it will read, and then write, comes from memory. */
void record_send_for_lines(const struct exchange *exchange);
void record_send_for(const struct exchange *exchange);
/* A copy for a mirror: counts for its service alone. status 0: there was no answer. */
void record_copy(struct worker *worker, const struct service *service,
		 const struct request *request, uint16_t status, uint64_t duration_ns,
		 uint64_t request_bytes);

#endif

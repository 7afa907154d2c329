/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TLS_FACTS_H
#define TLS_FACTS_H

/* tls_facts: what a finished handshake means for a connection, and the counters that follow from
 * it. */

#include "proxy/conn.h"

void tls_facts_take(struct conn *conn, const struct entry_point *point);
/* A handshake that failed: counted by its reason, and told at level DEBUG. */
void tls_facts_failed(const struct conn *conn);

#endif

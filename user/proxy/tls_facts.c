// SPDX-License-Identifier: Apache-2.0
/* tls_facts: copied into the connection, since every request asks for them. */

#include "proxy/tls_facts.h"

#include "proxy/worker.h"

static void count_ktls(struct worker *worker, int direction, uint8_t state)
{
	uint32_t series =
		state < TLS_KTLS__COUNT ? worker->shared->ktls_series[direction][state] : 0;

	if (worker->metrics && series)
		metric_add(worker->metrics, series, METRIC_KTLS_CONNECTIONS, 1);
}

void tls_facts_take(struct conn *conn, const struct entry_point *point)
{
	struct worker *worker = conn->link.worker;
	struct worker_counters *counters = &worker->counters;
	struct tls_facts facts = tls_conn_facts(conn->link.tls);
	bool tx = facts.ktls_tx == TLS_KTLS_ON, rx = facts.ktls_rx == TLS_KTLS_ON;

	conn->tls_policy = facts.policy;
	conn->sni = facts.sni;
	worker_count(&counters->tls_handshakes, 1);
	worker_count(&counters->tls_resumed, facts.resumed);
	worker_count(&counters->ktls_tx, tx);
	worker_count(&counters->ktls_rx, rx);
	worker_count(&counters->ktls_none, !tx && !rx);
	count_ktls(worker, 0, facts.ktls_tx);
	count_ktls(worker, 1, facts.ktls_rx);
	if (!worker->metrics)
		return;
	conn->tls_class = metric_tls_class(
		worker->metrics, facts.version == 0x0304 ? STR("1.3") : STR("1.2"), facts.cipher);
	(void)point;
}

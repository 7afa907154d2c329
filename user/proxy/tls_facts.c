// SPDX-License-Identifier: Apache-2.0
/* tls_facts: copied into the connection, since every request asks for them. */

#include "proxy/tls_facts.h"

#include "base/log.h"
#include "proxy/worker.h"

static void count_ktls(struct worker *worker, int direction, uint8_t state)
{
	uint32_t series =
		state < TLS_KTLS__COUNT ? worker->shared->ktls_series[direction][state] : 0;

	if (worker->metrics && series)
		metric_add(worker->metrics, series, METRIC_KTLS_CONNECTIONS, 1);
}

/* outcome: an enum tls_failure, or WORKER_TLS_RESUMED. */
static void count_handshake(struct worker *worker, int outcome)
{
	if (worker->metrics)
		metric_add(worker->metrics, worker->shared->client_tls_series[outcome],
			   METRIC_CLIENT_HANDSHAKES, 1);
}

void tls_facts_failed(const struct conn *conn)
{
	const struct tls_conn *tls = conn->link.tls;
	enum tls_failure failure = tls_conn_failure(tls);
	char peer[ADDR_TEXT_MAX];

	worker_count(&conn->link.worker->counters.tls_handshakes_failed, 1);
	count_handshake(conn->link.worker, failure);
	LOG(LOG_DEBUG, "TLS handshake with a client failed",
	    LOG_S("client", str_n(peer, addr_print_port(&conn->peer, conn->peer_port, peer))),
	    LOG_S("reason", tls_conn_failure_word(failure)),
	    LOG_S("alert", tls_conn_peer_alert(tls)));
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
	count_handshake(worker, facts.resumed ? WORKER_TLS_RESUMED : TLS_FAILURE_NONE);
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

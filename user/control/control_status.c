// SPDX-License-Identifier: Apache-2.0
/* control_status: the state of both planes as JSON, for the admin server. Any thread. */
#include "control/controller.h"

#include <netinet/in.h>

#include "base/clock.h"
#include "control/controller_state.h"
#include "plan/rawdata.h"
#include "plan/rawdata_stream.h"
#include "tls/tls_conn.h"

enum { LIST_MAX = 1000 };

static json_t *text(const char *value)
{
	return json_string(value ? value : "");
}

static json_t *number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

/* ------------------------------------------------------------------ status -- */

static void add_kernel_totals(struct controller *self, json_t *kernel)
{
	struct dataplane_totals totals;
	struct dataplane_ban bans[LIST_MAX];
	uint64_t passed = 0;
	json_t *drops = json_object();

	if (!controller_kernel_totals(self, &totals)) {
		json_decref(drops);
		return;
	}
	for (int i = 0; i < ABI_PASS__COUNT; i++)
		passed += totals.pass[i];
	for (int i = 0; i < ABI_DROP__COUNT; i++)
		json_object_set_new(drops, dataplane_drop_label((enum abi_drop)i),
				    number(totals.drop[i]));
	pthread_mutex_lock(&self->dataplane_lock);
	int n_bans = dataplane_bans(self->options.dataplane, bans, LIST_MAX);

	pthread_mutex_unlock(&self->dataplane_lock);
	json_object_set_new(kernel, "received", number(totals.received));
	json_object_set_new(kernel, "passed", number(passed));
	json_object_set_new(kernel, "drops", drops);
	json_object_set_new(kernel, "bans", json_integer(n_bans < 0 ? 0 : n_bans));
	json_object_set_new(kernel, "publishMicroseconds", number(self->apply_ns / NS_PER_US));
}

static json_t *kernel_status(struct controller *self)
{
	const struct control_kernel *facts = &self->options.kernel;
	json_t *kernel = json_object(), *interfaces = json_array();

	for (size_t i = 0; i < facts->n_interfaces; i++)
		json_array_append_new(interfaces, text(facts->interfaces[i].name));
	json_object_set_new(kernel, "mode", text(facts->mode));
	if (facts->reason)
		json_object_set_new(kernel, "reason", text(facts->reason));
	json_object_set_new(kernel, "interfaces", interfaces);
	pthread_mutex_lock(&self->lock);
	if (self->interface_fault[0])
		json_object_set_new(kernel, "interfaceFault", text(self->interface_fault));
	pthread_mutex_unlock(&self->lock);
	add_kernel_totals(self, kernel);
	return kernel;
}

/* Whether the kernel makes TLS records here, by what connections found; "unknown" before the first.
 */
static json_t *ktls_status(const struct proxy_status *proxy)
{
	json_t *ktls = json_object();
	bool any = proxy->tls_handshakes > proxy->tls_handshakes_failed;
	bool none = any && !proxy->ktls_tx && !proxy->ktls_rx;

	json_object_set_new(ktls, "tx", text(proxy->ktls_tx ? "on" : any ? "off" : "unknown"));
	json_object_set_new(ktls, "rx", text(proxy->ktls_rx ? "on" : any ? "off" : "unknown"));
	json_object_set_new(ktls, "txConnections", number(proxy->ktls_tx));
	json_object_set_new(ktls, "rxConnections", number(proxy->ktls_rx));
	json_object_set_new(ktls, "userConnections", number(proxy->ktls_none));
	json_object_set_new(ktls, "bytesSpliced", number(proxy->bytes_spliced));
	if (none) {
		struct str why = tls_conn_ktls_sentence(TLS_KTLS_NO_MODULE);

		json_object_set_new(ktls, "reason", json_stringn(why.at, why.len));
	}
	return ktls;
}

static void add_snapshot(struct controller *self, json_t *status)
{
	struct snapshot *snapshot = controller_snapshot(self);
	uint32_t disabled = 0;

	for (uint32_t i = 0; i < snapshot->n_routes; i++)
		disabled += snapshot->routes[i]->status == ROUTE_DISABLED;
	json_object_set_new(status, "revision", number(snapshot->revision));
	json_object_set_new(status, "routers", number(snapshot->n_routes));
	json_object_set_new(status, "routersDisabled", number(disabled));
	json_object_set_new(status, "routersNeverReached", number(snapshot->n_conflicts));
	json_object_set_new(status, "tcp", rawdata_stream_tcp_counts(snapshot));
	json_object_set_new(status, "udp", rawdata_stream_udp_counts(snapshot));
	json_object_set_new(status, "services", number(snapshot->n_services));
	json_object_set_new(status, "brokenObjects", number(self->n_broken));
	json_object_set_new(status, "compileMicroseconds", number(self->compile_ns / NS_PER_US));
	snapshot_unref(snapshot);
}

json_t *controller_status(struct controller *self)
{
	json_t *status = json_object();
	struct proxy_status proxy = {0};

	if (self->proxy)
		proxy_status(self->proxy, &proxy);
	json_object_set_new(status, "version", text(TIDEGATE_VERSION));
	json_object_set_new(status, "uptimeSeconds",
			    number((clock_mono_ns() - self->started_ns) / NS_PER_SEC));
	json_object_set_new(status, "ready", json_boolean(controller_ready(self)));
	json_object_set_new(status, "fromStateFile", json_boolean(self->is_from_state));
	json_object_set_new(status, "eventToEffectMicroseconds",
			    number(atomic_load(&self->effect.last_ns) / NS_PER_US));
	json_object_set_new(status, "draining", json_boolean(controller_draining(self)));
	add_snapshot(self, status);
	json_object_set_new(status, "revisionServed",
			    number(self->proxy ? proxy_revision(self->proxy) : 0));
	json_object_set_new(status, "workers", number(proxy_worker_count(self->options.config)));
	json_object_set_new(status, "requests", number(proxy.requests));
	json_object_set_new(status, "requestsActive", number(proxy.requests_active));
	json_object_set_new(status, "connections", number(proxy.connections_open));
	json_object_set_new(status, "connectionsAccepted", number(proxy.connections_accepted));
	json_object_set_new(status, "connectionsRefused", number(proxy.connections_refused));
	json_object_set_new(status, "tunnels", number(proxy.tunnels_active));
	json_object_set_new(status, "streams", number(proxy.streams_active));
	json_object_set_new(status, "udpSessions", number(proxy.udp_sessions));
	json_object_set_new(status, "snapshotsHeld", number(proxy.snapshots_held));
	json_object_set_new(status, "escalations", number(atomic_load(&self->bans)));
	json_object_set_new(status, "ktls", ktls_status(&proxy));
	json_object_set_new(status, "kernel", kernel_status(self));
	if (self->options.sources && sources_kube(self->options.sources))
		json_object_set_new(status, "apiServer",
				    kube_source_status(sources_kube(self->options.sources)));
	return status;
}

/* ------------------------------------------------------------------- drops -- */

static json_t *seconds(uint64_t ns)
{
	return json_real((double)ns / NS_PER_SEC);
}

static json_t *ban_row(const struct dataplane_ban *ban)
{
	char source[ADDR_TEXT_MAX];
	json_t *row = json_object();

	addr_print(&ban->source, source);
	json_object_set_new(row, "source", text(source));
	json_object_set_new(row, "policy", text(ban->policy));
	json_object_set_new(row, "reason", text(ban->reason));
	json_object_set_new(row, "since", seconds(ban->since_ns));
	json_object_set_new(row, "until", seconds(ban->until_ns));
	json_object_set_new(row, "count", number(ban->count));
	return row;
}

static json_t *limited_row(const struct dataplane_limited *limited)
{
	char source[ADDR_TEXT_MAX];
	json_t *row = json_object();

	addr_print(&limited->source, source);
	json_object_set_new(row, "source", text(source));
	json_object_set_new(row, "policy", text(limited->policy));
	json_object_set_new(row, "kind", text(dataplane_limit_label(limited->kind)));
	json_object_set_new(row, "until", seconds(clock_wall_ns() + limited->wait_ns));
	return row;
}

json_t *controller_drops(struct controller *self)
{
	json_t *answer = json_object(), *bans = json_array(), *limited = json_array();
	struct dataplane_ban ban_rows[LIST_MAX];
	struct dataplane_limited limited_rows[LIST_MAX];

	if (!self->options.dataplane) {
		const char *why = self->options.kernel.reason;

		json_object_set_new(answer, "off", text(why ? why : "it was switched off"));
	} else {
		pthread_mutex_lock(&self->dataplane_lock);
		int n_bans = dataplane_bans(self->options.dataplane, ban_rows, LIST_MAX);
		int n_limited = dataplane_limited(self->options.dataplane, limited_rows, LIST_MAX);

		pthread_mutex_unlock(&self->dataplane_lock);
		for (int i = 0; i < n_bans; i++)
			json_array_append_new(bans, ban_row(&ban_rows[i]));
		for (int i = 0; i < n_limited; i++)
			json_array_append_new(limited, limited_row(&limited_rows[i]));
	}
	json_object_set_new(answer, "bans", bans);
	json_object_set_new(answer, "limited", limited);
	return answer;
}

bool controller_kernel_totals(struct controller *self, struct dataplane_totals *ret_totals)
{
	if (!self->options.dataplane)
		return false;
	pthread_mutex_lock(&self->dataplane_lock);
	int rc = dataplane_totals(self->options.dataplane, ret_totals);

	pthread_mutex_unlock(&self->dataplane_lock);
	return rc >= 0;
}

/* ---------------------------------------------------------- configuration -- */

json_t *controller_rawdata(struct controller *self)
{
	struct snapshot *snapshot = controller_snapshot(self);
	json_t *data = rawdata(snapshot, clock_mono_ns());

	snapshot_unref(snapshot);
	return data;
}

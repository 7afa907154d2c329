// SPDX-License-Identifier: Apache-2.0
/* entry: no decisions but defaults. */

#include "proxy/entry.h"

#include "base/clock.h"

enum { READ_HEADER_S = 10, IDLE_S = 180 };

static uint64_t or_else(struct duration duration, uint64_t else_s)
{
	return duration.ns > 0 ? (uint64_t)duration.ns : else_s * NS_PER_SEC;
}

static void init_times(struct entry *entry, const struct ep_transport *transport)
{
	const struct ep_responding_timeouts *timeouts = &transport->responding_timeouts;

	entry->idle_ns = or_else(timeouts->idle, IDLE_S);
	entry->read_ns = or_else(timeouts->read, ENTRY_WAIT_MAX_S);
	entry->read_header_ns = or_else(timeouts->read_header, READ_HEADER_S);
	if (entry->read_header_ns > entry->read_ns)
		entry->read_header_ns = entry->read_ns;
	entry->write_ns = or_else(timeouts->write, 0);
	entry->write_stall_ns = (uint64_t)ENTRY_WRITE_STALL_S * NS_PER_SEC;
	entry->handshake_ns = (uint64_t)ENTRY_HANDSHAKE_S * NS_PER_SEC;
	entry->keep_alive_max_ns = or_else(transport->keep_alive_max_time, 0);
	entry->keep_alive_max_requests = transport->keep_alive_max_requests > 0
						 ? (uint64_t)transport->keep_alive_max_requests
						 : 0;
}

int entry_init(struct entry *entry, uint16_t index, const struct static_entry_point *conf,
	       const struct static_config *config, struct str server_name, struct arena *arena)
{
	int error;

	*entry = (struct entry){.index = index, .name = conf->name, .conf = conf};
	init_times(entry, &conf->transport);
	error = reading_init(&entry->reading, conf, config, server_name, arena);
	if (error || !conf->proxy_protocol)
		return error;
	entry->reads_proxy_header = true;
	entry->proxy_header_insecure = conf->proxy_protocol->insecure;
	return reading_cidrs(&conf->proxy_protocol->trusted_ips, arena, &entry->proxy_trusted);
}

bool entry_trusts_proxy_header(const struct entry *entry, const struct addr *peer)
{
	return entry->proxy_header_insecure || cidr_set_contains(&entry->proxy_trusted, peer);
}

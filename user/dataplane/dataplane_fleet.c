// SPDX-License-Identifier: Apache-2.0
/* dataplane_fleet: services and backends with what they did. */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/dataplane_maps.h"

/* Sums words of a per-CPU row. */
static int sum(const struct dataplane *dataplane, enum loader_map map, uint32_t slot,
	       uint64_t *ret_words, size_t n)
{
	uint64_t *rows = calloc((size_t)dataplane->n_cpus, n * sizeof(*rows));
	int err = rows ? 0 : -ENOMEM;

	memset(ret_words, 0, n * sizeof(*ret_words));
	if (rows && bpf_map_lookup_elem(dataplane->maps.fd[map], &slot, rows))
		err = -errno;
	for (size_t i = 0; !err && i < n * (size_t)dataplane->n_cpus; i++)
		ret_words[i % n] += rows[i];
	free(rows);
	return err;
}

static void count_states(const struct dataplane *dataplane, struct dataplane_service_totals *rows,
			 const uint32_t *row_of)
{
	for (uint32_t i = 1; i < ABI_BACKENDS; i++) {
		const struct abi_backend *backend = &dataplane->tables.backends[i];
		uint32_t at = row_of[backend->service % ABI_SERVICES];

		if (!backend->mode || !at)
			continue;
		rows[at - 1].n_active += backend->state == ABI_BACKEND_ACTIVE;
		rows[at - 1].n_draining += backend->state == ABI_BACKEND_DRAIN;
		rows[at - 1].n_dead += backend->state == ABI_BACKEND_DEAD;
	}
}

int dataplane_services(struct dataplane *dataplane, struct dataplane_service_totals *ret_rows,
		       uint32_t max)
{
	uint32_t *row_of = calloc(ABI_SERVICES, sizeof(*row_of));
	uint32_t n = 0;
	int err = row_of ? 0 : -ENOMEM;

	for (uint32_t i = 1; !err && i < ABI_SERVICES && n < max; i++) {
		const struct abi_service *service = &dataplane->tables.services[i];
		struct abi_service_stat stat;

		if (!service->used)
			continue;
		err = sum(dataplane, LOADER_MAP_SERVICE_STAT, i, (uint64_t *)&stat,
			  sizeof(stat) / sizeof(uint64_t));
		ret_rows[n] = (struct dataplane_service_totals){
			.packets = stat.packets,
			.bytes = stat.bytes,
			.flows = stat.flows,
			.sticks = stat.sticks,
			.stick_limit = stat.stick_limit,
			.moved = stat.moved,
			.is_settling = service->ring_before,
		};
		memcpy(ret_rows[n].name, service->name, KERNEL_NAME_MAX);
		row_of[i] = ++n;
	}
	if (!err)
		count_states(dataplane, ret_rows, row_of);
	free(row_of);
	return err ? err : (int)n;
}

int dataplane_backends(struct dataplane *dataplane, struct dataplane_backend_totals *ret_rows,
		       uint32_t max)
{
	uint32_t n = 0;

	for (uint32_t i = 1; i < ABI_BACKENDS && n < max; i++) {
		const struct abi_backend *backend = &dataplane->tables.backends[i];
		struct abi_backend_stat stat;

		if (!backend->mode)
			continue;
		int err = sum(dataplane, LOADER_MAP_BACKEND_STAT, i, (uint64_t *)&stat,
			      sizeof(stat) / sizeof(uint64_t));

		if (err)
			return err;
		ret_rows[n] = (struct dataplane_backend_totals){
			.addr = dataplane_addr(&backend->addr),
			.port = ntohs(backend->port),
			.state = backend->state,
			.fault = backend->fault,
			.packets = stat.packets,
			.bytes = stat.bytes,
			.flows = stat.flows,
			.faults = stat.faults,
		};
		memcpy(ret_rows[n++].service,
		       dataplane->tables.services[backend->service % ABI_SERVICES].name,
		       KERNEL_NAME_MAX);
	}
	return (int)n;
}

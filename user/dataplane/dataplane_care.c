// SPDX-License-Identifier: Apache-2.0
/*
 * dataplane_care: what the kernel plane cannot do by itself: dataplane_tick().
 *
 * Neighbours: XDP can read the kernel's neighbours but not make it look for one, nor does it keep
 * one that it uses alive. A datagram of no bytes to the discard port of a backend does both; it
 * needs no privilege. Flows that are over are swept in steps, so that no tick takes long.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "dataplane/dataplane_links.h"
#include "dataplane/dataplane_maps.h"
#include "plan/kernel_sweep.h"

enum {
	DISCARD_PORT = 9,
	SWEEP_STEP = 4096,
	SWEEP_EVERY_S = 30,
	POKE_EVERY_S = 30,
	POKE_STEP = 1024, /* backends a tick */
};

struct dataplane_care {
	int fd; /* a datagram socket of both families, or -1 */
	uint64_t sweep_due_ns;
	uint32_t sweep_at; /* the map's token */
	bool is_sweeping, is_begun;
	uint64_t poke_due_ns;
	uint32_t poke_next; /* backends below were poked in this round */
	struct abi_stick_key keys[SWEEP_STEP];
	struct abi_stick values[SWEEP_STEP];
};

void dataplane_care_free(struct dataplane_care *care)
{
	if (care && care->fd >= 0)
		close(care->fd);
	free(care);
}

static struct dataplane_care *care_of(struct dataplane *dataplane)
{
	if (!dataplane->care) {
		dataplane->care = calloc(1, sizeof(*dataplane->care));
		if (!dataplane->care)
			return NULL;
		dataplane->care->fd =
			socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		setsockopt(dataplane->care->fd, IPPROTO_IPV6, IPV6_V6ONLY, &(int){0}, sizeof(int));
	}
	return dataplane->care;
}

struct addr dataplane_self(const struct addr *towards)
{
	struct sockaddr_storage to;
	socklen_t size = addr_to_sockaddr(towards, DISCARD_PORT, &to);
	int fd = socket(to.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct addr self = {0};
	uint16_t port;

	if (fd < 0)
		return self;
	/* Sends nothing: it asks the routes for a source address. */
	if (connect(fd, (struct sockaddr *)&to, size) ||
	    getsockname(fd, (struct sockaddr *)&to, &(socklen_t){sizeof(to)}) ||
	    !addr_from_sockaddr(&to, &self, &port) || addr_is_loopback(&self))
		self = (struct addr){0};
	close(fd);
	return self;
}

static void poke(const struct dataplane_care *care, const struct abi_backend *row)
{
	struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_port = htons(DISCARD_PORT)};

	memcpy(&to.sin6_addr, &row->addr, sizeof(to.sin6_addr));
	if (care->fd >= 0)
		(void)!sendto(care->fd, "", 0, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&to,
			      sizeof(to));
}

static bool wants_poke(const struct abi_backend *row)
{
	return row->mode && row->state != ABI_BACKEND_DEAD && !row->is_here;
}

void dataplane_meet(struct dataplane *dataplane, const uint16_t *backends, size_t n)
{
	struct dataplane_care *care = n ? care_of(dataplane) : NULL;

	for (size_t i = 0; care && i < n && i < POKE_STEP; i++)
		if (wants_poke(&dataplane->tables.backends[backends[i]]))
			poke(care, &dataplane->tables.backends[backends[i]]);
}

/* Missing neighbours at once, all others in rounds. */
static void poke_some(struct dataplane *dataplane, struct dataplane_care *care, uint64_t now_ns)
{
	int left = POKE_STEP;

	for (uint32_t i = 1; i < ABI_BACKENDS; i++)
		if (dataplane->tables.backends[i].fault == ABI_HOP_NO_NEIGHBOUR &&
		    wants_poke(&dataplane->tables.backends[i]) && left-- > 0)
			poke(care, &dataplane->tables.backends[i]);
	for (uint32_t i = 1; i < ABI_NODES; i++)
		if (dataplane->tables.nodes[i].way.fault == ABI_HOP_NO_NEIGHBOUR)
			poke(care, &dataplane->tables.nodes[i].way);
	if (now_ns < care->poke_due_ns && care->poke_next == ABI_BACKENDS)
		return;
	if (care->poke_next == ABI_BACKENDS)
		care->poke_next = 1;
	for (; care->poke_next < ABI_BACKENDS && left > 0; care->poke_next++) {
		if (!wants_poke(&dataplane->tables.backends[care->poke_next]))
			continue;
		poke(care, &dataplane->tables.backends[care->poke_next]);
		left--;
	}
	if (care->poke_next == ABI_BACKENDS)
		care->poke_due_ns = now_ns + POKE_EVERY_S * NS_PER_SEC;
}

static bool sweep_end(struct dataplane *dataplane, struct dataplane_care *care, uint64_t now_ns)
{
	care->is_sweeping = false;
	care->sweep_due_ns = now_ns + SWEEP_EVERY_S * NS_PER_SEC;
	return kernel_sweep_end(dataplane->fleet);
}

/* One step. True: settle is due. */
static bool sweep_some(struct dataplane *dataplane, struct dataplane_care *care, uint64_t now_ns)
{
	int fd = dataplane->maps.fd[LOADER_MAP_STICK];
	uint64_t kernel_now_ns = 0;
	__u32 n = SWEEP_STEP, next = 0;

	if (!care->is_sweeping) {
		if (now_ns < care->sweep_due_ns || !kernel_sweep_is_due(dataplane->fleet) ||
		    kernel_sweep_begin(dataplane->fleet, now_ns))
			return false;
		care->is_sweeping = true;
		care->is_begun = false;
	}
	if (dataplane_now(dataplane, &kernel_now_ns))
		return false;
	int err = bpf_map_lookup_batch(fd, care->is_begun ? &care->sweep_at : NULL, &next,
				       care->keys, care->values, &n, NULL);

	if (err && errno != ENOENT)
		return sweep_end(dataplane, care, now_ns);
	for (__u32 i = 0; i < n; i++)
		if (!kernel_sweep_see(dataplane->fleet, &care->keys[i], &care->values[i],
				      kernel_now_ns))
			bpf_map_delete_elem(fd, &care->keys[i]);
	care->sweep_at = next;
	care->is_begun = true;
	return err ? sweep_end(dataplane, care, now_ns) : false;
}

void dataplane_tick(struct dataplane *dataplane, uint64_t now_ns)
{
	struct dataplane_care *care;

	if (!dataplane->fleet)
		return;
	dataplane_shield_stack(dataplane);
	dataplane_clean(dataplane, false);
	if (dataplane->fleet->is_empty)
		return;
	dataplane_links_refresh(&dataplane->links, dataplane->maps.fd[LOADER_MAP_LINK]);
	bool is_due = kernel_fleet_tick(dataplane->fleet, now_ns);

	care = care_of(dataplane);
	if (care) {
		poke_some(dataplane, care, now_ns);
		is_due |= sweep_some(dataplane, care, now_ns);
	}
	if (is_due)
		dataplane_clean(dataplane, false);
}

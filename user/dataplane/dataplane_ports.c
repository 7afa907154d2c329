// SPDX-License-Identifier: Apache-2.0
/* dataplane_ports: see the header. */
#include "dataplane/dataplane_ports.h"

#include <stdio.h>

#include "abi.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/num.h"

enum { PORTS = 65536, RESERVED_MAX_BYTES = 1 << 19 };

/* One item of the list: a port or a range of them; false at what is neither. */
static bool range_of(struct str text, struct dataplane_port_range *ret)
{
	ptrdiff_t dash = str_find(text, '-');
	uint16_t first, last;

	if (num_uint16(dash < 0 ? text : str_take(text, (size_t)dash), &first))
		return false;
	last = first;
	if (dash >= 0 && num_uint16(str_from(text, (size_t)dash + 1), &last))
		return false;
	*ret = (struct dataplane_port_range){first, last};
	return true;
}

uint32_t dataplane_ports_shared(struct dataplane_port_range nat, struct dataplane_port_range own,
				struct str reserved)
{
	uint8_t free[PORTS / 8] = {0};
	struct dataplane_port_range range;
	uint32_t n = 0;

	for (uint32_t port = own.first; port <= own.last && port < PORTS; port++)
		free[port / 8] |= (uint8_t)(1u << port % 8);
	while (reserved.len) {
		ptrdiff_t comma = str_find(reserved, ',');
		struct str item = comma < 0 ? reserved : str_take(reserved, (size_t)comma);

		reserved = comma < 0 ? STR("") : str_from(reserved, (size_t)comma + 1);
		if (!range_of(str_trim_space(item), &range))
			continue;
		for (uint32_t port = range.first; port <= range.last; port++)
			free[port / 8] &= (uint8_t) ~(1u << port % 8);
	}
	for (uint32_t port = nat.first; port <= nat.last && port < PORTS; port++)
		n += free[port / 8] >> port % 8 & 1;
	return n;
}

static bool translates(const struct kernel_config *config)
{
	for (size_t i = 0; i < config->n_entries; i++)
		if (config->entries[i].service &&
		    config->entries[i].service->mode == KERNEL_MODE_NAT)
			return true;
	return false;
}

static bool own_ports(struct dataplane_port_range *ret)
{
	FILE *file = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");
	bool is_read = file && fscanf(file, "%u %u", &ret->first, &ret->last) == 2;

	if (file)
		fclose(file);
	return is_read;
}

uint32_t dataplane_ports_check(const struct kernel_config *config)
{
	struct dataplane_port_range nat = {config->nat_first ? config->nat_first
							     : ABI_NAT_PORT_FIRST,
					   config->nat_last ? config->nat_last : ABI_NAT_PORT_LAST};
	struct dataplane_port_range own;
	struct buf reserved;
	uint32_t n = 0;

	if (!translates(config) || !own_ports(&own))
		return 0;
	buf_init(&reserved, RESERVED_MAX_BYTES);
	if (!file_read("/proc/sys/net/ipv4/ip_local_reserved_ports", &reserved))
		n = dataplane_ports_shared(nat, own, buf_str(&reserved));
	buf_done(&reserved);
	return n;
}

// SPDX-License-Identifier: Apache-2.0
/* backend_rule: see the header. */

#include "plan/backend_rule.h"

#include <string.h>

const char *backend_rule_refuses(const struct static_config *config, const struct addr *addr,
				 uint16_t port)
{
	static const uint8_t ec2_metadata_v6[16] = {0xfd, 0, 0x0e, 0xc2, 0, 0, 0,    0,
						    0,	  0, 0,	   0,	 0, 0, 0x02, 0x54};

	if (addr_is_unspecified(addr))
		return "the unspecified address";
	if (addr->byte[0] == 0xff || (addr_is_v4(addr) && addr->byte[12] >= 224))
		return "a multicast or reserved address";
	if (config->security.allow_loopback_backends)
		return NULL;
	if (addr_is_loopback(addr))
		return "a loopback address";
	if (addr_is_link_local(addr) || !memcmp(addr->byte, ec2_metadata_v6, 16))
		return "a link-local or metadata address";
	for (size_t i = 0; i < config->entry_points.n; i++) {
		const struct static_entry_point *conf = static_entry_point(config, i);

		if (conf->listen.port == port && addr_eq(&conf->listen.addr, addr))
			return "an address that the proxy itself listens on";
	}
	return NULL;
}

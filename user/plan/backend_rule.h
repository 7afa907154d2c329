/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BACKEND_RULE_H
#define BACKEND_RULE_H

/*
 * backend_rule: addresses that no backend of a tenant should have: loopback, link-local (and so the
 * metadata services of clouds), multicast, our own listeners (reference/security.md A2.7).
 *
 * Asked when a snapshot is compiled, and again whenever a name was resolved.
 */

#include <stdint.h>

#include "base/addr.h"
#include "model/static_config.h"

/* Why it is refused ("a loopback address"); NULL: it is not. */
const char *backend_rule_refuses(const struct static_config *config, const struct addr *addr,
				 uint16_t port);

#endif

// SPDX-License-Identifier: Apache-2.0
/* transport: see the header. */

#include "plan/transport.h"

#include <stdlib.h>

#include "base/clock.h"
#include "tls/tls_client.h"

const struct transport transport_plain = {
	.name = STR("plain@internal"),
	.dial_ns = TRANSPORT_DIAL_S * NS_PER_SEC,
	.tls_handshake_ns = TRANSPORT_TLS_HANDSHAKE_S * NS_PER_SEC,
	.idle_ns = TRANSPORT_IDLE_S * NS_PER_SEC,
	.ping_ns = TRANSPORT_PING_S * NS_PER_SEC,
	.max_idle = TRANSPORT_MAX_IDLE,
};

static const struct str schemes[] = {
	[TRANSPORT_HTTP] = STR("http"),
	[TRANSPORT_HTTPS] = STR("https"),
	[TRANSPORT_H2C] = STR("h2c"),
};

struct str transport_scheme_text(enum transport_scheme scheme)
{
	return schemes[scheme];
}

bool transport_scheme_parse(struct str text, enum transport_scheme *ret_scheme)
{
	for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++) {
		if (str_eq(text, schemes[i])) {
			*ret_scheme = (enum transport_scheme)i;
			return true;
		}
	}
	return false;
}

void transport_free(void *thing)
{
	struct transport *transport = thing;

	tls_client_unref(transport->tls);
	free(transport);
}

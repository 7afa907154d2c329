/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENTRY_H
#define ENTRY_H

/*
 * entry: an entry point's static options in the form in which workers use them: parsed once at
 * start, then read-only. Durations of 0 ("none" in the reference) become the ceilings below, since
 * every wait has an end.
 */

#include "base/addr.h"
#include "base/arena.h"
#include "model/static_config.h"
#include "plan/reading.h"

enum {
	ENTRY_WAIT_MAX_S = 3600,  /* where the reference has no time-out */
	ENTRY_WRITE_STALL_S = 60, /* a client that takes not one byte for so long */
	ENTRY_READ_STALL_S = 60,  /* a client that sends not one byte of its body for so long */
	ENTRY_HANDSHAKE_S = 10,
};

struct entry {
	uint16_t index;
	struct str name;
	const struct static_entry_point *conf;
	struct reading reading;
	bool reads_proxy_header, proxy_header_insecure;
	struct cidr_set proxy_trusted;
	uint64_t read_header_ns, read_ns, write_stall_ns, write_ns, idle_ns, handshake_ns;
	uint64_t keep_alive_max_ns;	  /* 0: no limit */
	uint64_t keep_alive_max_requests; /* 0: no limit */
};

/* 0, or -ENOMEM. Texts are borrowed from the configuration, what is made lives in the arena. */
int entry_init(struct entry *entry, uint16_t index, const struct static_entry_point *conf,
	       const struct static_config *config, struct str server_name, struct arena *arena);
/* Whether a PROXY header from this peer says the truth. */
bool entry_trusts_proxy_header(const struct entry *entry, const struct addr *peer);

#endif

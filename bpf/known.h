/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef KNOWN_H
#define KNOWN_H

/*
 * known: sources that completed a handshake with a cookie a while ago: nobody spoofs them, so their
 * SYNs go to the network stack as they are, which offers them all that TCP has.
 */

#include "ban.h"
#include "maps.h"
#include "spread.h"

#define KNOWN_FOR_NS (1ULL << 39) /* nine minutes */

static __always_inline struct abi_known_line *known_line(__be64 source,
							 const struct abi_control *settings)
{
	__u32 at = (spread(source, settings->seed) >> 40) & (ABI_KNOWN_LINES - 1);

	return bpf_map_lookup_elem(&known, &at);
}

static __always_inline bool known_is(const struct packet *packet, __u64 now_ns,
				     const struct abi_control *settings)
{
	__be64 source = ban_source(packet);
	struct abi_known_line *line = known_line(source, settings);

	if (!line)
		return false;
#pragma unroll
	for (int i = 0; i < 4; i++)
		if (line->source[i] == source && line->until_ns[i] > now_ns)
			return true;
	return false;
}

static __always_inline void known_add(const struct packet *packet, __u64 now_ns,
				      const struct abi_control *settings)
{
	__be64 source = ban_source(packet);
	struct abi_known_line *line = known_line(source, settings);
	__u32 first = 0;

	if (!line)
		return;
	for (__u32 i = 0; i < 4; i++) {
		if (line->source[i] == source) {
			first = i;
			break;
		}
		if (line->until_ns[i] < line->until_ns[first & 3])
			first = i;
	}
	/* The time first: a torn pair is a source that is known for nothing, at worst. */
	line->until_ns[first & 3] = 0;
	line->source[first & 3] = source;
	line->until_ns[first & 3] = now_ns + KNOWN_FOR_NS;
}

#endif

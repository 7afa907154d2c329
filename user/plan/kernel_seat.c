// SPDX-License-Identifier: Apache-2.0
/*
 * kernel_seat: wide ranges first, single ports last, so that what is written last is what counts.
 */
#include "plan/kernel_seat.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "plan/cuckoo.h"
#include "plan/kernel_slot.h"
#include "vip_key.h"

struct kernel_seats {
	struct kernel_image *image;
	const __u64 *seed;
	uint64_t *hashes;
	uint16_t *order; /* slots of entries, see by_width() */
	uint32_t last;	 /* slots from here on are tunnels' */
	struct cuckoo cuckoo;
};

struct kernel_seats *kernel_seats_new(struct kernel_image *image, const __u64 seed[2],
				      struct arena *arena)
{
	struct kernel_seats *seats = ARENA_NEW(arena, struct kernel_seats);

	if (!seats)
		return NULL;
	*seats = (struct kernel_seats){
		.image = image,
		.seed = seed,
		.hashes = ARENA_ARRAY(arena, uint64_t, ABI_ENTRIES),
		.order = ARENA_ARRAY(arena, uint16_t, ABI_ENTRIES),
		.last = ABI_ENTRIES,
	};
	seats->cuckoo = (struct cuckoo){
		.cells = &image->vips[0].entry[0], .n = VIP_CELLS, .hashes = seats->hashes};
	return seats->hashes && seats->order ? seats : NULL;
}

static bool is_any(const struct abi_addr *addr)
{
	return !(addr->word[0] | addr->word[1] | addr->word[2] | addr->word[3]);
}

static uint32_t width(const struct abi_entry *entry)
{
	return (uint32_t)(ntohs(entry->port_last) - ntohs(entry->port));
}

static int add(struct kernel_seats *seats, const struct addr *addr, uint16_t port, uint8_t proto,
	       enum abi_target target, const char *name)
{
	struct abi_entry *entries = seats->image->entries;

	while (seats->last > 1 && entries[seats->last - 1].target)
		seats->last--;
	if (seats->last-- <= 1)
		return -ENOSPC;
	struct abi_entry *entry = &entries[seats->last];

	*entry = (struct abi_entry){.port = htons(port),
				    .port_last = htons(port),
				    .proto = proto,
				    .target = (__u8)target};
	memcpy(&entry->addr, addr->byte, sizeof(entry->addr));
	kernel_slot_name(entry->name, str_of(name));
	return 0;
}

int kernel_seat_tunnel(struct kernel_seats *seats, const struct addr *self)
{
	TRY(add(seats, self, 0, IPPROTO_IPIP, ABI_TARGET_DECAP, "tunnel"));
	TRY(add(seats, self, 0, IPPROTO_IPV6, ABI_TARGET_DECAP, "tunnel"));
	return add(seats, self, ABI_GUE_PORT, IPPROTO_UDP, ABI_TARGET_DECAP, "tunnel");
}

int kernel_seat_peer(struct kernel_seats *seats, const struct addr *peer)
{
	return add(seats, peer, 0, ABI_PROTO_PEER, ABI_TARGET_PEER, "peer");
}

int kernel_seat_answer(struct kernel_seats *seats, const struct addr *self, uint16_t first,
		       uint16_t last)
{
	static const uint8_t protos[] = {IPPROTO_TCP, IPPROTO_UDP};

	for (size_t i = 0; i < sizeof(protos); i++) {
		TRY(add(seats, self, first, protos[i], ABI_TARGET_ANSWER, "answer"));
		seats->image->entries[seats->last].port_last = htons(last);
	}
	return 0;
}

int kernel_seat_echo(struct kernel_seats *seats, const struct addr *addr)
{
	uint8_t proto = addr_is_v4(addr) ? IPPROTO_ICMP : IPPROTO_ICMPV6;

	for (uint32_t i = seats->last; i < ABI_ENTRIES; i++)
		if (seats->image->entries[i].target == ABI_TARGET_ECHO &&
		    !memcmp(&seats->image->entries[i].addr, addr->byte, sizeof(addr->byte)))
			return 0;
	return add(seats, addr, 0, proto, ABI_TARGET_ECHO, "echo");
}

/* The entry that stands under that key, or 0. */
static uint16_t find(const struct kernel_seats *seats, const struct abi_entry *entry, __be16 port,
		     uint64_t hash)
{
	const struct cuckoo *cuckoo = &seats->cuckoo;

	for (int i = 0; i < 2; i++) {
		uint16_t at = cuckoo->cells[cuckoo_cell(cuckoo, hash, i)];
		const struct abi_entry *other = &seats->image->entries[at];
		bool is_range = width(other);

		if (at && !memcmp(&other->addr, &entry->addr, sizeof(entry->addr)) &&
		    other->proto == entry->proto && (is_range ? 0 : other->port) == port)
			return at;
	}
	return 0;
}

/* Ports of an entry for any address, or a mark on ports of one for an address. */
static void mark(struct kernel_seats *seats, const struct abi_entry *entry, uint16_t clear,
		 uint16_t set)
{
	uint32_t line = entry->proto == IPPROTO_UDP ? ABI_PORT_LINES / 2 : 0;

	if (entry->proto != IPPROTO_TCP && entry->proto != IPPROTO_UDP)
		return;
	for (uint32_t i = ntohs(entry->port); i <= ntohs(entry->port_last); i++) {
		uint16_t *cell = &seats->image->ports[line + i / 32].first[i % 32];

		*cell = (uint16_t)((*cell & ~clear) | set);
	}
}

static int put_vip(struct kernel_seats *seats, uint16_t slot)
{
	struct abi_entry *entry = &seats->image->entries[slot];
	bool is_range = width(entry);
	__be16 port = is_range ? 0 : entry->port;
	uint64_t hash = vip_hash(&entry->addr, port, entry->proto, seats->seed);
	uint16_t first = find(seats, entry, port, hash), at = first;
	int length = 1;

	if (is_any(&entry->addr)) {
		mark(seats, entry, ABI_PORT_ANY, slot);
		return 0;
	}
	mark(seats, entry, 0, is_range ? ABI_PORT_RANGE : ABI_PORT_VIP);
	seats->hashes[slot] = hash;
	if (!first)
		return cuckoo_put(&seats->cuckoo, slot);
	/* The same key again: the one that comes later in the order takes its place. */
	for (int i = 0; i < 2; i++) {
		uint16_t *cell = &seats->cuckoo.cells[cuckoo_cell(&seats->cuckoo, hash, i)];

		if (*cell == first)
			*cell = slot;
	}
	if (!is_range)
		return 0;
	entry->next = first;
	while ((at = seats->image->entries[at].next))
		length++;
	return length < ABI_CHAIN_MAX ? 0 : -ENOSPC;
}

static int by_width(const void *a, const void *b, void *user)
{
	uint16_t x = *(const uint16_t *)a, y = *(const uint16_t *)b;
	const struct abi_entry *entries = user;
	uint32_t wide_x = width(&entries[x]), wide_y = width(&entries[y]);

	if (wide_x != wide_y)
		return wide_x > wide_y ? -1 : 1;
	return y - x; /* the first slot last: it counts */
}

int kernel_seats_fill(struct kernel_seats *seats)
{
	struct abi_entry *entries = seats->image->entries;
	uint32_t n = 0;

	for (uint32_t i = 1; i < ABI_ENTRIES; i++)
		if (entries[i].target)
			seats->order[n++] = (uint16_t)i;
	qsort_r(seats->order, n, sizeof(*seats->order), by_width, entries);
	for (uint32_t i = 0; i < n; i++)
		TRY(put_vip(seats, seats->order[i]));
	return 0;
}

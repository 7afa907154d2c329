// SPDX-License-Identifier: Apache-2.0
// link:
/*
 * packet_fuzz: the kernel plane's packet parser, compiled for the host, on a buffer that ends where
 * the frame ends.
 *
 * Whatever it says must hold: ports only of packets that have room for them, every read inside the
 * frame (the sanitizer's business), the same answer twice.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../bpf/parse.h"

enum { NET_ALIGN = 2 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The three steps as the program takes them. */
static int read_headers(const uint8_t *data, const uint8_t *end, struct packet *ret)
{
	int verdict = parse_network(data, end, ret);

	if (verdict == VERDICT_OPEN && !ret->is_v4 && parse_is_ext(ret->proto))
		verdict = parse_walked(parse_walk(data, end, ret->at, ret->proto), ret);
	return verdict == VERDICT_OPEN ? parse_transport(data, end, ret) : verdict;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Two bytes in, as drivers place frames, so that the IP header is aligned. */
	uint8_t *room = malloc(size + NET_ALIGN), *frame = room + NET_ALIGN;
	struct packet packet, again;

	memcpy(frame, data, size);
	memset(&packet, 0, sizeof(packet));
	memset(&again, 0, sizeof(again));
	int verdict = read_headers(frame, frame + size, &packet);

	assert(verdict == read_headers(frame, frame + size, &again));
	assert(!memcmp(&packet, &again, sizeof(packet)));
	assert(packet.bytes >= packet.first_bytes && packet.first_bytes == size);
	if (verdict == VERDICT_OPEN) {
		assert(packet.proto == IPPROTO_TCP || packet.proto == IPPROTO_UDP);
		assert(packet.at + 8 <= size && packet.rest >= 8);
		assert(!packet.is_syn || packet.proto == IPPROTO_TCP);
	} else if (verdict & VERDICT_DROP) {
		assert((verdict & VERDICT_WHY) <= ABI_DROP_TINY_FRAGMENT);
	} else {
		assert((verdict & VERDICT_WHY) <= ABI_PASS_FRAGMENT);
	}
	free(room);
	return 0;
}

// SPDX-License-Identifier: Apache-2.0
// link: base http mw model rule net obs
/*
 * accept_coding_fuzz: any bytes as Accept-Encoding. What is chosen is offered, is not what the
 * client refuses by name alone, and stays the same when blanks are added.
 */

#include "base/die.h"
#include "mw/accept_coding.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum coding_id choose(const struct accept_coding *offer, struct str a, struct str b,
			     struct arena *arena)
{
	struct headers headers = {.arena = arena};

	header_add(&headers, STR("Accept-Encoding"), a);
	if (b.len)
		header_add(&headers, STR("Accept-Encoding"), b);
	return accept_coding_choose(offer, &headers);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct accept_coding offer = {0};
	struct arena arena;

	if (size < 1 || size > 4096)
		return 0;
	/* The first byte says what is offered: up to three, in any order. */
	for (int i = 0; i < 3; i++) {
		int id = data[0] >> (2 * i) & 3;

		if (id != CODING_IDENTITY)
			offer.order[offer.n++] = (enum coding_id)id;
	}
	if (!offer.n)
		return 0;
	if (data[0] & 0x40)
		offer.preset = offer.order[0];
	arena_init(&arena, 1 << 20, 0);
	struct str text = str_n((const char *)data + 1, size - 1);
	enum coding_id chosen = choose(&offer, text, (struct str){0}, &arena);
	bool is_offered = chosen == CODING_IDENTITY;

	for (uint8_t i = 0; i < offer.n; i++)
		is_offered = is_offered || offer.order[i] == chosen;
	ASSERT(is_offered);
	/* What weighs nothing changes nothing. */
	ASSERT(choose(&offer, text, STR("unknown;q=1, ;q=1,"), &arena) == chosen);
	ASSERT(choose(&offer, STR("unknown"), text, &arena) == chosen);
	ASSERT(choose(&offer, STR("*;q=0, gzip;q=0, br;q=0, zstd;q=0"), (struct str){0}, &arena) ==
	       CODING_IDENTITY);
	arena_done(&arena);
	return 0;
}

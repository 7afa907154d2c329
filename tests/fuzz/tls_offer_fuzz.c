// SPDX-License-Identifier: Apache-2.0
// link: base http model rule net obs tls
/*
 * tls_offer_fuzz: any bytes as the beginning of a connection. What is offered lies within the input
 * or the room, names are canonical, and a prefix never decides otherwise than the whole.
 */

#include <stdlib.h>

#include "base/die.h"
#include "tls/tls_offer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool lies_in(struct str text, const char *at, size_t n)
{
	return text.at >= at && text.at + text.len <= at + n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char room[TLS_OFFER_ROOM];
	struct tls_offer offer, half;
	char *copy = malloc(size ? size : 1);
	enum tls_hello_state state, before;

	ASSERT(copy);
	if (size)
		memcpy(copy, data, size);
	state = tls_offer_read(str_n(copy, size), room, &offer);
	for (uint32_t i = 0; state == TLS_HELLO_READY && i < offer.n_alpn; i++)
		ASSERT(offer.alpn[i].len > 0 && (lies_in(offer.alpn[i], copy, size) ||
						 lies_in(offer.alpn[i], room, sizeof(room))));
	for (size_t i = 0; state == TLS_HELLO_READY && i < offer.sni.len; i++)
		ASSERT(offer.sni.at[i] > ' ' && offer.sni.at[i] < 0x7f &&
		       !(offer.sni.at[i] >= 'A' && offer.sni.at[i] <= 'Z'));
	if (size) {
		before = tls_offer_read(str_n(copy, size / 2), room, &half);
		ASSERT(before == TLS_HELLO_MORE || before == state ||
		       (before == TLS_HELLO_READY && state == TLS_HELLO_READY));
	}
	free(copy);
	return 0;
}

// SPDX-License-Identifier: Apache-2.0
/* websocket: see the header. */

#include "http/websocket.h"

void websocket_spell(struct headers *headers)
{
	static const struct str names[] = {
#define NAME(text) {text, sizeof(text) - 1}
		NAME("Sec-WebSocket-Key"),     NAME("Sec-WebSocket-Extensions"),
		NAME("Sec-WebSocket-Accept"),  NAME("Sec-WebSocket-Protocol"),
		NAME("Sec-WebSocket-Version"),
#undef NAME
	};

	for (uint16_t i = 0; i < headers->n; i++)
		for (size_t k = 0; k < sizeof(names) / sizeof(*names); k++)
			if (str_eq_nocase(headers->at[i].name, names[k]))
				headers->at[i].name = names[k];
}

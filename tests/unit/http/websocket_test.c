// SPDX-License-Identifier: Apache-2.0
/* websocket_test: names as RFC 6455 spells them. */

#include "http/websocket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/header.h"

static void names_get_their_spelling(void **state)
{
	struct header slots[4];
	struct headers headers = {.at = slots, .cap = 4};

	(void)state;
	header_add(&headers, STR("sec-websocket-key"), STR("a"));
	header_add(&headers, STR("SEC-WEBSOCKET-PROTOCOL"), STR("b"));
	header_add(&headers, STR("sec-websocket-other"), STR("c"));
	websocket_spell(&headers);
	assert_true(str_eq(slots[0].name, STR("Sec-WebSocket-Key")));
	assert_true(str_eq(slots[0].value, STR("a")));
	assert_true(str_eq(slots[1].name, STR("Sec-WebSocket-Protocol")));
	assert_true(str_eq(slots[2].name, STR("sec-websocket-other")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_get_their_spelling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
// link: base http rule
/* rule_fuzz: any bytes as a rule. What parses is printed, and the print parses to the same; both
 * decide alike. */

#include <errno.h>
#include <stdlib.h>

#include "base/die.h"
#include "http/canon.h"
#include "http/h1_parse.h"
#include "rule/rule.h"

enum { SLOTS = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void make_request(struct request *request, struct header *slots, struct arena *arena)
{
	static const struct h1_limits limits = {4096, SLOTS};
	enum fail fail = FAIL_NONE;

	*request = (struct request){.arena = arena, .headers = {.at = slots, .cap = SLOTS}};
	ASSERT(h1_parse_request(STR("GET /a/b%2Fc?k=v&e HTTP/1.1\r\nHost: a.b\r\nX: y\r\n\r\n"),
				&limits, request, &fail) > 0);
	ASSERT(canon_request(request, &(const struct canon_options){0}) == FAIL_NONE);
	ASSERT(addr_parse(STR("10.0.0.1"), &request->peer) == 0);
}

/* The old syntax leads to the same trees. */
static void try_v2(struct str text, struct header slots[SLOTS])
{
	struct arena arena;
	struct request request;
	const struct rule *rule = NULL;
	struct rule_fault fault = {0};
	int result;

	arena_init(&arena, 8 << 20, 0);
	result = rule_parse_as(RULE_V2, text, &arena, &rule, &fault);
	ASSERT(result == 0 ? rule != NULL : rule == NULL);
	ASSERT(result != -EINVAL || (fault.message[0] && fault.column <= text.len));
	if (result == 0) {
		ASSERT(rule_print(rule, &arena).at);
		make_request(&request, slots, &arena);
		rule_match(rule, &request);
		rule_done(rule);
	}
	arena_done(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	struct header slots[SLOTS];
	struct request request;
	const struct rule *rule = NULL, *again = NULL;
	struct rule_fault fault = {0};
	char *copy = malloc(size ? size : 1);
	int result;

	ASSERT(copy);
	if (size)
		memcpy(copy, data, size);
	arena_init(&arena, 8 << 20, 0);
	result = rule_parse(str_n(copy, size), &arena, &rule, &fault);
	try_v2(str_n(copy, size), slots);
	free(copy);
	ASSERT(result == 0 ? rule != NULL : rule == NULL);
	ASSERT(result != -EINVAL || (fault.message[0] && fault.column <= size));
	if (result == 0) {
		struct str printed = rule_print(rule, &arena);
		struct strs hosts;

		ASSERT(printed.at && rule_parse(printed, &arena, &again, &fault) == 0);
		ASSERT(str_eq(rule_print(again, &arena), printed));
		make_request(&request, slots, &arena);
		ASSERT(rule_match(rule, &request) == rule_match(again, &request));
		ASSERT((rule_failed_leaf(rule, &request) == NULL) == rule_match(rule, &request));
		rule_hosts(rule, &arena, &hosts);
		rule_done(rule);
		rule_done(again);
	}
	arena_done(&arena);
	return 0;
}

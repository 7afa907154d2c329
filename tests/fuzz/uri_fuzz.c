// SPDX-License-Identifier: Apache-2.0
// link: base http
/*
 * uri_fuzz: any bytes as a target, a host and a query. A canonical path begins with '/', has no dot
 * or empty segment, only well-formed escapes, and is its own canonical form.
 */

#include <stdlib.h>

#include "base/die.h"
#include "http/canon.h"
#include "http/h1_scan.h"
#include "http/query.h"
#include "http/uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_path(struct request *request)
{
	struct str raw = request->raw_path, rest = raw, segment;
	struct str routing = request->routing_path, path = request->path;
	const char *end = raw.at + raw.len;

	ASSERT(raw.len > 0 && raw.at[0] == '/' && path.at[0] == '/' && routing.at[0] == '/');
	ASSERT(h1_scan_target(raw.at, end) == end);
	for (size_t i = 0; i < raw.len; i++) {
		if (raw.at[i] == '%')
			ASSERT(i + 2 < raw.len && uri_hex((unsigned char)raw.at[i + 1]) >= 0 &&
			       uri_hex((unsigned char)raw.at[i + 2]) >= 0);
	}
	str_next(&rest, '/', &segment);
	while (str_next(&rest, '/', &segment)) {
		ASSERT(segment.len > 0 || !rest.at);
		ASSERT(!str_eq(segment, STR(".")) && !str_eq(segment, STR("..")));
		ASSERT(!str_starts(segment, STR("..;")));
	}
	ASSERT(path.len <= routing.len && routing.len <= raw.len);
	ASSERT(canon_set_path(request, raw) == FAIL_NONE);
	ASSERT(str_eq(request->raw_path, raw) && str_eq(request->path, path));
	ASSERT(str_eq(request->routing_path, routing));
	canon_check_encoded(raw, CANON_ENCODED_ALL);
}

static void fuzz_path(struct str text, struct arena *arena)
{
	struct request request = {.arena = arena, .raw_path = text, .query = text};

	if (canon_request(&request, &(const struct canon_options){0}) == FAIL_NONE) {
		check_path(&request);
		ASSERT(str_find(request.query, ';') < 0);
	}
	request = (struct request){.arena = arena, .raw_path = text, .query = text};
	canon_request(&request, &(const struct canon_options){.keep_path = true,
							      .encode_query_semicolons = true});
}

static void fuzz_host(struct str text, struct arena *arena)
{
	struct str host, again;

	if (!canon_host(text, arena, &host))
		return;
	ASSERT(host.len <= text.len);
	/* Names are canonical as they are; addresses have lost their brackets, a second dot goes
	 * next time. */
	if (str_find(host, ':') < 0 && !str_ends(host, STR(".")))
		ASSERT(canon_host(host, arena, &again) && str_eq(host, again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	struct query query;
	struct str text, key, value, decoded;
	struct uri uri;
	char *copy = malloc(size ? size : 1);

	ASSERT(copy);
	if (size)
		memcpy(copy, data, size);
	text = str_n(copy, size);
	arena_init(&arena, 1 << 20, 0);
	fuzz_path(text, &arena);
	fuzz_host(text, &arena);
	if (uri_parse(text, METHOD_OPTIONS, &uri) == FAIL_NONE)
		ASSERT(uri.path.len > 0);
	query = query_of(text, &arena);
	while (query_next(&query, &key, &value))
		ASSERT(key.len + value.len <= size);
	if (!arena.failed && size < 10000) {
		ASSERT(uri_decode(uri_encode_query(text, &arena), true, &arena, &decoded) == 0);
		ASSERT(str_eq(decoded, text));
		ASSERT(uri_decode(uri_encode_path(text, &arena), false, &arena, &decoded) == 0);
		ASSERT(str_eq(decoded, text));
	}
	arena_done(&arena);
	free(copy);
	return 0;
}

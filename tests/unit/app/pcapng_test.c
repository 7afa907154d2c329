// SPDX-License-Identifier: Apache-2.0
/* pcapng_test: blocks have their lengths at both ends, interfaces are described once, packets
 * whole. */
#include "app/pcapng.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"

static uint32_t word(const char *at, size_t offset)
{
	uint32_t value;

	memcpy(&value, at + offset, sizeof(value));
	return value;
}

static void blocks_are_well_formed(void **state)
{
	static const uint32_t want[] = {0x0a0d0d0a, 1, 6, 6, 1, 6};
	uint8_t data[ABI_CAPTURE_SNAP];
	struct dataplane_seen seen = {.verdict = ABI_CAPTURE_SENT,
				      .entry = "web",
				      .bytes = 9000,
				      .data = data,
				      .wall_ns = (7ULL << 32) + 5};
	struct pcapng pcapng;
	char *text = NULL;
	size_t size = 0, at = 0, n = 0;
	FILE *file = open_memstream(&text, &size);

	(void)state;
	memset(data, 0xab, sizeof(data));
	assert_int_equal(pcapng_begin(&pcapng, file), 0);
	for (uint32_t i = 0; i < 3; i++) {
		seen.ifindex = i == 2 ? 5 : 4;
		seen.length = i == 1 ? ABI_CAPTURE_SNAP : 13;
		assert_int_equal(pcapng_write(&pcapng, &seen, i == 2 ? "b" : "a"), 0);
	}
	fclose(file);
	for (; at < size; n++) {
		uint32_t length = word(text, at + 4);

		CHECK_INT("type", word(text, at), want[n]);
		CHECK_INT("length, again", word(text, at + length - 4), length);
		if (word(text, at) == 6) {
			CHECK_INT("interface", word(text, at + 8), n == 5);
			CHECK_INT("time, high", word(text, at + 12), 7);
			CHECK_INT("whole", word(text, at + 24), 9000);
			assert_memory_equal(text + at + 28, data, word(text, at + 20));
		}
		at += length;
	}
	CHECK_INT("blocks", n, 6);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(blocks_are_well_formed)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

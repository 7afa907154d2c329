// SPDX-License-Identifier: Apache-2.0
/* translate_test: what translation stands on, on the host: checksums, ports, flows' ends,
 * fragments. */
#include <stdlib.h>

#include "check.h"
#include "flow_key.h"
#include "fragment_span.h"

/* Code for the kernel side counts bytes with pointers to void. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpointer-arith"
#include "../../bpf/rewrite.h"
#pragma GCC diagnostic pop

/* The sum of whole words, the slow way. */
static uint16_t whole(const uint16_t *word, size_t n)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += word[i];
	return (uint16_t)~sum_fold(sum);
}

static void a_checksum_follows_every_change(void **state)
{
	uint16_t words[32];

	(void)state;
	srand(7);
	for (int turn = 0; turn < 10000; turn++) {
		for (size_t i = 0; i < 32; i++)
			words[i] = (uint16_t)(turn % 3 ? rand() : turn % 2 ? 0xffff : 0);
		uint16_t before = whole(words, 32), now = (uint16_t)rand();
		size_t at = (size_t)rand() % 32;
		uint64_t change = sum_change16(0, words[at], now);

		words[at] = now;
		uint16_t follows = sum_apply(before, change), anew = whole(words, 32);

		/* Ones' complement has two zeros. */
		if (follows != anew && (follows | anew) != 0xffff)
			fail_msg("turn %d: %x, not %x", turn, follows, anew);
	}
}

static void candidates_lie_in_the_range(void **state)
{
	(void)state;
	for (uint64_t hash = 1; hash; hash <<= 1)
		for (uint32_t i = 0; i < FLOW_PROBES; i++) {
			uint16_t port = flow_port(hash * 0x9e3779b97f4a7c15ULL, i, 61000, 61007);

			assert_in_range(port, 61000, 61007);
		}
}

static void a_connection_ends_as_its_segments_say(void **state)
{
	enum { FIN = 1, SYN = 2, RST = 4, ACK = 16 };
	uint8_t flags = 0;

	(void)state;
	flags = flow_track(flags, false, SYN);
	assert_int_equal(flow_timeout(IPPROTO_TCP, flags), 60);
	flags = flow_track(flags, true, SYN | ACK);
	assert_int_equal(flow_timeout(IPPROTO_TCP, flags), 7440);
	flags = flow_track(flags, true, FIN | ACK);
	assert_int_equal(flow_timeout(IPPROTO_TCP, flags), 240);
	flags = flow_track(flags, false, FIN | ACK);
	assert_int_equal(flow_timeout(IPPROTO_TCP, flags), 60);
	flags = flow_track(flags, false, SYN);
	assert_int_equal(flags, 0);
	flags = flow_track(ABI_FLOW_ANSWERED, false, RST);
	assert_int_equal(flow_timeout(IPPROTO_TCP, flags), 10);
	flags = flow_track(flags, true, ACK);
	assert_int_equal(flow_timeout(IPPROTO_TCP, flags), 7440);
}

static void fragments_may_not_overlap(void **state)
{
	struct abi_fragment seen = {0};

	(void)state;
	fragment_begin(&seen, 4);
	assert_int_equal(fragment_follow(&seen, 2, 6, false), FRAGMENT_OVERLAPS);
	assert_int_equal(fragment_follow(&seen, 4, 8, false), FRAGMENT_FOLLOWS);
	assert_int_equal(fragment_follow(&seen, 12, 16, true), FRAGMENT_FOLLOWS);
	assert_int_equal(fragment_follow(&seen, 16, 20, true), FRAGMENT_OVERLAPS);
	assert_int_equal(fragment_follow(&seen, 7, 12, false), FRAGMENT_OVERLAPS);
	assert_int_equal(fragment_follow(&seen, 8, 12, false), FRAGMENT_FOLLOWS);
	assert_int_equal(fragment_follow(&seen, 8, 12, false), FRAGMENT_OVERLAPS);
}

static void a_large_mss_is_lowered_wherever_it_stands(void **state)
{
	(void)state;
	for (int before = 0; before < 6; before++) {
		uint8_t frame[64] = {0};
		struct tcphdr *tcp = (struct tcphdr *)frame;
		uint8_t *option = frame + sizeof(*tcp) + before;

		tcp->doff = 8;
		memset(frame + sizeof(*tcp), 1, 12);
		memcpy(option, (uint8_t[]){2, 4, 0x05, 0xb4}, 4);
		tcp->check = whole((uint16_t *)frame, 16);
		assert_true(rewrite_mss(frame, frame + 32, 0, 1400));
		assert_int_equal(option[2] << 8 | option[3], 1400);
		assert_int_equal(whole((uint16_t *)frame, 16), 0);
		assert_false(rewrite_mss(frame, frame + 32, 0, 1400));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_checksum_follows_every_change),
		cmocka_unit_test(candidates_lie_in_the_range),
		cmocka_unit_test(a_connection_ends_as_its_segments_say),
		cmocka_unit_test(fragments_may_not_overlap),
		cmocka_unit_test(a_large_mss_is_lowered_wherever_it_stands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
/*
 * track_test: how many connections with backends a source and its network may have open, for what
 * goes to addresses that are forwarded: what counts, what ends it, what is not believed.
 */
#include "balance_lab.h"

enum { MOST = 3, HOUR_MS = 3600 * 1000, REFUSED = XDP_DROP, SENT = XDP_TX };

struct family {
	const char *name, *source, *neighbour, *stranger;
};

static const struct family families[] = {
	{"IPv4", "198.51.100.7", "198.51.100.8", "203.0.113.5"},
	{"IPv6", "2001:db8:5::7", "2001:db8:5:1::7", "2001:db8:9::7"},
};

static const enum kernel_mode modes[] = {KERNEL_MODE_NAT, KERNEL_MODE_DSR_L2, KERNEL_MODE_DSR_IPIP,
					 KERNEL_MODE_DSR_GUE};

static void begin_as(struct lab *lab, const char *name, enum kernel_mode mode, bool is_v6,
		     bool of_network)
{
	lab_service(lab, mode, KERNEL_AFFINITY_NONE);
	lab_backends(lab, is_v6, 1, 2);

	struct kernel_policy *policy = kernel_config_policy(lab->config, str_of(name));

	if (of_network)
		policy->network.connections = MOST;
	else
		policy->connections = MOST;
	assert_true(kernel_policy_add(lab->config, policy,
				      &(struct cidr){lab_addr("192.0.2.99"), 128, true},
				      KERNEL_ALLOW));
	lab_entry(lab, "web4", "192.0.2.1", 80, IPPROTO_TCP);
	lab_entry(lab, "web6", "2001:db8::1", 80, IPPROTO_TCP);
	for (size_t i = 0; i < lab->config->n_entries; i++)
		lab->config->entries[i].policy = policy;
	lab_apply(lab);
}

static void begin(struct lab *lab, enum kernel_mode mode, bool is_v6, bool of_network)
{
	begin_as(lab, "few", mode, is_v6, of_network);
}

static int sends(struct lab *lab, const char *source, uint16_t port, uint8_t flags,
		 struct lab_out *ret)
{
	struct lab_out out;
	const struct packet_spec spec = {.source = source, .source_port = port, .tcp_flags = flags};

	lab_send(lab, &spec, ret ? ret : &out);
	return (ret ? ret : &out)->verdict;
}

/* The backend's segment for the one that left here. */
static void answers(struct lab *lab, const struct lab_out *sent, uint8_t flags)
{
	struct lab_out out;
	bool is_v4 = sent->frame[12] == 0x08;
	const uint8_t *l4 = sent->frame + (is_v4 ? 34 : 54);
	char from[ADDR_TEXT_MAX];
	struct addr addr = {0};

	if (is_v4) {
		addr.byte[10] = addr.byte[11] = 0xff;
		memcpy(addr.byte + 12, sent->frame + 30, 4);
	} else {
		memcpy(addr.byte, sent->frame + 38, 16);
	}
	addr_print(&addr, from);

	const struct packet_spec spec = {
		.source = from,
		.dest = is_v4 ? "192.0.2.10" : "2001:db8::10",
		.source_port = (uint16_t)(l4[2] << 8 | l4[3]),
		.dest_port = (uint16_t)(l4[0] << 8 | l4[1]),
		.tcp_flags = flags,
	};

	lab_send(lab, &spec, &out);
}

/* A whole handshake; whether it came about. */
static bool opens(struct lab *lab, const char *source, uint16_t port)
{
	struct lab_out out;

	if (sends(lab, source, port, PACKET_SYN, &out) != SENT)
		return false;
	if (lab->service->mode == KERNEL_MODE_NAT)
		answers(lab, &out, PACKET_SYN | PACKET_ACK);
	return sends(lab, source, port, PACKET_ACK, NULL) == SENT;
}

static void fill(struct lab *lab, const char *source, uint16_t first)
{
	for (uint16_t port = first; port < first + MOST; port++)
		CHECK_INT("within the limit", opens(lab, source, port), 1);
	CHECK_INT("one more", opens(lab, source, first + MOST), 0);
}

static void closes(struct lab *lab, const char *source, uint16_t port)
{
	struct lab_out out;

	CHECK_INT("FIN", sends(lab, source, port, PACKET_FIN | PACKET_ACK, &out), SENT);
	if (lab->service->mode == KERNEL_MODE_NAT) {
		CHECK_INT("half closed", opens(lab, source, 50001), 0);
		answers(lab, &out, PACKET_FIN | PACKET_ACK);
	}
	CHECK_INT("the last ACK", sends(lab, source, port, PACKET_ACK, NULL), SENT);
}

static void a_source_has_as_many_as_it_may(void **state)
{
	struct lab *lab = lab_of(state);

	for (size_t m = 0; m < sizeof(modes) / sizeof(*modes); m++)
		for (size_t f = 0; f < 2; f++) {
			const char *source = families[f].source;
			uint16_t first = (uint16_t)(1000 + m * 100);

			begin(lab, modes[m], f, false);
			plane_at_ms(&lab->plane, (m * 2 + f + 1) * 10ULL * HOUR_MS);
			uint64_t before = lab_dropped(lab, ABI_DROP_CONNECTIONS);

			fill(lab, source, first);
			CHECK_INT("counted", lab_dropped(lab, ABI_DROP_CONNECTIONS), before + 1);
			CHECK_INT("another source", opens(lab, families[f].stranger, first), 1);
			CHECK_INT("a neighbour", opens(lab, families[f].neighbour, first), 1);
			/* What is open goes on. */
			CHECK_INT("data", sends(lab, source, first, PACKET_ACK, NULL), SENT);
			closes(lab, source, first);
			CHECK_INT("after FIN", opens(lab, source, first + 10), 1);
			CHECK_INT("and no more", opens(lab, source, first + 11), 0);
			sends(lab, source, first + 10, PACKET_RST | PACKET_ACK, NULL);
			CHECK_INT("after RST", opens(lab, source, first + 12), 1);
			CHECK_INT("again no more", opens(lab, source, first + 13), 0);
		}
	lab_balance(lab);
}

static void a_network_has_a_number_too(void **state)
{
	struct lab *lab = lab_of(state);

	for (size_t f = 0; f < 2; f++) {
		begin(lab, KERNEL_MODE_DSR_IPIP, f, true);
		fill(lab, families[f].source, 2000);
		CHECK_INT("a neighbour", opens(lab, families[f].neighbour, 2000), 0);
		CHECK_INT("another network", opens(lab, families[f].stranger, 2000), 1);
		closes(lab, families[f].source, 2001);
		CHECK_INT("room again", opens(lab, families[f].neighbour, 2000), 1);
	}
}

static void a_syn_sent_again_counts_once(void **state)
{
	struct lab *lab = lab_of(state);
	const char *source = families[0].source;

	begin(lab, KERNEL_MODE_DSR_L2, false, false);
	for (int i = 0; i < 10; i++)
		CHECK_INT("again", sends(lab, source, 3000, PACKET_SYN, NULL), SENT);
	for (int i = 0; i < 5; i++)
		CHECK_INT("its ACK", sends(lab, source, 3000, PACKET_ACK, NULL), SENT);
	CHECK_INT("late SYN", sends(lab, source, 3000, PACKET_SYN, NULL), SENT);
	CHECK_INT("second", opens(lab, source, 3001), 1);
	CHECK_INT("third", opens(lab, source, 3002), 1);
	CHECK_INT("fourth", opens(lab, source, 3003), 0);
}

static void attempts_that_lead_nowhere_are_soon_forgotten(void **state)
{
	struct lab *lab = lab_of(state);
	const char *source = families[0].source;

	begin(lab, KERNEL_MODE_NAT, false, false);
	for (uint16_t port = 4000; port < 4000 + MOST; port++)
		CHECK_INT("SYN", sends(lab, source, port, PACKET_SYN, NULL), SENT);
	CHECK_INT("attempts count", sends(lab, source, 4010, PACKET_SYN, NULL), REFUSED);
	plane_at_ms(&lab->plane, 4000);
	fill(lab, source, 4020);
	/* Handshakes put off do not end when there is no room: else they would get past the limit.
	 */
	CHECK_INT("put off", sends(lab, source, 4000, PACKET_ACK, NULL), REFUSED);
	sends(lab, source, 4020, PACKET_RST, NULL);
	CHECK_INT("there is room", sends(lab, source, 4000, PACKET_ACK, NULL) != REFUSED, 1);
}

static void who_goes_on_after_the_end_is_counted_again(void **state)
{
	struct lab *lab = lab_of(state);
	const char *source = families[0].source;
	static const uint8_t ends[] = {PACKET_RST, PACKET_FIN | PACKET_ACK};

	for (uint64_t i = 0; i < 2; i++) {
		uint64_t at_ms = (i + 1) * 10ULL * HOUR_MS;

		begin(lab, KERNEL_MODE_DSR_GUE, false, false);
		plane_at_ms(&lab->plane, at_ms);
		fill(lab, source, 5000);
		CHECK_INT("end", sends(lab, source, 5000, ends[i], NULL), SENT);
		CHECK_INT("on the way", sends(lab, source, 5000, PACKET_ACK, NULL), SENT);
		plane_at_ms(&lab->plane, at_ms + 8000);
		CHECK_INT("goes on", sends(lab, source, 5000, PACKET_ACK, NULL), SENT);
		CHECK_INT("full", opens(lab, source, 5010), 0);
		/* A second end is not believed at once... */
		CHECK_INT("end", sends(lab, source, 5000, ends[i], NULL), SENT);
		CHECK_INT("still full", opens(lab, source, 5010), 0);
		/* ...but it does not count for long. */
		plane_at_ms(&lab->plane, at_ms + HOUR_MS);
		CHECK_INT("room", opens(lab, source, 5010), 1);
		CHECK_INT("for one", opens(lab, source, 5011), 0);
	}
}

static void what_is_silent_for_hours_is_forgotten(void **state)
{
	struct lab *lab = lab_of(state);
	const char *source = families[0].source;

	begin(lab, KERNEL_MODE_DSR_L2, false, false);
	fill(lab, source, 6000);
	/* One of them goes on. */
	for (uint64_t half = 1; half <= 6; half++) {
		plane_at_ms(&lab->plane, half * HOUR_MS / 2);
		CHECK_INT("goes on", sends(lab, source, 6000, PACKET_ACK, NULL), SENT);
		if (half == 3)
			CHECK_INT("an hour and a half", opens(lab, source, 6010), 0);
	}
	for (uint16_t port = 6020; port < 6020 + MOST - 1; port++)
		CHECK_INT("the others' room", opens(lab, source, port), 1);
	CHECK_INT("but for the one", opens(lab, source, 6030), 0);
	CHECK_INT("nor for its ports again", opens(lab, source, 6002), 0);
	/* A connection that was forgotten is not refused. */
	CHECK_INT("late", sends(lab, source, 6001, PACKET_ACK, NULL), SENT);
}

static void a_flood_neither_blocks_nor_frees_anybody(void **state)
{
	struct lab *lab = lab_of(state);
	const char *source = families[0].source;
	uint8_t frame[PACKET_ROOM];
	struct lab_out out;
	static const uint8_t kinds[] = {PACKET_SYN, PACKET_ACK};

	begin(lab, KERNEL_MODE_DSR_L2, false, false);
	fill(lab, source, 7000);
	CHECK_INT("a handshake begins", sends(lab, "203.0.113.77", 7000, PACKET_SYN, NULL), SENT);
	for (int kind = 0; kind < 2; kind++) {
		size_t n = packet_build(&(struct packet_spec){.tcp_flags = kinds[kind]}, frame);

		for (uint32_t i = 0; i < 100000; i++) {
			packet_set_source(frame, "10.0.0.1", i);
			lab_run(lab, frame, n, &out);
		}
	}
	CHECK_INT("still full", opens(lab, source, 7010), 0);
	CHECK_INT("open ones go on", sends(lab, source, 7000, PACKET_ACK, NULL), SENT);
	CHECK_INT("so does a handshake", sends(lab, "203.0.113.77", 7000, PACKET_ACK, NULL), SENT);
	closes(lab, source, 7001);
	CHECK_INT("an end is known", opens(lab, source, 7011), 1);
}

static void backends_end_connections_too(void **state)
{
	struct lab *lab = lab_of(state);
	const char *source = families[0].source;
	struct lab_out out;

	begin(lab, KERNEL_MODE_NAT, false, false);
	fill(lab, source, 8000);
	CHECK_INT("data", sends(lab, source, 8000, PACKET_ACK, &out), SENT);
	answers(lab, &out, PACKET_RST | PACKET_ACK);
	CHECK_INT("a reset", opens(lab, source, 8010), 1);
	CHECK_INT("full", opens(lab, source, 8011), 0);
	CHECK_INT("data", sends(lab, source, 8001, PACKET_ACK, &out), SENT);
	answers(lab, &out, PACKET_FIN | PACKET_ACK);
	CHECK_INT("one side", opens(lab, source, 8012), 0);
	CHECK_INT("the other", sends(lab, source, 8001, PACKET_FIN | PACKET_ACK, NULL), SENT);
	CHECK_INT("both", opens(lab, source, 8013), 1);
}

static void what_is_not_limited_is_not_counted(void **state)
{
	struct lab *lab = lab_of(state);

	begin(lab, KERNEL_MODE_DSR_L2, false, false);
	for (uint16_t port = 9000; port < 9010; port++) {
		CHECK_INT("trusted", opens(lab, "192.0.2.99", port), 1);
		/* From before the limit, or from another node. */
		CHECK_INT("unknown", sends(lab, families[0].source, port, PACKET_ACK, NULL), SENT);
	}
	fill(lab, families[0].source, 9100);
}

/* The third takes the slot of the first: names that are gone leave theirs a generation later. */
static void a_policy_does_not_inherit_what_another_counted(void **state)
{
	struct lab *lab = lab_of(state);
	const char *source = families[0].source;

	begin(lab, KERNEL_MODE_DSR_L2, false, false);
	fill(lab, source, 9200);
	begin_as(lab, "second", KERNEL_MODE_DSR_L2, false, false);
	begin_as(lab, "third", KERNEL_MODE_DSR_L2, false, false);
	fill(lab, source, 9300);
	/* The end of the first one's is not the end of the third one's. */
	closes(lab, source, 9200);
	CHECK_INT("still full", opens(lab, source, 9310), 0);
	closes(lab, source, 9300);
	CHECK_INT("after its own", opens(lab, source, 9311), 1);
	/* It keeps its own when it comes back. */
	begin(lab, KERNEL_MODE_DSR_L2, false, false);
	CHECK_INT("two are open", opens(lab, source, 9320), 1);
	CHECK_INT("full", opens(lab, source, 9321), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(a_source_has_as_many_as_it_may),
		LAB_TEST(a_network_has_a_number_too),
		LAB_TEST(a_syn_sent_again_counts_once),
		LAB_TEST(attempts_that_lead_nowhere_are_soon_forgotten),
		LAB_TEST(who_goes_on_after_the_end_is_counted_again),
		LAB_TEST(what_is_silent_for_hours_is_forgotten),
		LAB_TEST(a_flood_neither_blocks_nor_frees_anybody),
		LAB_TEST(backends_end_connections_too),
		LAB_TEST(what_is_not_limited_is_not_counted),
		LAB_TEST(a_policy_does_not_inherit_what_another_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

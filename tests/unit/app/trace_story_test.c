// SPDX-License-Identifier: Apache-2.0
/* trace_story_test: what stages say, and which of them a packet meets. */
#include "app/trace_story.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "check.h"

static struct packet_end end_of(const char *text, uint16_t port)
{
	struct packet_end end = {.port = port};

	assert_int_equal(addr_parse(str_of(text), &end.addr), 0);
	return end;
}

/* "parse: ...|entry: ...|" */
static const char *told(const struct trace_story *story)
{
	static char all[2048];
	char text[640];
	size_t n = 0;

	for (enum trace_stage stage = TRACE_PARSE; stage <= trace_story_end(story); stage++)
		if (trace_story_tell(story, stage, text, sizeof(text)))
			n += (size_t)snprintf(all + n, sizeof(all) - n, "%s: %s|",
					      trace_stage_name(stage), text);
	return all;
}

static void put_addr(struct abi_addr *ret, const char *text)
{
	struct packet_end end = end_of(text, 0);

	memcpy(ret, end.addr.byte, sizeof(*ret));
}

static struct packet_spec of_client(void)
{
	return (struct packet_spec){.proto = IPPROTO_TCP,
				    .tcp_flags = 16,
				    .source = end_of("198.51.100.7", 4000),
				    .dest = end_of("192.0.2.1", 80)};
}

static void a_denied_packet_ends_at_the_lists(void **state)
{
	struct packet_spec spec = of_client();
	struct rehearsal of = {
		.seen = {.verdict = ABI_CAPTURE_DROPPED, .why = ABI_DROP_DENIED},
		.entry = {.target = ABI_TARGET_LOCAL,
			  .port = htons(80),
			  .port_last = htons(80),
			  .name = "web"},
		.policy = {.flags = ABI_POLICY_ACL4, .name = "web"},
	};
	const struct trace_story story = {
		.spec = &spec,
		.of = &of,
		.seen = {.policy = "web",
			 .object = "SourcePolicy/shop/strict",
			 .rule = "deny 198.51.100.0/24"},
	};

	(void)state;
	CHECK_INT("end", trace_story_end(&story), TRACE_LISTS);
	assert_string_equal(told(&story), "parse: IPv4 TCP ack|"
					  "entry: entry point web (any address, port 80), policy "
					  "web of SourcePolicy/shop/strict|"
					  "lists: deny 198.51.100.0/24|");
}

static void a_known_flow_is_told_with_its_ends(void **state)
{
	struct packet_spec spec = of_client();
	struct rehearsal of = {
		.seen = {.verdict = ABI_CAPTURE_SENT, .why = ABI_SEND_FORWARDED},
		.entry = {.target = ABI_TARGET_SERVICE,
			  .port = htons(80),
			  .port_last = htons(80),
			  .name = "shop/web 192.0.2.1:80"},
		.service = {.name = "shop/web"},
		.backend = {.mode = ABI_MODE_NAT, .state = ABI_BACKEND_DRAIN, .port = htons(8080)},
	};
	struct trace_story story = {.spec = &spec,
				    .of = &of,
				    .flow = TRACE_OLD_FLOW,
				    .key = {.node_port = htons(61000), .backend_port = htons(8080)},
				    .known = {.client_port = htons(4000),
					      .vip_port = htons(80),
					      .flags = ABI_FLOW_CLIENT_FIN},
				    .out = "eth1"};

	(void)state;
	put_addr(&of.entry.addr, "192.0.2.1");
	put_addr(&of.backend.addr, "10.0.0.9");
	put_addr(&story.key.backend, "10.0.0.9");
	put_addr(&story.known.client, "198.51.100.7");
	put_addr(&story.known.vip, "192.0.2.1");
	assert_string_equal(told(&story),
			    "parse: IPv4 TCP ack|"
			    "entry: virtual address shop/web 192.0.2.1:80, no policy|"
			    "bans: the source is not banned|"
			    "flow: known: 198.51.100.7:4000 to 192.0.2.1:80, port 61000 of ours at "
			    "10.0.0.9:8080, not answered yet, closed by the client|"
			    "backend: service shop/web, backend 10.0.0.9:8080 (nat), draining|"
			    "forward: to the backend, out of eth1|");
}

static void policies_are_not_asked_about_errors_and_later_fragments(void **state)
{
	struct packet_spec spec = of_client();
	struct rehearsal of = {
		.seen = {.verdict = ABI_CAPTURE_PASSED, .why = ABI_PASS_OTHER_PROTO}};
	const struct trace_story story = {.spec = &spec, .of = &of};

	(void)state;
	spec.proto = IPPROTO_ICMP;
	spec.icmp = PACKET_UNREACHABLE;
	spec.about_proto = IPPROTO_UDP;
	spec.about_source = spec.dest;
	spec.about_dest = spec.source;
	assert_string_equal(told(&story), "parse: IPv4 ICMP error (unreachable)|"
					  "flow: none that is forwarded here|");
	spec = of_client();
	spec.fragment = PACKET_LATE;
	of.seen = (struct abi_captured){.verdict = ABI_CAPTURE_DROPPED,
					.why = ABI_DROP_FRAGMENT_LOST};
	assert_string_equal(told(&story), "parse: IPv4 TCP ack, later fragment|"
					  "flow: a later fragment whose first one was not seen|");
}

static void a_packet_is_said_in_words(void **state)
{
	struct packet_spec spec = of_client();
	char text[256];

	(void)state;
	spec.fragment = PACKET_FIRST;
	spec.id = 9;
	spec.n_tags = 1;
	spec.tags[0] = 7;
	trace_story_packet(&spec, text, sizeof(text));
	assert_string_equal(text, "tcp 198.51.100.7:4000 > 192.0.2.1:80 ack, first fragment of "
				  "datagram 9, VLAN 7");
	spec = of_client();
	spec.proto = spec.about_proto = IPPROTO_ICMP;
	spec.icmp = PACKET_TOO_BIG;
	spec.mtu = 1400;
	spec.about_proto = IPPROTO_UDP;
	spec.about_source = spec.dest;
	spec.about_dest = spec.source;
	trace_story_packet(&spec, text, sizeof(text));
	assert_string_equal(text, "icmp 198.51.100.7 > 192.0.2.1 too-big 1400 about udp "
				  "192.0.2.1:80 > 198.51.100.7:4000");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_denied_packet_ends_at_the_lists),
		cmocka_unit_test(a_known_flow_is_told_with_its_ends),
		cmocka_unit_test(policies_are_not_asked_about_errors_and_later_fragments),
		cmocka_unit_test(a_packet_is_said_in_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

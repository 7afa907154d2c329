// SPDX-License-Identifier: Apache-2.0
/* trace_story: see the header. */
#include "app/trace_story.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { VLAN_BYTES = 4, ICMP_MTU = 6, TTL_LEFT = 1 };

static const char *const names[] = {
#define STAGE_NAME(id, name) [TRACE_##id] = name,
	TRACE_STAGES(STAGE_NAME)};

const char *trace_stage_name(enum trace_stage stage)
{
	return names[stage];
}

/* A text that grows in a room of fixed size. */
struct words {
	char *at;
	size_t n, size;
};

__attribute__((format(printf, 2, 3))) static void say(struct words *words, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int n = vsnprintf(words->at + words->n, words->size - words->n, format, args);

	va_end(args);
	if (n > 0)
		words->n +=
			(size_t)n < words->size - words->n ? (size_t)n : words->size - words->n - 1;
}

static struct addr addr_of(const struct abi_addr *addr)
{
	struct addr ret;

	memcpy(ret.byte, addr, sizeof(ret.byte));
	return ret;
}

static void say_end(struct words *words, const struct abi_addr *of, __be16 port)
{
	struct addr addr = addr_of(of);
	char text[ADDR_TEXT_MAX];

	addr_print_port(&addr, ntohs(port), text);
	say(words, "%s", text);
}

/* ---------------------------------------------------------------------- the packet -- */

static const char *proto_word(uint8_t proto)
{
	return proto == IPPROTO_TCP ? "tcp" : proto == IPPROTO_UDP ? "udp" : "icmp";
}

static void say_ends(struct words *words, uint8_t proto, const struct packet_end *source,
		     const struct packet_end *dest)
{
	char from[ADDR_TEXT_MAX], to[ADDR_TEXT_MAX];

	if (proto == IPPROTO_ICMP) {
		addr_print(&source->addr, from);
		addr_print(&dest->addr, to);
	} else {
		addr_print_port(&source->addr, source->port, from);
		addr_print_port(&dest->addr, dest->port, to);
	}
	say(words, "%s %s > %s", proto_word(proto), from, to);
}

static void say_flags(struct words *words, uint8_t flags)
{
	static const char *const bits[] = {"fin", "syn", "rst", "psh", "ack", "urg"};

	for (size_t i = 0; i < sizeof(bits) / sizeof(*bits); i++)
		if (flags >> i & 1)
			say(words, " %s", bits[i]);
}

static const char *const icmp_words[] = {[PACKET_ECHO] = "echo",
					 [PACKET_ECHO_REPLY] = "reply",
					 [PACKET_UNREACHABLE] = "unreachable",
					 [PACKET_TOO_BIG] = "too-big",
					 [PACKET_TIME_EXCEEDED] = "time-exceeded"};
static const char *const fragment_words[] = {[PACKET_WHOLE] = "",
					     [PACKET_FIRST] = "first fragment",
					     [PACKET_NEXT] = "fragment after its first one",
					     [PACKET_LATE] = "later fragment"};

void trace_story_packet(const struct packet_spec *spec, char *ret_text, size_t size)
{
	struct words words = {.at = ret_text, .size = size};

	say_ends(&words, spec->proto, &spec->source, &spec->dest);
	if (spec->proto == IPPROTO_TCP)
		say_flags(&words, spec->tcp_flags);
	if (spec->proto == IPPROTO_ICMP)
		say(&words, " %s", icmp_words[spec->icmp]);
	if (spec->icmp == PACKET_TOO_BIG)
		say(&words, " %u", spec->mtu);
	if (spec->about_proto) {
		say(&words, " about ");
		say_ends(&words, spec->about_proto, &spec->about_source, &spec->about_dest);
	}
	if (spec->fragment)
		say(&words, ", %s of datagram %u", fragment_words[spec->fragment], spec->id);
	for (size_t i = 0; i < spec->n_tags; i++)
		say(&words, ", VLAN %u", spec->tags[i]);
}

/* ----------------------------------------------------------------------- decisions -- */

static enum trace_stage end_of_drop(uint32_t why)
{
	switch (why) {
	case ABI_DROP_MALFORMED:
	case ABI_DROP_EXT_HEADERS:
	case ABI_DROP_TINY_FRAGMENT:
	case ABI_DROP_TCP_FLAGS:
		return TRACE_PARSE;
	case ABI_DROP_DENIED:
		return TRACE_LISTS;
	case ABI_DROP_BANNED:
		return TRACE_BANS;
	case ABI_DROP_RATE_PACKETS:
	case ABI_DROP_RATE_SYNS:
	case ABI_DROP_RATE_BYTES:
	case ABI_DROP_AGGREGATE_PACKETS:
	case ABI_DROP_AGGREGATE_SYNS:
	case ABI_DROP_AGGREGATE_BYTES:
	case ABI_DROP_CONNECTIONS:
	case ABI_DROP_FRAGMENT_FLOOD:
		return TRACE_LIMITS;
	case ABI_DROP_COOKIE_BAD:
		return TRACE_COOKIES;
	case ABI_DROP_FRAGMENT_LOST:
	case ABI_DROP_FRAGMENT_OVERLAP:
	case ABI_DROP_NO_FLOW:
	case ABI_DROP_NO_PORT:
		return TRACE_FLOW;
	case ABI_DROP_NO_BACKEND:
		return TRACE_BACKEND;
	default:
		return TRACE_FORWARD;
	}
}

/* A packet that no entry is looked for of: errors, and fragments without ports. */
static bool is_aside(const struct trace_story *story)
{
	return story->spec->proto == IPPROTO_ICMP || story->spec->fragment >= PACKET_NEXT;
}

static enum trace_stage end_of_pass(const struct trace_story *story)
{
	switch (story->of->seen.why) {
	case ABI_PASS_NOT_IP:
		return TRACE_PARSE;
	case ABI_PASS_OTHER_PROTO:
		return story->spec->about_proto ? TRACE_FLOW : TRACE_PARSE;
	case ABI_PASS_FRAGMENT:
		return story->of->seen.entry ? TRACE_FORWARD : TRACE_FLOW;
	case ABI_PASS_NO_ENTRY:
		return TRACE_ENTRY;
	case ABI_PASS_COOKIE:
		return TRACE_COOKIES;
	default:
		return TRACE_FORWARD;
	}
}

enum trace_stage trace_story_end(const struct trace_story *story)
{
	const struct abi_captured *seen = &story->of->seen;

	if (seen->verdict == ABI_CAPTURE_DROPPED)
		return end_of_drop(seen->why);
	if (seen->verdict == ABI_CAPTURE_PASSED)
		return end_of_pass(story);
	switch (seen->why) {
	case ABI_SEND_SYN_COOKIE:
		return TRACE_COOKIES;
	case ABI_SEND_ICMP_ECHO:
		return TRACE_ENTRY;
	case ABI_SEND_RESET:
		return story->of->backend.mode ? TRACE_FLOW : TRACE_BACKEND;
	default:
		return TRACE_FORWARD;
	}
}

/* -------------------------------------------------------------------------- stages -- */

static void say_parse(const struct trace_story *story, struct words *words)
{
	const struct packet_spec *spec = story->spec;

	say(words, "%s %s", addr_is_v4(&spec->dest.addr) ? "IPv4" : "IPv6",
	    spec->proto == IPPROTO_TCP	 ? "TCP"
	    : spec->proto == IPPROTO_UDP ? "UDP"
					 : "ICMP");
	if (spec->proto == IPPROTO_TCP)
		say_flags(words, spec->tcp_flags);
	if (spec->proto == IPPROTO_ICMP)
		say(words, spec->about_proto ? " error (%s)" : " %s", icmp_words[spec->icmp]);
	if (spec->fragment)
		say(words, ", %s", fragment_words[spec->fragment]);
}

/* An entry point has no slash in its name, an object has one. */
static const char *kind_of(const char *name)
{
	return strchr(name, '/') ? "virtual address" : "entry point";
}

static void say_entry(const struct trace_story *story, struct words *words)
{
	const struct abi_entry *entry = &story->of->entry;
	const struct dataplane_seen *seen = &story->seen;
	struct addr addr = addr_of(&entry->addr);

	if (story->of->seen.verdict == ABI_CAPTURE_SENT &&
	    story->of->seen.why == ABI_SEND_ICMP_ECHO) {
		say(words, "an address of a virtual address: the kernel plane answers for it");
		return;
	}
	if (!entry->target) {
		say(words, "none for this address, port and protocol: never limited");
		return;
	}
	say(words, "%s %.31s", kind_of(entry->name), entry->name);
	/* Objects' names have their address and port behind them. */
	if (addr_is_unspecified(&addr))
		say(words, " (any address, port %u)", ntohs(entry->port));
	if (entry->port_last != entry->port)
		say(words, " (ports %u to %u)", ntohs(entry->port), ntohs(entry->port_last));
	if (is_aside(story) || story->seen.why == ABI_SEND_RETURNED)
		return; /* policies are not asked about these */
	say(words, "%s%s%s%s", *seen->policy ? ", policy " : ", no policy", seen->policy,
	    *seen->object ? " of " : "", seen->object);
}

static bool has_verdict(const struct trace_story *story, enum abi_capture_verdict verdict,
			uint32_t why)
{
	return story->of->seen.verdict == verdict && story->of->seen.why == why;
}

static void say_lists(const struct trace_story *story, struct words *words)
{
	const struct abi_policy *policy = &story->of->policy;

	if (*story->seen.rule && (has_verdict(story, ABI_CAPTURE_DROPPED, ABI_DROP_DENIED) ||
				  has_verdict(story, ABI_CAPTURE_PASSED, ABI_PASS_TRUSTED)))
		say(words, "%s", story->seen.rule);
	else
		say(words, "%s",
		    policy->flags & (ABI_POLICY_ACL4 | ABI_POLICY_ACL6)
			    ? "no list of the policy names the source"
			    : "the policy has none");
}

static unsigned network_bits(const struct abi_policy *policy, bool is_v4)
{
	return (unsigned)(is_v4 ? __builtin_popcount(policy->network_v4_mask)
				: __builtin_popcountll(policy->network_v6_mask));
}

static void say_limits_of(struct words *words, const struct abi_limit *limits, unsigned bits)
{
	for (int i = 0; i < ABI_LIMIT__COUNT; i++)
		if (limits[i].cost_fp)
			say(words, "%s%s %.0f a second of each /%u", words->n ? ", " : "",
			    dataplane_limit_label((enum abi_limit_kind)i),
			    1e9 * 65536 / (double)limits[i].cost_fp, bits);
}

static void say_limits(const struct trace_story *story, struct words *words)
{
	const struct abi_policy *policy = &story->of->policy;
	bool is_v4 = addr_is_v4(&story->spec->source.addr);
	unsigned bits = is_v4 ? policy->v4_bits : policy->v6_bits;

	if (*story->seen.rule && trace_story_end(story) == TRACE_LIMITS) {
		say(words, "used up: %s", story->seen.rule);
		return;
	}
	if (has_verdict(story, ABI_CAPTURE_PASSED, ABI_PASS_TRUSTED)) {
		say(words, "not asked: the source is trusted");
		return;
	}
	say_limits_of(words, policy->limit, bits);
	say_limits_of(words, policy->network, network_bits(policy, is_v4));
	if (policy->connections)
		say(words, "%s%u connections of each /%u", words->n ? ", " : "",
		    policy->connections, bits);
	if (policy->network_connections)
		say(words, "%s%u connections of each /%u", words->n ? ", " : "",
		    policy->network_connections, network_bits(policy, is_v4));
	say(words, "%s", words->n ? ": within" : "none");
}

static void say_cookies(const struct trace_story *story, struct words *words)
{
	uint8_t flags = story->of->entry.flags;

	if (has_verdict(story, ABI_CAPTURE_SENT, ABI_SEND_SYN_COOKIE))
		say(words, "the SYN is answered with a cookie (synCookies)");
	else if (has_verdict(story, ABI_CAPTURE_DROPPED, ABI_DROP_COOKIE_BAD))
		say(words, "a segment of no connection, while there are too many");
	else
		say(words, "%s",
		    flags & ABI_ENTRY_COOKIES	     ? "always"
		    : flags & ABI_ENTRY_COOKIES_AUTO ? "under pressure, which there is not"
						     : "never");
}

static void say_old_flow(const struct trace_story *story, struct words *words)
{
	const struct abi_flow *flow = &story->known;

	say(words, "known: ");
	say_end(words, &flow->client, flow->client_port);
	say(words, " to ");
	say_end(words, &flow->vip, flow->vip_port);
	say(words, ", port %u of ours at ", ntohs(story->key.node_port));
	say_end(words, &story->key.backend, story->key.backend_port);
	say(words, "%s%s%s%s", flow->flags & ABI_FLOW_ANSWERED ? "" : ", not answered yet",
	    flow->flags & ABI_FLOW_CLIENT_FIN ? ", closed by the client" : "",
	    flow->flags & ABI_FLOW_SERVER_FIN ? ", closed by the server" : "",
	    flow->flags & ABI_FLOW_RESET ? ", reset" : "");
}

static void say_flow(const struct trace_story *story, struct words *words)
{
	uint32_t why = story->of->seen.why;

	if (story->of->seen.verdict == ABI_CAPTURE_DROPPED && trace_story_end(story) == TRACE_FLOW)
		say(words, "%s", dataplane_drop_text((enum abi_drop)why));
	else if (has_verdict(story, ABI_CAPTURE_SENT, ABI_SEND_RESET))
		say(words, "none: a segment of a connection that is not known here, answered with "
			   "a reset");
	else if (story->flow == TRACE_OLD_FLOW)
		say_old_flow(story, words);
	else if (story->flow == TRACE_NEW_FLOW)
		say(words, "new: would get port %u of ours", ntohs(story->key.node_port));
	else if (story->flow == TRACE_STUCK_FLOW)
		say(words, "known: stays with the backend that it began with");
	else if (story->of->seen.verdict == ABI_CAPTURE_PASSED &&
		 (story->spec->about_proto || story->spec->fragment >= PACKET_NEXT))
		say(words, "none that is forwarded here");
	else
		say(words, "nothing is remembered of it: its backend follows from its ends");
}

const char *trace_story_mode(const struct abi_backend *backend)
{
	static const char *const words[] = {
#define MODE_WORD(id, word) [ABI_MODE_##id] = word,
		ABI_MODES(MODE_WORD)};

	return backend->mode && backend->mode < ABI_MODE__COUNT ? words[backend->mode] : "";
}

static void say_backend(const struct trace_story *story, struct words *words)
{
	const struct rehearsal *of = story->of;
	static const char *const by[] = {[ABI_AFFINITY_NONE] = "by the flow",
					 [ABI_AFFINITY_SOURCE] = "by the source's address",
					 [ABI_AFFINITY_QUIC] = "by the connection id or the flow"};

	if (of->node.name[0]) {
		say(words, "node %.31s owns the flow", of->node.name);
		return;
	}
	if (!of->service.name[0]) {
		say(words, "%s", of->entry.target == ABI_TARGET_LOCAL ? "the local proxy" : "none");
		return;
	}
	say(words, "service %.31s", of->service.name);
	if (!of->backend.mode) {
		say(words, has_verdict(story, ABI_CAPTURE_DROPPED, ABI_DROP_NO_BACKEND) ||
					   has_verdict(story, ABI_CAPTURE_SENT, ABI_SEND_RESET)
				   ? ", no backend that is alive"
				   : "");
		return;
	}
	say(words, ", backend ");
	say_end(words, &of->backend.addr, of->backend.port);
	say(words, " (%s)%s", trace_story_mode(&of->backend),
	    of->backend.state == ABI_BACKEND_DRAIN  ? ", draining"
	    : of->backend.state == ABI_BACKEND_DEAD ? ", dead"
						    : "");
	if (story->flow == TRACE_NO_FLOW && of->service.affinity <= ABI_AFFINITY_QUIC)
		say(words, ", chosen %s", by[of->service.affinity]);
}

/* What an ICMP error that leaves tells its reader. */
static void say_error(const struct abi_captured *seen, struct words *words)
{
	size_t at = ETH_HLEN;

	while (at + VLAN_BYTES < seen->length && seen->data[at - 2] == 0x81)
		at += VLAN_BYTES;
	bool is_v4 = seen->data[at] >> 4 == 4;

	at += is_v4 ? 20 : 40;
	if (at + 8 > seen->length)
		return;
	uint8_t type = seen->data[at], code = seen->data[at + 1];
	const uint8_t *mtu = seen->data + at + ICMP_MTU;

	if (type == (is_v4 ? 11 : 3))
		say(words, "its time to live is over: the sender is told");
	else if (is_v4 ? type == 3 && code == 4 : type == 2)
		say(words,
		    "too big for the way to the backend: the sender is told to send %u "
		    "bytes at most",
		    (unsigned)(mtu[0] << 8 | mtu[1]));
	else
		say(words, "out of reach: the sender is told");
}

static void say_forward(const struct trace_story *story, struct words *words)
{
	const struct abi_captured *seen = &story->of->seen;

	if (seen->verdict == ABI_CAPTURE_DROPPED)
		say(words, "%s", dataplane_drop_text((enum abi_drop)seen->why));
	else if (seen->verdict == ABI_CAPTURE_PASSED)
		say(words, "%s",
		    seen->why == ABI_PASS_RESOLVE ? "the next hop's link address is not known "
						    "yet: the network stack looks for it"
		    : seen->why == ABI_PASS_SHARED
			    ? "the interface is shared: the network stack has it"
			    : "to the network stack");
	else if (seen->why == ABI_SEND_ICMP_ERROR)
		say_error(seen, words);
	else
		say(words, "%s%s%s",
		    seen->why == ABI_SEND_RETURNED	   ? "back to the client"
		    : seen->why == ABI_SEND_NODE	   ? "to that node"
		    : seen->why == ABI_SEND_ICMP_FORWARDED ? "the way of its flow"
							   : "to the backend",
		    *story->out ? ", out of " : "", story->out);
}

bool trace_story_tell(const struct trace_story *story, enum trace_stage stage, char *ret_text,
		      size_t size)
{
	static void (*const tellers[])(const struct trace_story *, struct words *) = {
		[TRACE_PARSE] = say_parse,     [TRACE_ENTRY] = say_entry,
		[TRACE_LISTS] = say_lists,     [TRACE_LIMITS] = say_limits,
		[TRACE_COOKIES] = say_cookies, [TRACE_FLOW] = say_flow,
		[TRACE_BACKEND] = say_backend, [TRACE_FORWARD] = say_forward,
	};
	struct words words = {.at = ret_text, .size = size};
	bool is_guarded = !is_aside(story) && story->of->entry.target &&
			  !has_verdict(story, ABI_CAPTURE_SENT, ABI_SEND_RETURNED);
	bool is_local = story->of->entry.target == ABI_TARGET_LOCAL;

	*ret_text = 0;
	if (stage == trace_story_end(story) && stage == TRACE_LIMITS)
		is_guarded = true; /* of fragments */
	switch (stage) {
	case TRACE_LISTS:
	case TRACE_LIMITS:
		if (!is_guarded || (!story->of->policy.name[0] && stage != trace_story_end(story)))
			return false;
		break;
	case TRACE_BANS:
		if (!is_guarded)
			return false;
		say(&words, "%s",
		    has_verdict(story, ABI_CAPTURE_DROPPED, ABI_DROP_BANNED) && *story->seen.rule
			    ? story->seen.rule
			    : "the source is not banned");
		return true;
	case TRACE_COOKIES:
		if (!is_local || story->spec->proto != IPPROTO_TCP)
			return false;
		break;
	case TRACE_ENTRY:
		if (is_aside(story) && !story->of->entry.target && stage != trace_story_end(story))
			return false;
		break;
	case TRACE_FLOW:
	case TRACE_BACKEND:
		if (stage != trace_story_end(story) && (is_local ? stage == TRACE_FLOW : false))
			return false;
		break;
	default:
		break;
	}
	tellers[stage](story, &words);
	return true;
}

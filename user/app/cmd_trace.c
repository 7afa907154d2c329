// SPDX-License-Identifier: Apache-2.0
/*
 * cmd_trace: what the kernel plane would do with a packet, stage by stage: the real program runs on
 * it, beside the traffic, over copies of everything that it could change.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <jansson.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "app/look.h"
#include "app/packet_line.h"
#include "app/packet_make.h"
#include "app/trace_story.h"
#include "dataplane/dataplane_rule.h"

enum { FLAG_JSON, FLAG_INTERFACE };

enum { TEXT_MAX = 640, ICMP_BYTES = 8 };

static const struct command_flag flags[] = {
	[FLAG_JSON] = {"--json", NULL, "print it as JSON"},
	[FLAG_INTERFACE] = {"--interface", "NAME",
			    "where the packet comes in (preset: the first interface here that "
			    "runs the kernel plane)"},
};

static const char *const verdict_words[] = {[ABI_CAPTURE_PASSED] = "passed",
					    [ABI_CAPTURE_DROPPED] = "dropped",
					    [ABI_CAPTURE_SENT] = "sent"};

/* --------------------------------------------------------------------------- flows -- */

static void key_of(const struct addr *backend, uint16_t backend_port, uint16_t node_port,
		   uint8_t proto, struct abi_flow_key *ret_key)
{
	*ret_key = (struct abi_flow_key){
		.backend_port = htons(backend_port), .node_port = htons(node_port), .proto = proto};
	memcpy(&ret_key->backend, backend->byte, sizeof(ret_key->backend));
}

/* Whether packets, not this one, have made that flow. */
static bool is_known(const struct loader_options *options, struct trace_story *story)
{
	return !rehearse_peek(options, "flow", &story->key, &story->known) ||
	       !rehearse_peek(options, "flow_new", &story->key, &story->known);
}

/* The packet that the ICMP error which leaves is about. */
static bool quoted_ends(const struct abi_captured *seen, struct packet_ends *ret_ends)
{
	uint8_t frame[ABI_CAPTURE_SNAP] = {0};
	size_t at = ETH_HLEN, type = at - 2;

	while (at + 4 < seen->length && seen->data[type] == 0x81) {
		at += 4;
		type += 4;
	}
	memcpy(frame + ETH_HLEN - 2, seen->data + type, 2);
	at += (seen->data[at] >> 4 == 4 ? 20u : 40u) + ICMP_BYTES;
	if (at >= seen->length)
		return false;
	memcpy(frame + ETH_HLEN, seen->data + at, seen->length - at);
	return packet_ends(frame, ETH_HLEN + seen->length - at, ret_ends);
}

/* A translated flow: by the packet as it came (a backend's), or as it leaves (a client's). */
static void find_translated(const struct loader_options *options, struct trace_story *story)
{
	const struct packet_spec *spec = story->spec;
	const struct abi_captured *seen = &story->of->seen;
	bool is_sent = seen->verdict == ABI_CAPTURE_SENT;
	struct packet_ends ends;

	if (spec->about_proto)
		key_of(&spec->about_dest.addr, spec->about_dest.port, spec->about_source.port,
		       spec->about_proto, &story->key);
	else
		key_of(&spec->source.addr, spec->source.port, spec->dest.port, spec->proto,
		       &story->key);
	story->flow = is_known(options, story) ? TRACE_OLD_FLOW : TRACE_NO_FLOW;
	if (story->flow || !is_sent || story->of->backend.mode != ABI_MODE_NAT)
		return;
	if (spec->about_proto) {
		if (!quoted_ends(seen, &ends))
			return;
		key_of(&ends.source, ends.source_port, ends.dest_port, ends.proto, &story->key);
	} else if (seen->why == ABI_SEND_FORWARDED &&
		   packet_ends(seen->data, seen->length, &ends)) {
		/* Later fragments bear no ports: those of the words stand for them. */
		if (!ends.source_port)
			return;
		key_of(&ends.dest, ends.dest_port, ends.source_port, ends.proto, &story->key);
	} else {
		return;
	}
	story->flow = is_known(options, story) ? TRACE_OLD_FLOW : TRACE_NEW_FLOW;
}

static void find_flow(const struct loader_options *options, struct trace_story *story)
{
	const struct packet_spec *spec = story->spec;
	struct abi_stick_key key = {
		.source_port = htons(spec->source.port),
		.dest_port = htons(spec->dest.port),
		.entry = (uint16_t)story->of->seen.entry,
		.proto = spec->proto,
	};
	struct abi_stick stick;

	find_translated(options, story);
	memcpy(&key.source, spec->source.addr.byte, sizeof(key.source));
	if (!story->flow && !spec->about_proto && !(spec->tcp_flags & 2) &&
	    !rehearse_peek(options, "stick", &key, &stick) && stick.tag == story->of->backend.tag)
		story->flow = TRACE_STUCK_FLOW;
	if (story->of->backend.hop_ifindex && story->of->seen.verdict == ABI_CAPTURE_SENT &&
	    (story->of->seen.why == ABI_SEND_FORWARDED || spec->about_proto))
		if_indextoname(story->of->backend.hop_ifindex, story->out);
}

/* ------------------------------------------------------------------------ printing -- */

/* The packet as it leaves, without a time of day. */
static void leaving(const struct trace_story *story, char *text, size_t size)
{
	struct dataplane_seen seen = {.verdict = story->seen.verdict,
				      .why = story->seen.why,
				      .data = story->of->seen.data,
				      .length = story->of->seen.length,
				      .bytes = story->of->seen.bytes};
	char line[TEXT_MAX];

	packet_line(&seen, line, sizeof(line));
	const char *from = strstr(line, dataplane_capture_label(&seen));

	from += strlen(dataplane_capture_label(&seen));
	snprintf(text, size, "%s", from + strspn(from, " "));
}

static void print_text(const struct trace_story *story, const char *packet)
{
	enum trace_stage last = trace_story_end(story);
	const struct dataplane_seen *seen = &story->seen;
	char text[TEXT_MAX];

	printf("%-10s %s%s%s\n", "packet", packet, *story->of->ifname ? ", in on " : "",
	       story->of->ifname);
	for (enum trace_stage stage = TRACE_PARSE; stage <= last; stage++)
		if (trace_story_tell(story, stage, text, sizeof(text)))
			printf("%-10s %s%s%s\n", trace_stage_name(stage), text,
			       stage == last ? ": decided here, " : "",
			       stage == last ? verdict_words[seen->verdict] : "");
	printf("%-10s %s: %s (%s)\n", "verdict", verdict_words[seen->verdict],
	       dataplane_capture_label(seen), dataplane_capture_text(seen));
	if (seen->verdict != ABI_CAPTURE_SENT)
		return;
	leaving(story, text, sizeof(text));
	printf("%-10s %s\n", "leaves as", text);
}

static json_t *flow_json(const struct trace_story *story)
{
	static const char *const words[] = {[TRACE_NO_FLOW] = "none",
					    [TRACE_NEW_FLOW] = "new",
					    [TRACE_OLD_FLOW] = "known",
					    [TRACE_STUCK_FLOW] = "kept"};
	json_t *flow = json_pack("{s:s}", "state", words[story->flow]);

	if (story->flow == TRACE_NEW_FLOW || story->flow == TRACE_OLD_FLOW)
		json_object_set_new(flow, "port", json_integer(ntohs(story->key.node_port)));
	if (story->flow == TRACE_OLD_FLOW)
		json_object_set_new(flow, "answered",
				    json_boolean(story->known.flags & ABI_FLOW_ANSWERED));
	return flow;
}

static json_t *stages_json(const struct trace_story *story)
{
	enum trace_stage last = trace_story_end(story);
	json_t *stages = json_array();
	char text[TEXT_MAX];

	for (enum trace_stage stage = TRACE_PARSE; stage <= last; stage++)
		if (trace_story_tell(story, stage, text, sizeof(text)))
			json_array_append_new(stages, json_pack("{s:s,s:s,s:b}", "stage",
								trace_stage_name(stage), "says",
								text, "decides", stage == last));
	return stages;
}

static void print_json(const struct trace_story *story, const char *packet)
{
	const struct dataplane_seen *seen = &story->seen;
	const struct abi_backend *backend = &story->of->backend;
	char text[TEXT_MAX] = "";
	struct addr addr;

	memcpy(addr.byte, &backend->addr, sizeof(addr.byte));
	if (backend->mode)
		addr_print_port(&addr, ntohs(backend->port), text);
	json_t *out = json_pack(
		"{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:I,s:o,s:o}", "packet",
		packet, "interface", story->of->ifname, "verdict", verdict_words[seen->verdict],
		"reason", dataplane_capture_label(seen), "text", dataplane_capture_text(seen),
		"entry", seen->entry, "policy", seen->policy, "objects", seen->object, "rule",
		seen->rule, "service", story->of->service.name, "backend", text, "mode",
		trace_story_mode(backend), "node", story->of->node.name, "action",
		(json_int_t)story->of->action, "flow", flow_json(story), "stages",
		stages_json(story));

	if (seen->verdict == ABI_CAPTURE_SENT) {
		leaving(story, text, sizeof(text));
		json_object_set_new(out, "leavesAs", json_string(text));
	}
	json_dumpf(out, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(out);
}

/* ----------------------------------------------------------------------------- run -- */

static int refuse(const struct packet_spec_fault *fault)
{
	fprintf(stderr,
		"tidegate trace: the packet\n    expected: %s\n    found: ", fault->expected);
	if (fault->word.len)
		fprintf(stderr, "'" STR_FMT "'\n", STR_ARG(fault->word));
	else
		fputs("the end of the words\n", stderr);
	if (fault->suggestion.len)
		fprintf(stderr, "    suggestion: did you mean " STR_FMT "?\n",
			STR_ARG(fault->suggestion));
	else
		fputs("    suggestion: tidegate trace --help has examples\n", stderr);
	return EXIT_USAGE;
}

/* Names of slots end in zeros, or not at all. */
static void name_of(const char slot[ABI_NAME_BYTES], char ret_name[KERNEL_NAME_MAX + 1])
{
	_Static_assert((int)KERNEL_NAME_MAX < (int)ABI_NAME_BYTES,
		       "a slot holds a name and a zero");
	memcpy(ret_name, slot, KERNEL_NAME_MAX);
	ret_name[KERNEL_NAME_MAX] = 0;
}

static void tell(struct command_line *line, struct dataplane *dataplane,
		 const struct loader_options *options, const struct packet_spec *spec,
		 const struct rehearsal *of)
{
	struct trace_story story = {
		.spec = spec,
		.of = of,
		.seen = {.verdict = (enum abi_capture_verdict)of->seen.verdict,
			 .why = of->seen.why,
			 .entry_slot = of->seen.entry,
			 .policy_slot = of->seen.policy},
	};
	char packet[TEXT_MAX];

	name_of(of->entry.name, story.seen.entry);
	name_of(of->policy.name, story.seen.policy);
	dataplane_rule(dataplane, &spec->source.addr, &story.seen);
	find_flow(options, &story);
	trace_story_packet(spec, packet, sizeof(packet));
	(command_flag_set(line, FLAG_JSON) ? print_json : print_text)(&story, packet);
}

static int run(struct command_line *line)
{
	char folder[256], name[IF_NAMESIZE];
	struct str interface = command_value(line, FLAG_INTERFACE);
	struct loader_options options = {.folder = folder};
	struct packet_frame made[PACKET_MAKE_MAX];
	struct rehearse_frame frames[PACKET_MAKE_MAX];
	struct packet_spec_fault wrong;
	struct packet_spec spec;
	struct rehearsal rehearsal;
	struct loader_fault fault = {0};
	struct dataplane *dataplane;
	uint32_t ifindex = 0;

	if (packet_spec(&line->words, &spec, &wrong))
		return refuse(&wrong);
	snprintf(name, sizeof(name), STR_FMT, STR_ARG(interface));
	if (interface.len && !(ifindex = if_nametoindex(name))) {
		fprintf(stderr, "tidegate trace: there is no interface " STR_FMT " here\n",
			STR_ARG(interface));
		return EXIT_USAGE;
	}
	snprintf(folder, sizeof(folder), STR_FMT, STR_ARG(line->config.pin_folder));
	int rc = look_open(line, &dataplane);

	if (rc)
		return rc;
	size_t n = packet_make(&spec, made);

	for (size_t i = 0; i < n; i++)
		frames[i] = (struct rehearse_frame){made[i].at, made[i].n};
	rc = EXIT_FAULTS;
	if (rehearse(&options, frames, n, ifindex, &rehearsal, &fault)) {
		fprintf(stderr, "tidegate trace: %s\n", fault.text);
	} else if (!rehearsal.seen.verdict) {
		fprintf(stderr, "tidegate trace: the program came to no verdict\n");
	} else {
		tell(line, dataplane, &options, &spec, &rehearsal);
		rc = EXIT_OK;
	}
	dataplane_close(dataplane);
	return rc;
}

const struct command command_trace = {
	.name = "trace",
	.help = "what the kernel plane would do with a packet, stage by stage; as root",
	.flags = flags,
	.n_flags = sizeof(flags) / sizeof(*flags),
	.words = "PROTOCOL SOURCE[:PORT] DEST[:PORT] [WORD...]",
	.more = "PROTOCOL is tcp, udp or icmp. Words:\n"
		"  syn ack fin rst psh urg      TCP flags (preset ack)\n"
		"  vlan=ID ttl=N payload=BYTES  a VLAN tag (two: the outer one first), the time to "
		"live, how much it bears\n"
		"  data=HEX                     the very bytes that it bears\n"
		"  quic=HEX initial=HEX         QUIC to that connection id: a short header, or an "
		"Initial packet's\n"
		"  fragment=first|next|late     a first fragment; a later one after its first one; "
		"a "
		"later one alone\n"
		"  id=N                         the datagram's identification, for fragments\n"
		"  echo reply                   kinds of ICMP (preset echo)\n"
		"  unreachable time-exceeded too-big=MTU, then: about PROTOCOL SOURCE DEST\n"
		"                               an ICMP error, and the packet that it is about as "
		"that "
		"was sent\n\n"
		"examples:\n"
		"  tidegate trace tcp 198.51.100.7:4000 192.0.2.1:443 syn\n"
		"  tidegate trace udp '[2001:db8::7]:5000' '[2001:db8::1]:53' payload=100 vlan=7\n"
		"  tidegate trace icmp 203.0.113.1 192.0.2.1 too-big=1400 about tcp 192.0.2.1:443 "
		"198.51.100.7:4000\n"
		"  tidegate trace udp 198.51.100.7:4000 192.0.2.1:53 payload=1000 fragment=next\n"
		"  tidegate trace udp 198.51.100.7:4000 192.0.2.1:443 quic=0100a5aabbccddee\n",
	.run = run,
};

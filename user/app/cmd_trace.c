// SPDX-License-Identifier: Apache-2.0
/*
 * cmd_trace: what the kernel plane would do with a packet, stage by stage: the real program runs on
 * it, beside the traffic and with counters and flows of its own.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "app/look.h"
#include "app/packet_line.h"
#include "app/packet_spec.h"
#include "rehearse.h"

enum { FLAG_JSON, FLAG_INTERFACE };

static const struct command_flag flags[] = {
	[FLAG_JSON] = {"--json", NULL, "print it as JSON"},
	[FLAG_INTERFACE] = {"--interface", "NAME", "where the packet comes in"},
};

/* The stages, in the order in which a packet meets them. */
enum stage { PARSE, ENTRY, LISTS, BANS, LIMITS, COOKIES, BACKEND, FORWARD, N_STAGES };

static const char *const stage_names[] = {"parse",  "entry",   "lists",	  "bans",
					  "limits", "cookies", "backend", "forward"};

static enum stage stage_of_drop(uint32_t why)
{
	switch (why) {
	case ABI_DROP_MALFORMED:
	case ABI_DROP_EXT_HEADERS:
	case ABI_DROP_TINY_FRAGMENT:
	case ABI_DROP_TCP_FLAGS:
		return PARSE;
	case ABI_DROP_DENIED:
		return LISTS;
	case ABI_DROP_BANNED:
		return BANS;
	case ABI_DROP_RATE_PACKETS:
	case ABI_DROP_RATE_SYNS:
	case ABI_DROP_RATE_BYTES:
	case ABI_DROP_AGGREGATE_PACKETS:
	case ABI_DROP_AGGREGATE_SYNS:
	case ABI_DROP_AGGREGATE_BYTES:
	case ABI_DROP_CONNECTIONS:
	case ABI_DROP_FRAGMENT_FLOOD:
		return LIMITS;
	case ABI_DROP_COOKIE_BAD:
		return COOKIES;
	case ABI_DROP_NO_BACKEND:
		return BACKEND;
	default:
		return FORWARD;
	}
}

/* Where it was decided. */
static enum stage decided_at(const struct abi_captured *seen)
{
	if (seen->verdict == ABI_CAPTURE_DROPPED)
		return stage_of_drop(seen->why);
	if (seen->verdict == ABI_CAPTURE_SENT)
		return seen->why == ABI_SEND_SYN_COOKIE ? COOKIES : FORWARD;
	switch (seen->why) {
	case ABI_PASS_NOT_IP:
	case ABI_PASS_OTHER_PROTO:
	case ABI_PASS_FRAGMENT:
		return PARSE;
	case ABI_PASS_NO_ENTRY:
		return ENTRY;
	case ABI_PASS_TRUSTED:
		return LISTS;
	default:
		return FORWARD;
	}
}

static struct addr addr_of(const struct abi_addr *addr)
{
	struct addr ret;

	memcpy(ret.byte, addr, sizeof(ret.byte));
	return ret;
}

static void entry_text(const struct rehearsal *of, char *text, size_t size)
{
	struct addr addr = addr_of(&of->entry.addr);
	char where[ADDR_TEXT_MAX];

	if (!of->entry.target) {
		snprintf(text, size, "none: not for us, never limited");
		return;
	}
	addr_print_port(&addr, ntohs(of->entry.port), where);
	if (addr_is_unspecified(&addr))
		snprintf(where, sizeof(where), "any address, port %u", ntohs(of->entry.port));
	snprintf(text, size, "%.31s (%s)%s%.31s", of->entry.name, where,
		 of->policy.name[0] ? ", policy " : ", no policy", of->policy.name);
}

static void limits_text(const struct rehearsal *of, char *text, size_t size)
{
	size_t n = 0;

	text[0] = 0;
	for (int i = 0; i < ABI_LIMIT__COUNT; i++) {
		const struct abi_limit *limit = &of->policy.limit[i];

		if (limit->cost_fp && n < size)
			n += (size_t)snprintf(text + n, size - n, "%s%s %.0f a second",
					      n ? ", " : "", dataplane_limit_label((unsigned)i),
					      1e9 * 65536 / (double)limit->cost_fp);
	}
	if (!n)
		snprintf(text, size, "none");
}

static void backend_text(const struct rehearsal *of, char *text, size_t size)
{
	struct addr addr = addr_of(&of->backend.addr);
	char where[ADDR_TEXT_MAX];

	if (of->entry.target != ABI_TARGET_SERVICE || !of->service.name[0]) {
		snprintf(text, size, "%s",
			 of->entry.target == ABI_TARGET_LOCAL ? "the local proxy" : "none");
		return;
	}
	addr_print_port(&addr, ntohs(of->backend.port), where);
	snprintf(text, size, "service %.31s, backend %s", of->service.name, where);
}

static const char *reason_text(const struct dataplane_seen *seen)
{
	return seen->verdict == ABI_CAPTURE_DROPPED ? dataplane_drop_text((enum abi_drop)seen->why)
						    : dataplane_capture_label(seen);
}

/* One sentence about a stage: what it knew, or that it let the packet go on. */
static void stage_text(const struct rehearsal *of, enum stage stage, char *text, size_t size)
{
	switch (stage) {
	case ENTRY:
		entry_text(of, text, size);
		return;
	case LIMITS:
		limits_text(of, text, size);
		return;
	case BACKEND:
		backend_text(of, text, size);
		return;
	case LISTS:
		snprintf(text, size, "%s",
			 of->policy.flags & (ABI_POLICY_ACL4 | ABI_POLICY_ACL6) ? "there are lists"
										: "there are none");
		return;
	case COOKIES:
		snprintf(text, size, "%s",
			 of->entry.flags & ABI_ENTRY_COOKIES	    ? "always"
			 : of->entry.flags & ABI_ENTRY_COOKIES_AUTO ? "under pressure"
								    : "never");
		return;
	default:
		snprintf(text, size, "goes on");
	}
}

static const char *const verdict_words[] = {[ABI_CAPTURE_PASSED] = "passed",
					    [ABI_CAPTURE_DROPPED] = "dropped",
					    [ABI_CAPTURE_SENT] = "sent"};

static void print_text(const struct rehearsal *of, const char *packet)
{
	struct dataplane_seen seen = {.verdict = of->seen.verdict, .why = of->seen.why};
	enum stage last = decided_at(&of->seen);
	char text[256];

	printf("%-10s %s\n", "packet", packet);
	for (enum stage stage = PARSE; stage <= last && stage < N_STAGES; stage++) {
		stage_text(of, stage, text, sizeof(text));
		if (stage < last)
			printf("%-10s %s\n", stage_names[stage], text);
		else
			printf("%-10s %s: %s here\n", stage_names[stage], text,
			       verdict_words[of->seen.verdict]);
	}
	printf("%-10s %s: %s (%s)\n", "verdict", verdict_words[of->seen.verdict],
	       dataplane_capture_label(&seen), reason_text(&seen));
	if (of->seen.verdict != ABI_CAPTURE_SENT)
		return;
	seen.data = of->seen.data;
	seen.length = of->seen.length;
	seen.bytes = of->seen.bytes;
	packet_line(&seen, text, sizeof(text));
	printf("%-10s %s\n", "leaves as", text + sizeof("00:00:00.000000"));
}

static void print_json(const struct rehearsal *of, const char *packet)
{
	struct dataplane_seen seen = {.verdict = of->seen.verdict, .why = of->seen.why};
	enum stage last = decided_at(&of->seen);
	char text[256];

	printf("{\"packet\":\"%s\",\"verdict\":\"%s\",\"reason\":\"%s\",\"entry\":\"%.31s\","
	       "\"policy\":\"%.31s\",\"service\":\"%.31s\",\"action\":%" PRIu32 ",\"stages\":[",
	       packet, verdict_words[of->seen.verdict], dataplane_capture_label(&seen),
	       of->entry.name, of->policy.name, of->service.name, of->action);
	for (enum stage stage = PARSE; stage <= last && stage < N_STAGES; stage++) {
		stage_text(of, stage, text, sizeof(text));
		printf("%s{\"stage\":\"%s\",\"says\":\"%s\",\"decides\":%s}", stage ? "," : "",
		       stage_names[stage], text, stage == last ? "true" : "false");
	}
	printf("]}\n");
}

static int run(struct command_line *line)
{
	uint8_t frame[PACKET_SPEC_ROOM];
	char folder[256], packet[256] = "", name[IF_NAMESIZE];
	struct str interface = command_value(line, FLAG_INTERFACE), word;
	struct loader_options options = {.folder = folder};
	struct rehearsal rehearsal;
	struct loader_fault fault = {0};
	uint32_t ifindex = 0;
	const char *wrong;
	size_t n = packet_spec(&line->words, frame, &wrong, &word), used = 0;

	if (!n) {
		fprintf(stderr, "tidegate trace: '" STR_FMT "' %s\n", STR_ARG(word), wrong);
		return EXIT_USAGE;
	}
	for (size_t i = 0; i < line->words.n && used < sizeof(packet); i++)
		used += (size_t)snprintf(packet + used, sizeof(packet) - used, "%s" STR_FMT,
					 i ? " " : "", STR_ARG(line->words.at[i]));
	snprintf(name, sizeof(name), STR_FMT, STR_ARG(interface));
	if (interface.len && !(ifindex = if_nametoindex(name))) {
		fprintf(stderr, "tidegate trace: there is no interface %s here\n", name);
		return EXIT_USAGE;
	}
	snprintf(folder, sizeof(folder), STR_FMT, STR_ARG(line->config.pin_folder));
	if (rehearse(&options, frame, n, ifindex, &rehearsal, &fault)) {
		fprintf(stderr, "tidegate trace: %s\n", fault.text);
		return EXIT_FAULTS;
	}
	if (!rehearsal.seen.verdict) {
		fprintf(stderr, "tidegate trace: the program came to no verdict\n");
		return EXIT_FAULTS;
	}
	(command_flag_set(line, FLAG_JSON) ? print_json : print_text)(&rehearsal, packet);
	return EXIT_OK;
}

const struct command command_trace = {
	.name = "trace",
	.help = "what the kernel plane would do with a packet, stage by stage; as root",
	.flags = flags,
	.n_flags = sizeof(flags) / sizeof(*flags),
	.words = "PROTOCOL SOURCE[:PORT] DEST[:PORT] "
		 "[syn|ack|fin|rst|vlan=ID|ttl=N|payload=BYTES...]",
	.run = run,
};

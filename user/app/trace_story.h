/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRACE_STORY_H
#define TRACE_STORY_H

/* trace_story: what each stage of the kernel plane had to say about a packet, in words. */

#include "app/packet_spec.h"
#include "dataplane/dataplane_capture.h"
#include "rehearse.h"

/* The stages, in the order in which a packet meets them. */
#define TRACE_STAGES(X)       \
	X(PARSE, "parse")     \
	X(ENTRY, "entry")     \
	X(LISTS, "lists")     \
	X(BANS, "bans")       \
	X(LIMITS, "limits")   \
	X(COOKIES, "cookies") \
	X(FLOW, "flow")       \
	X(BACKEND, "backend") \
	X(FORWARD, "forward")
#define TRACE_STAGE_ENUM(id, name) TRACE_##id,
enum trace_stage { TRACE_STAGES(TRACE_STAGE_ENUM) TRACE__COUNT };

enum trace_flow {
	TRACE_NO_FLOW,	 /* none that is remembered */
	TRACE_NEW_FLOW,	 /* translated: it would get a port */
	TRACE_OLD_FLOW,	 /* translated, and known */
	TRACE_STUCK_FLOW /* stays with the backend that it began with */
};

struct trace_story {
	const struct packet_spec *spec;
	const struct rehearsal *of;
	struct dataplane_seen seen; /* of it, with the names of objects and of the rule */
	enum trace_flow flow;
	struct abi_flow_key key; /* of a translated one */
	struct abi_flow known;	 /* of an old one */
	char out[IF_NAMESIZE];	 /* the interface that it leaves by; "": not known */
};

const char *trace_stage_name(enum trace_stage stage);
/* Where it was decided. */
enum trace_stage trace_story_end(const struct trace_story *story);
/* False: the packet does not meet this stage. */
bool trace_story_tell(const struct trace_story *story, enum trace_stage stage, char *ret_text,
		      size_t size);
/* "tcp 192.0.2.7:4000 > 192.0.2.1:80 syn, vlan 7" */
void trace_story_packet(const struct packet_spec *spec, char *ret_text, size_t size);
/* "nat", "dsr-l2", ...; "" for none. */
const char *trace_story_mode(const struct abi_backend *backend);

#endif

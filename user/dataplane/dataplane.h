/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DATAPLANE_H
#define DATAPLANE_H

/*
 * dataplane: the kernel plane seen from the proxy, through open map descriptors and nothing else.
 *
 * It needs no capability: element operations, mmap and test-run on descriptors that are already
 * open are not gated by CAP_BPF or kernel.unprivileged_bpf_disabled (which refuse creating maps and
 * loading programs only; Linux 5.19 and later). A seccomp filter must let through bpf(2) with these
 * commands, and membarrier(2): BPF_MAP_LOOKUP_ELEM, _UPDATE_ELEM, _DELETE_ELEM, _GET_NEXT_KEY (1 to
 * 4), BPF_PROG_TEST_RUN (10: reads the kernel plane's clock).
 *
 * apply, events and the lists belong to one thread. ban and unban may be called from any thread.
 * No function does a system call per packet; ban does three.
 */

#include <stdbool.h>
#include <stdint.h>

#include "abi.h"
#include "base/addr.h"
#include "plan/kernel_config.h"

struct dataplane;
struct loader_maps; /* loader/loader_maps.h: the descriptors, by name */

/* Takes the descriptors over (they are closed by dataplane_close). */
int dataplane_open(const struct loader_maps *maps, struct dataplane **ret_dataplane);
/* The same from the pins, for the operator's commands. -ENOENT: nothing is loaded. -EPROTO: another
 * ABI version. */
int dataplane_open_pinned(const char *folder, struct dataplane **ret_dataplane);
/* Descriptors and mappings go; what is pinned stays as it is. */
void dataplane_close(struct dataplane *dataplane);

/* ------------------------------------------------------------ configuration -- */

struct dataplane_result {
	uint32_t generation; /* now in force */
	uint32_t n_ops;	     /* map operations that the change took; 0: nothing differed */
	uint64_t publish_ns; /* from the call to the flip */
	uint64_t cleanup_ns; /* from the flip to the return of dataplane_apply() */
	uint32_t n_services; /* whose backends or rings changed */
	uint64_t rings_ns;   /* to put all their rings in force, ready-made */
};

/*
 * Makes the kernel plane obey config: packets see all of it or none of it. Buckets, bans and
 * counters of policies and entries that keep their name are not touched. On failure the old
 * configuration stays in force. Returns when the new one is visible. What the old one leaves behind
 * is cleaned up after an RCU grace period (5 to 50 ms) by the next call; while backends are all
 * that changed, the next call need not wait for that.
 */
int dataplane_publish(struct dataplane *dataplane, const struct kernel_config *config,
		      struct dataplane_result *ret_result);
/* The same, and blocks until everything is cleaned up. */
int dataplane_apply(struct dataplane *dataplane, const struct kernel_config *config,
		    struct dataplane_result *ret_result);

/*
 * What has to be done from time to time, about once a second: windows after changes of backends are
 * closed, flows that are over are forgotten, the kernel is made to look for neighbours that are
 * missing. now_ns: clock_mono_ns(). Does not wait for packets.
 */
void dataplane_tick(struct dataplane *dataplane, uint64_t now_ns);

/* ------------------------------------------------------------------ counters -- */

/* Read consistently: received == sum(pass) + tx + redirect + sum(drop). */
struct dataplane_totals {
	uint64_t received, received_bytes;
	uint64_t pass[ABI_PASS__COUNT];
	uint64_t tx, redirect;
	uint64_t send[ABI_SEND__COUNT]; /* the same packets by what they were */
	uint64_t drop[ABI_DROP__COUNT];
};

struct dataplane_entry_totals {
	char name[KERNEL_NAME_MAX + 1];	  /* entry point */
	char policy[KERNEL_NAME_MAX + 1]; /* "" without one */
	struct addr addr;
	uint16_t port;
	uint8_t proto;
	struct dataplane_totals totals;
};

/* Of everything on the attached interfaces. */
int dataplane_totals(struct dataplane *dataplane, struct dataplane_totals *ret_totals);
/* Of each entry point in force; at most max rows. Returns how many, or a negative errno. */
int dataplane_entries(struct dataplane *dataplane, struct dataplane_entry_totals *ret_rows,
		      uint32_t max);

struct dataplane_service_totals {
	char name[KERNEL_NAME_MAX + 1];
	uint64_t packets, bytes, flows;
	uint64_t sticks, stick_limit, moved;   /* see struct abi_service_stat */
	uint32_t n_active, n_draining, n_dead; /* backends */
	bool is_settling;		       /* flows are still found by the ring before */
};

struct dataplane_backend_totals {
	char service[KERNEL_NAME_MAX + 1];
	struct addr addr;
	uint16_t port; /* host order; 0: the packet's */
	enum abi_backend_state state;
	enum abi_hop_fault fault; /* when it was last sent to */
	uint64_t packets, bytes, flows, faults;
};

/* At most max rows; return how many, or a negative errno. */
int dataplane_services(struct dataplane *dataplane, struct dataplane_service_totals *ret_rows,
		       uint32_t max);
int dataplane_backends(struct dataplane *dataplane, struct dataplane_backend_totals *ret_rows,
		       uint32_t max);

/* ---------------------------------------------------------------------- bans -- */

enum { DATAPLANE_REASON_MAX = 47 };

struct dataplane_ban {
	struct addr source;		  /* an IPv4 address or the first address of an IPv6 /64 */
	char policy[KERNEL_NAME_MAX + 1]; /* "": every entry point */
	char reason[DATAPLANE_REASON_MAX + 1];
	uint64_t since_ns, until_ns; /* CLOCK_REALTIME */
	uint64_t count;		     /* refusals that led to it */
};

/*
 * Drops everything the source sends to the policy's entry points ("" or NULL: to all) for
 * duration_ns, then stops by itself. An existing ban is extended, never shortened. Sources that the
 * policy allows stay unharmed. -ENOENT: no such policy. -ENOSPC: the source's line of the table is
 * full of bans that end later.
 */
int dataplane_ban(struct dataplane *dataplane, const struct addr *source, const char *policy,
		  uint64_t duration_ns, const char *reason, uint64_t count);
/* -ENOENT when there is no such ban. */
int dataplane_unban(struct dataplane *dataplane, const struct addr *source, const char *policy);
/* Bans in force, at most max rows; forgets expired ones on the way. Returns how many, or a negative
 * errno. */
int dataplane_bans(struct dataplane *dataplane, struct dataplane_ban *ret_rows, uint32_t max);

/* --------------------------------------------------------------------- drops -- */

/* A source that is over a limit at this moment. */
struct dataplane_limited {
	struct addr source; /* cut to the policy's prefix */
	char policy[KERNEL_NAME_MAX + 1];
	enum abi_limit_kind kind;
	uint64_t wait_ns; /* until it may send again */
};

int dataplane_limited(struct dataplane *dataplane, struct dataplane_limited *ret_rows,
		      uint32_t max);

/* One sampled drop. */
struct dataplane_event {
	uint64_t wall_ns; /* when it was read */
	struct addr source, dest;
	uint16_t source_port, dest_port; /* host order */
	uint8_t proto;
	enum abi_drop reason;
	uint32_t ifindex;
	char entry[KERNEL_NAME_MAX + 1], policy[KERNEL_NAME_MAX + 1]; /* "" when unknown */
};

typedef void (*dataplane_event_fn)(void *user, const struct dataplane_event *event);
/* Readable when there are events: for epoll. */
int dataplane_event_fd(struct dataplane *dataplane);
/* Hands every waiting event to fn. Returns how many, or a negative errno. */
int dataplane_events(struct dataplane *dataplane, dataplane_event_fn fn, void *user);

const char *dataplane_drop_label(enum abi_drop reason); /* "denied": for metrics */
const char *
dataplane_drop_text(enum abi_drop reason); /* "the source matches a deny list": for people */
const char *dataplane_pass_label(enum abi_pass why);
const char *dataplane_send_label(enum abi_send why);
const char *dataplane_limit_label(enum abi_limit_kind kind);

#endif

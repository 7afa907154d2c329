/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOADER_MAPS_H
#define LOADER_MAPS_H

/*
 * loader_maps: the descriptors through which user space talks to the kernel plane.
 *
 * Opening them from the pins needs root; using them needs nothing, so the proxy opens them, drops
 * every capability and keeps them.
 */

#include <stdbool.h>

/* (id, name of the map, which is also the name of its pin) */
#define LOADER_MAPS(X)                    \
	X(CONTROL, "control")             \
	X(PORT, "port")                   \
	X(VIP, "vip")                     \
	X(ENTRY, "entry")                 \
	X(POLICY, "policy")               \
	X(GATE, "gate")                   \
	X(ACL, "acl")                     \
	X(BAN, "ban")                     \
	X(BAN_INFO, "ban_info")           \
	X(POLICY_OBJECT, "policy_object") \
	X(RATE4, "rate4")                 \
	X(RATE6, "rate6")                 \
	X(HERE, "here")                   \
	X(SERVICE, "service")             \
	X(RING, "ring")                   \
	X(BACKEND, "backend")             \
	X(QUIC, "quic")                   \
	X(NODE, "node")                   \
	X(STICK, "stick")                 \
	X(LINK, "link")                   \
	X(SERVICE_STAT, "service_stat")   \
	X(BACKEND_STAT, "backend_stat")   \
	X(SHIELD, "shield")               \
	X(PRESSURE, "pressure")           \
	X(CONN, "conn")                   \
	X(COUNTER, "counter")             \
	X(EVENTS, "events")               \
	X(CAPTURE, "capture")             \
	X(CAPTURED, "captured")           \
	X(NEXT, "next")

#define LOADER_MAP_ENUM(id, name) LOADER_MAP_##id,
enum loader_map { LOADER_MAPS(LOADER_MAP_ENUM) LOADER_MAP__COUNT };

struct loader_maps {
	int fd[LOADER_MAP__COUNT]; /* -1: not open */
	int clock_fd;		   /* the program "clock" */
};

#define LOADER_MAPS_NONE \
	((struct loader_maps){.fd = {[0 ... LOADER_MAP__COUNT - 1] = -1}, .clock_fd = -1})

const char *loader_map_name(enum loader_map map);
/*
 * Opens all of them from the pins in folder; "link" and "policy_object" may be missing there (-1).
 * -ENOENT: nothing is loaded; -EPROTO: another ABI version.
 */
int loader_maps_open(const char *folder, struct loader_maps *ret_maps);
void loader_maps_close(struct loader_maps *maps);
/* 0, -ENOENT (no such map or never initialised), or -EPROTO; ret_version may be NULL. */
int loader_maps_check(int control_fd, unsigned *ret_version);

#endif

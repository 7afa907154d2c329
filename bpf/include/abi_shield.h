/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef ABI_SHIELD_H
#define ABI_SHIELD_H

/*
 * abi_shield: what stands against floods: pressure of each entry, sources that proved themselves,
 * open connections. Part of abi.h, whose rules hold here too.
 */

#include <linux/types.h>

enum {
	ABI_KNOWN_LINES = 1 << 14,
	ABI_CONN_LINES = 1 << 15,
	ABI_CONN_WAYS = 4,
	ABI_CONN_COUNT_BITS = 24,
	ABI_HELD_EPOCHS = 4,
	ABI_HELD_EPOCH_SHIFT = 41, /* of the kernel plane's clock: 37 minutes */
	ABI_TRACKS = 1 << 17,	   /* as many as there are flows */
	ABI_TRACKS_NEW = 1 << 15,
};

enum abi_shield_flags {
	ABI_SHIELD_COOKIES = 1,	    /* the network stack takes cookies: tcp_syncookies is 2 */
	ABI_SHIELD_TIMES = 2,	    /* and timestamps without an offset: tcp_timestamps is 2 */
	ABI_SHIELD_CONNECTIONS = 4, /* they are counted: the tracing program runs */
};

/*
 * Map "shield": one line. Written without a flip: numbers that stand alone. Rates are per window of
 * 2^27 ns.
 */
struct abi_shield {
	__u64 until_ns; /* until then some entry is under pressure: segments are looked at */
	__u64 netns;	/* cookie of the network namespace whose connections count */
	__u64 fragment_cost_fp, fragment_ahead_ns; /* as in struct abi_limit; cost 0 is off */
	__u32 syns;				   /* of an entry, above which there is pressure */
	__u32 strays;				   /* likewise; 0: never */
	__u32 fragments;			   /* of all sources, for each CPU; 0: any number */
	__u16 mss4, mss6;			   /* that we offer */
	__u8 wscale;
	__u8 flags;  /* enum abi_shield_flags, of user space */
	__u8 loaded; /* the same, of the loader */
	__u8 pad[13];
};

/* Map "pressure": of the entry in the same slot; shared by all CPUs. */
struct abi_pressure {
	__u64 window_ns;	   /* when it began */
	__u32 syns, strays;	   /* in it, in steps of a batch */
	__u64 cookies_until_ns;	   /* SYNs are answered with cookies until then */
	__u64 guard_until_ns;	   /* strays are dropped until then */
	__u64 let_ns[2];	   /* when the next SYN is let through: IPv4, IPv6 */
	__u32 n_cookies, n_guards; /* how often each of them began */
	__u64 reserved;
};

/*
 * Map "known": sources that completed a handshake with a cookie, four in a line; source as in the
 * map "ban". on full: the one that ends first gives way.
 */
struct abi_known_line {
	__be64 source[4];
	__u64 until_ns[4];
};

/*
 * Map "conn": open connections and attempts by source or network and policy. count holds the name's
 * hash above the number of open connections; tries holds a second, and the attempts in it and in
 * the second before. on full: slots with open connections stay, and newcomers are not counted.
 */
struct abi_conn_line {
	__u64 count[ABI_CONN_WAYS];
	__u64 tries[ABI_CONN_WAYS];
};

/* Of a socket: where it was counted; line + 1, 0: nowhere. */
struct abi_conn_of {
	__u64 name[2];
	__u32 line[2];
};

/*
 * Map "held": open connections with backends, by the names of the map "conn" and in the same line.
 * A connection is counted in the epoch of its last packet, and only the last ABI_HELD_EPOCHS epochs
 * count: what nobody took back is forgotten with its epoch. on full: as in the map "conn".
 */
struct abi_held {
	__u64 name;		      /* 0: free */
	__u32 epoch;		      /* the last that something was counted in */
	__u32 count[ABI_HELD_EPOCHS]; /* epoch i is at i % ABI_HELD_EPOCHS */
	__u32 pad;
};

struct abi_held_line {
	struct abi_held way[ABI_CONN_WAYS];
};

/*
 * Map "track": a counted connection with a backend, from its client's first segment after the SYN;
 * the key is that of the map "stick". on full: the one not used for the longest time gives way, and
 * stays counted until its epoch ends. Map "track_new": the same of SYNs, so that one that is sent
 * again counts once.
 */
enum abi_track_flags {
	ABI_TRACK_CLIENT_FIN = 1,
	ABI_TRACK_SERVER_FIN = 2,
	ABI_TRACK_RESET = 4,
	ABI_TRACK_LATE =
		8, /* it went on after its end: believed no more, and counted for less long */
};

struct abi_track {
	__u64 name[2]; /* as in the map "held"; 0: not counted */
	__u32 epoch;   /* that it is counted in; 0: none */
	__u32 second;  /* of the SYN, or of the end: clock >> 30 */
	__u8 flags;    /* enum abi_track_flags */
	__u8 pad[7];
};

_Static_assert(sizeof(struct abi_held_line) == 128, "held must be two cache lines");
_Static_assert(sizeof(struct abi_track) == 32, "track changed: bump ABI_VERSION");
_Static_assert(sizeof(struct abi_shield) == 64, "shield must be one cache line");
_Static_assert(sizeof(struct abi_pressure) == 64, "pressure must be one cache line");
_Static_assert(sizeof(struct abi_known_line) == 64, "known must be one cache line");
_Static_assert(sizeof(struct abi_conn_line) == 64, "conn must be one cache line");

#endif

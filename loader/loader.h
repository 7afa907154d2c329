/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOADER_H
#define LOADER_H

/*
 * loader: puts the kernel plane in place: load, attach, replace, detach, remove.
 *
 * The only code that needs privileges (CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON; CAP_SYS_ADMIN to mount
 * bpffs). Its work stays behind as pins in one folder of bpffs, so that nothing has to stay alive.
 * The command line tool and `tidegate run` call the same functions.
 *
 * Every function returns 0 or a negative errno and then has put one sentence for people into
 * *ret_fault.
 */

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader_maps.h"

#define LOADER_FOLDER "/sys/fs/bpf/tidegate"

enum loader_mode { LOADER_AUTO, LOADER_NATIVE, LOADER_GENERIC, LOADER_TC };

struct loader_options {
	const char *folder; /* NULL: LOADER_FOLDER; its parent must be on a bpffs */
	enum loader_mode mode;
	uint32_t max_sources;  /* IPv4 sources with a bucket; 0: 2^20. Used when the maps are made,
				  not later */
	uint32_t max_bans;     /* 0: 2^16 */
	uint32_t max_prefixes; /* of all deny and allow lists; 0: 2^20 */
	uint32_t max_flows;    /* translated ones that were answered; 0: 2^17 */
	bool no_dispatcher;    /* attach by a link even where libxdp's dispatcher would work */
	bool verbose;	       /* let libbpf and libxdp talk on standard error */
};

struct loader_fault {
	char text[768];
};

enum loader_how {
	LOADER_BY_LINK,
	LOADER_BY_DISPATCHER,
	LOADER_BY_TCX,	 /* a pinned link, too */
	LOADER_BY_FILTER /* of clsact, before Linux 6.6 */
};

struct loader_attachment {
	char ifname[IF_NAMESIZE];
	uint32_t ifindex;
	uint32_t program_id;
	bool is_native;
	bool is_tc;	   /* a program of tc; else, unless is_native, generic XDP */
	bool was_there;	   /* the interface already ran us: the program was replaced */
	bool is_refused;   /* by loader_run(): it does not run there, why says why not */
	bool is_elsewhere; /* in a list: in another network namespace, mode unknown */
	enum loader_how how;
	char why[384]; /* why not native, or not through the dispatcher; "" when there is nothing to
			  say */
};

/*
 * Loads the program and pins it and its maps. When it is loaded already, every interface that runs
 * it is switched to the new one in one step each: no packet is lost, and buckets, bans, counters
 * and configuration stay. -EPROTO: the pinned maps have another layout.
 */
int loader_load(const struct loader_options *options, struct loader_fault *ret_fault);
/*
 * Runs the pinned program on an interface: native, or else generic, or else, where another XDP
 * program is in the way, as a program of tc (LOADER_AUTO). Never evicts a program that somebody
 * else attached: where XDP was asked for by name, -EBUSY, and the sentence says whose it is and
 * what can be done.
 */
int loader_attach(const struct loader_options *options, const char *ifname,
		  struct loader_attachment *ret_attachment, struct loader_fault *ret_fault);
/* -ENOENT when it does not run there. */
int loader_detach(const struct loader_options *options, const char *ifname,
		  struct loader_fault *ret_fault);
/* Puts the pinned program at path behind ours (NULL: nothing): it runs on what passes. */
int loader_set_next(const struct loader_options *options, const char *path,
		    struct loader_fault *ret_fault);
/* Detaches from every interface and removes every pin. Not being loaded is success. */
int loader_unload(const struct loader_options *options, struct loader_fault *ret_fault);
/* The interfaces that run the program. Returns how many (at most max), or a negative errno. */
int loader_attachments(const struct loader_options *options, struct loader_attachment *ret_rows,
		       int max, struct loader_fault *ret_fault);

/*
 * All of it for `tidegate run`: load, attach to n interfaces, open the maps. ret_attachments has
 * room for n. What was attached before a failure stays attached; maps are opened only on success.
 * With LOADER_AUTO one interface suffices: those that cannot be had are marked as refused.
 */
int loader_run(const struct loader_options *options, const char *const *ifnames, size_t n,
	       struct loader_attachment *ret_attachments, struct loader_maps *ret_maps,
	       struct loader_fault *ret_fault);

#endif

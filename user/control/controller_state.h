/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTROLLER_STATE_H
#define CONTROLLER_STATE_H

/* controller_state: what the files of control share; nobody else includes it. */

#include <pthread.h>
#include <stdatomic.h>

#include "control/checker.h"
#include "control/controller.h"
#include "control/effect.h"
#include "control/notify.h"
#include "control/report.h"
#include "model/object.h"
#include "plan/compiler.h"
#include "source/state_file.h"

struct controller {
	struct controller_options options;
	struct store store;
	struct registry *registry;
	struct compiler *compiler;
	struct checker *checker; /* NULL: nothing can be checked */
	int health_fd;		 /* the checker has found something */
	struct proxy *proxy;
	struct report report;
	struct effect effect;
	struct notify notify;
	struct state_file *state;  /* NULL: none */
	atomic_bool is_from_state; /* the API server has not said everything yet */
	bool is_ready_told;
	uint64_t beat_due_ns; /* for systemd's watchdog */
	/* The first one of everything; 0: not yet. */
	_Atomic uint64_t complete_revision;
	uint64_t started_ns; /* monotonic */
	/* Sources said something then, 0: nothing, and are read again from then on. */
	uint64_t event_ns, read_due_ns;
	/* What people are told of faults may be another thing; not told before. */
	bool has_news;
	uint64_t news_due_ns;
	uint64_t files_hash;   /* of faults that the last reading told */
	int kernel_rc;	       /* negative: it refused the last configuration */
	uint64_t retry_due_ns; /* to offer it again */
	uint64_t last_told_ns; /* when "configuration in force" was last logged */
	uint64_t n_untold;     /* and how many were not since */
	/* Of the last revision; written by the control thread, read by the admin server. */
	_Atomic uint64_t compile_ns, apply_ns;
	_Atomic uint32_t generation; /* of the kernel plane */
	atomic_bool draining;
	atomic_uint_fast64_t bans;
	/* Guards the snapshot, and what is known of interfaces. */
	pthread_mutex_t lock;
	struct snapshot *snapshot;
	struct interface_seen interfaces[CONTROLLER_INTERFACES_MAX];
	char interface_fault[KUBE_INTERFACES_BYTES]; /* "": none */
	_Atomic size_t n_broken;
	/* Guards every use of the data plane but bans, which are free of it. */
	pthread_mutex_t dataplane_lock;
	uint64_t tick_due_ns; /* of the kernel plane */
};

/* Reads what changed; publishes when an object differs, or in any case. event_ns: when it was told,
 * monotonic; 0: now. */
void controller_read(struct controller *self, uint64_t event_ns, bool everything);
/* Offers the kernel plane again what it refused. */
void controller_retry_kernel(struct controller *self);
/* Looks whether all interfaces still run the kernel plane, and tells of it when that has changed.
 */
void controller_look_at_interfaces(struct controller *self);
/* The checker has found something. */
void controller_take_health(struct controller *self);

#endif

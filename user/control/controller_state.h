/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTROLLER_STATE_H
#define CONTROLLER_STATE_H

/* controller_state: what the files of control share; nobody else includes it. */

#include <pthread.h>
#include <stdatomic.h>

#include "control/checker.h"
#include "control/controller.h"
#include "control/report.h"
#include "model/object.h"
#include "plan/compiler.h"

struct controller {
	struct controller_options options;
	struct store store;
	struct registry *registry;
	struct compiler *compiler;
	struct checker *checker; /* NULL: nothing can be checked */
	int health_fd;		 /* the checker has found something */
	struct proxy *proxy;
	struct report report;
	uint64_t started_ns; /* monotonic */
	uint64_t last_read_ns;
	bool had_file_faults;  /* the last reading told some */
	bool is_kernel_behind; /* it refused the last configuration */
	uint64_t last_told_ns; /* when "configuration in force" was last logged */
	uint64_t n_untold;     /* and how many were not since */
	/* Of the last revision; written by the control thread, read by the admin server. */
	_Atomic uint64_t compile_ns, apply_ns;
	_Atomic uint32_t generation; /* of the kernel plane */
	atomic_bool draining;
	atomic_uint_fast64_t bans;
	/* Guards snapshot. */
	pthread_mutex_t lock;
	struct snapshot *snapshot;
	_Atomic size_t n_broken;
	/* Guards every use of the data plane but bans, which are free of it. */
	pthread_mutex_t dataplane_lock;
	uint64_t tick_due_ns; /* of the kernel plane */
};

#endif

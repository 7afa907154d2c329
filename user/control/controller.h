/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTROLLER_H
#define CONTROLLER_H

/*
 * controller: what makes configuration happen. One thread: events of the source -> store -> compile
 * -> publish to the kernel plane and to the workers.
 *
 * The first event is acted on at once, further ones at most every CONTROLLER_GAP_MS. A change that
 * leaves every object as it was (an editor touching a file) publishes nothing. A manifest that is
 * broken harms only itself, and is reported once, when it appears.
 */

#include <jansson.h>
#include <stdbool.h>

#include "control/interface_watch.h"
#include "dataplane/dataplane.h"
#include "model/static_config.h"
#include "plan/snapshot.h"
#include "proxy/proxy.h"
#include "source/sources.h"

enum { CONTROLLER_GAP_MS = 10, CONTROLLER_INTERFACES_MAX = 16 };

/* How the kernel plane came up; texts are copied. */
struct control_kernel {
	const char *mode;   /* "native", "generic", "tc", "off" */
	const char *reason; /* why off or generic; NULL: nothing to say */
	bool is_missing;    /* off, though it was asked for */
	struct interface_given interfaces[CONTROLLER_INTERFACES_MAX];
	size_t n_interfaces;
};

struct controller;
struct tls_cache; /* tls/tls_cache.h */

/* Another process may take over; all of it runs on the control thread. fd NULL: nobody can. */
struct controller_heir {
	void *context;
	int (*fd)(void *context);     /* readable when there is something to do */
	bool (*serve)(void *context); /* true: the other one serves now */
};

struct controller_options {
	const struct static_config *config;
	struct sources *sources;	 /* NULL: none */
	struct dataplane *dataplane;	 /* NULL: kernel plane off; taken over */
	struct metric_registry *metrics; /* NULL: none */
	struct tls_cache *tls;		 /* NULL: no TLS */
	struct control_kernel kernel;
	struct controller_heir heir;
};

/* Reads the source once, compiles and applies the first snapshot. 0 or a negative errno. */
int controller_new(const struct controller_options *options, struct controller **ret_controller);
void controller_free(struct controller *controller);

/* The snapshot in force; a new reference. Any thread. */
struct snapshot *controller_snapshot(struct controller *controller);
/* From now on snapshots go to this proxy as well. */
void controller_attach(struct controller *controller, struct proxy *proxy);
/*
 * Serves events until SIGINT or SIGTERM, then drains (a second one ends at once), or until another
 * process has taken over, then leaves: what is connected may go on for upgradeGrace; SIGUSR1 opens
 * log files anew, SIGHUP compiles everything anew. The caller has them blocked.
 */
int controller_run(struct controller *controller);
bool controller_draining(const struct controller *controller);
/* Every worker serves a whole configuration, and the program does not end. Any thread. */
bool controller_ready(const struct controller *controller);

/* A source that a worker reports: dropped in the kernel for a while. Any thread; the signature of
 * proxy_hooks. */
void controller_ban(void *controller, const struct proxy_ban *ban);

/* For the admin server: new references, any thread. */
json_t *controller_status(struct controller *controller);
json_t *controller_drops(struct controller *controller);
json_t *controller_rawdata(struct controller *controller);
/* Kernel-plane totals for the metrics page; false when the plane is off. */
bool controller_kernel_totals(struct controller *controller, struct dataplane_totals *ret_totals);

#endif

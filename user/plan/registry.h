/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REGISTRY_H
#define REGISTRY_H

/*
 * registry: what stays the same from snapshot to snapshot: dense ids of services and servers,
 * positions of round robin, states of middlewares, parsed rules.
 *
 * An entry is found by its key and used by any number of parts of snapshots. When none uses it any
 * more, it is forgotten when the next part is begun. The number of a forgotten id is given out
 * again only after REGISTRY_ID_REST others were forgotten; whoever keeps something by id
 * (connection pools) must nevertheless check what it is for.
 *
 * Belongs to the thread that compiles. Parts may be released on any thread: that only counts down.
 */

#include <stdint.h>

#include "mw/mw.h"
#include "plan/compile.h"

struct metric_registry;
struct tls_cache;

enum { REGISTRY_ID_REST = 1024 };

/* Where series come from; without it every series is METRIC_SERIES_NONE. Borrowed, outlives the
 * registry. */
void registry_set_metrics(struct registry *registry, struct metric_registry *metrics);
/* Where TLS tables come from; without it entry points have none. Borrowed, outlives every snapshot.
 */
void registry_set_tls(struct registry *registry, struct tls_cache *tls);
struct metric_registry *registry_metrics(const struct registry *registry);
struct tls_cache *registry_tls(const struct registry *registry);

/* What one part uses. */
struct registry_uses;

/* A part begins: what is asked for next is used by it until it is freed. NULL without memory. */
struct registry_uses *registry_begin(struct registry *registry, struct part *part);
/* Goes on with an earlier one; returns the one that was meant until now. */
struct registry_uses *registry_go_on(struct registry *registry, struct registry_uses *uses);
/* A pass is over: writes the sizes that workers need into the snapshot. */
void registry_end(struct registry *registry, struct snapshot *snapshot);

/* Each is -ENOMEM, or 0 with the same answer for the same key for as long as some part uses it.
 */
int registry_service(struct registry *registry, struct str name, uint32_t *ret_id,
		     struct balance_state **ret_state);
/* key: URL and transport; one that has a name also gets a place for its addresses. */
int registry_server(struct registry *registry, struct str key, bool has_name, uint32_t *ret_id,
		    struct live_server **ret_live);
/* A server of a service. */
int registry_member(struct registry *registry, struct str service, struct str url,
		    struct live_member **ret_member);
/*
 * A thing that is made once for its key, by make() (NULL: it cannot be made), and released with
 * the last part that uses it: transports.
 */
int registry_thing(struct registry *registry, struct str key, void *(*make)(void *context),
		   void *context, void (*release)(void *thing), void **ret_thing);
/* The parsed rule, or -EINVAL with *ret_fault. */
int registry_rule(struct registry *registry, enum rule_syntax syntax, struct str text,
		  const struct rule **ret_rule, struct rule_fault *ret_fault);
/* Reference c.5: one per router, middleware and configuration. *ret_state is NULL for a mw without
 * state. */
int registry_mw_state(struct registry *registry, struct str router, struct str middleware,
		      uint64_t conf_hash, const struct mw *mw, const void *conf,
		      struct mw_state **ret_state);

#endif

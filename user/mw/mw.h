/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MW_H
#define MW_H

/*
 * mw: what a middleware is. One file, one `const struct mw`, one line in mw/mw_list.h.
 *
 * A middleware never blocks and never touches a socket. It changes the request (on_request, in
 * manifest order), answers by itself (MW_REPLY), or asks to be resumed (MW_WAIT): after a delay, or
 * after a job that another thread runs for it (password hashing). It changes the response in
 * on_response, in reverse order, for every response, its own replies and the proxy's failures
 * included, unless it says otherwise.
 *
 * Configuration is compiled once per snapshot (prepare) into the snapshot's arena and is immutable.
 * What must outlive a snapshot (buckets) is a struct mw_state, shared by all workers, found again
 * by key and by the hash of the configuration (plan/registry.h): unchanged configuration keeps its
 * state over any number of updates. Per-request memory (slot_size bytes, zeroed) lives as long as
 * the exchange.
 *
 * Threading: hooks run on worker threads, concurrently with each other; compiled configuration is
 * read-only and struct mw_state must be lock-free. Time is an argument.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/ref.h"
#include "http/header.h"
#include "http/message.h"
#include "model/diag.h"
#include "model/schema.h"

enum mw_verdict {
	MW_NEXT,  /* go on */
	MW_REPLY, /* call->reply is the answer */
	MW_WAIT,  /* call->wait says for what; afterwards on_resume runs (or, without one, it is
		     MW_NEXT) */
};

/* A local answer. Everything borrowed must live as long as the exchange (request arena or
 * snapshot). */
struct mw_reply {
	uint16_t status;
	struct str body;
	struct str content_type; /* empty: "text/plain; charset=utf-8" when there is a body */
	struct headers headers;	 /* further headers; header_add works on it */
};

/* Shared state that outlives snapshots. The type's own fields follow in a struct that begins with
 * this. */
struct mw_state {
	struct ref ref;
	void (*free)(struct mw_state *state);
	size_t (*memory_bytes)(const struct mw_state *state); /* may be NULL */
};

struct mw_wait {
	uint64_t until_ns; /* monotonic; 0: not a delay */
	/* A job for another thread: must touch nothing but what arg points at (in the request's
	 * arena). */
	void (*run)(void *arg);
	void *arg;
};

struct mw_call {
	struct request *request;
	struct response *response; /* on_response only */
	struct mw_reply reply;	   /* headers.arena is set up */
	struct mw_wait wait;
	void *slot;
	uint64_t now_ns;  /* monotonic */
	uint64_t wall_ns; /* since the epoch */
	bool refused;	  /* the middleware refused the source for going too fast: counts towards
			     escalation */
	struct str user;  /* authenticated user, for the access log; set by authentication
			     middlewares */
};

struct mw_instance {
	const struct mw *mw;
	const void *conf;	/* what prepare made */
	struct mw_state *state; /* NULL without state_new; the snapshot holds a reference */
	struct str name;	/* qualified: "shop-auth@kubernetescrd" */
	uint32_t slot_offset;
	uint32_t series; /* metrics: dense id of this middleware, see obs/metric.h */
};

struct mw_chain {
	struct mw_instance *at; /* in the order requests pass */
	uint16_t n;
	uint32_t slot_bytes; /* sum of the instances' slots */
	bool has_response_hooks;
};

/* What prepare may ask for while a snapshot is compiled. Functions of plan; pure with respect to
 * the store. */
struct mw_prepare {
	struct arena *arena; /* the snapshot's */
	struct diag_sink *sink;
	const struct diag_path *path;
	struct str namespace_; /* of the Middleware object */
	/* Values of a Secret of the same namespace (reference a.0); false when there is none. */
	bool (*secret)(struct mw_prepare *prepare, struct str name, struct str *ret_type,
		       struct str_map *ret_data);
	/* Registers something to be freed with the snapshot (regular expressions). */
	void (*own)(struct mw_prepare *prepare, void *thing, void (*release)(void *));
};

struct mw {
	const char *name;	     /* the CRD's field name: "rateLimit" */
	const struct schema *schema; /* of the decoded configuration (model/mw_conf.h) */
	/*
	 * Decoded configuration -> compiled instance. 0, or -EINVAL with diags added: every router
	 * that uses the middleware is then disabled (reference a.4). NULL: the decoded
	 * configuration is used as it is.
	 */
	int (*prepare)(struct mw_prepare *prepare, const void *decoded, const void **ret_conf);
	/* Creates the shared state for a compiled configuration; NULL: the middleware has none. */
	struct mw_state *(*state_new)(const void *conf);
	/* Any hook may be NULL. */
	enum mw_verdict (*on_request)(const struct mw_instance *self, struct mw_call *call);
	enum mw_verdict (*on_resume)(const struct mw_instance *self, struct mw_call *call);
	void (*on_response)(const struct mw_instance *self, struct mw_call *call);
	uint32_t slot_size;
	/* One sentence on what this instance would do to this request, for `explain`; may be NULL.
	 * Pure. */
	struct str (*explain)(const struct mw_instance *self, const struct request *request,
			      struct arena *arena);
};

/* NULL when there is no such middleware. */
const struct mw *mw_find(struct str name);
/* The list, for tables and pages. */
extern const struct mw *const mw_all[];
extern const size_t mw_count;

#endif

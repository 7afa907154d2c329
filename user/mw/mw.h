/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MW_H
#define MW_H

/*
 * mw: what a middleware is. One file, one `const struct mw`, one line in mw/mw_list.h.
 *
 * A middleware never blocks and never touches a socket. It changes the request (on_request, in
 * manifest order), answers by itself (MW_REPLY), or asks to be resumed (MW_WAIT, mw/mw_wait.h):
 * after a delay, a job that another thread runs for it (password hashing), when the request's body
 * is here, or when another server has answered a question. It changes the response in on_response,
 * in reverse order, for every response, its own replies and the proxy's failures included, unless
 * it says otherwise; there it may also put another answer in place of it (MW_REPLY), wait, or ask
 * for another attempt (MW_AGAIN). Bodies pass the filters (on_request_body, on_response_body) of
 * the middlewares that asked for it for this message. on_end runs exactly once for every
 * middleware that the request has reached, whatever became of it.
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
#include "mw/mw_span.h"
#include "mw/mw_wait.h"

enum mw_verdict {
	MW_NEXT,  /* go on */
	MW_REPLY, /* call->reply is the answer */
	MW_WAIT,  /* call->wait says for what; afterwards on_resume runs (or, without one, it is
		     MW_NEXT). From on_response: on_response runs again, with call->resumed */
	MW_AGAIN, /* on_response only: this answer is dropped and the request is sent once more, at
		     call->wait.until_ns if that is set. Only where call->may_again says so */
};

/* A local answer. Everything borrowed must live as long as the exchange (request arena or
 * snapshot). */
struct mw_reply {
	uint16_t status;
	struct str body;
	struct str content_type; /* {0}: text/plain, in UTF-8, for a body; "": none */
	struct headers headers;	 /* further headers; header_add works on it */
};

/* Shared state that outlives snapshots. The type's own fields follow in a struct that begins with
 * this. */
struct mw_state {
	struct ref ref;
	void (*free)(struct mw_state *state);
	size_t (*memory_bytes)(const struct mw_state *state); /* may be NULL */
};

struct mw_call {
	struct request *request;
	struct response *response; /* on_response only */
	struct mw_reply reply;	   /* headers.arena is set up */
	struct mw_wait wait;
	void *slot;
	uint64_t now_ns;   /* monotonic */
	uint64_t wall_ns;  /* since the epoch */
	uint64_t begin_ns; /* monotonic: when the request's head was complete */
	uint32_t worker;   /* index of the worker thread, for state that is kept per worker */
	bool refused;	   /* the middleware refused the source for going too fast: counts towards
			      escalation */
	struct str user;   /* authenticated user, for the access log; set by authentication
			      middlewares */

	/* on_request and on_resume may set. */
	bool filter_request; /* on_request_body is to see the body of this request */

	/* on_resume after wait.body: the whole body, if it fitted the memory that was asked for. */
	enum mw_body_state body_state;
	struct str body;
	uint64_t body_bytes;

	/* on_response: what is known of the answer. */
	bool resumed;	     /* called again after MW_WAIT */
	bool from_server;    /* a server answered; else a middleware further in, or the proxy */
	bool never_sent;     /* no byte of the request was written to any server */
	bool may_again;	     /* MW_AGAIN is possible: nothing of the answer went out, and all of the
				request can be sent once more */
	uint8_t fail;	     /* enum fail: why the proxy answered; FAIL_NONE: it did not */
	uint32_t n_attempts; /* made so far */
	uint64_t origin_ns;  /* from the beginning of the attempt to the answer's head */
	const struct service *service; /* that was chosen last; NULL: none */
	/* on_response after wait.response: how the body begins, and whether that is all of it. */
	struct str response_begin;
	bool response_is_whole, response_too_large;
	/* on_response may set. */
	bool completed;	      /* on_end: the answer was handed to the client to its end */
	bool filter_response; /* on_response_body is to see the body. The length is then unknown
				 unless the hook sets response->content_length and body anew */
	bool keeps_length;    /* with filter_response: what comes out is as long as what went in */
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
	bool has_end_hooks;
};

/* What prepare may ask for while a snapshot is compiled. Functions of plan; pure with respect to
 * the store. */
struct service_ref;
struct mw_prepare {
	struct arena *arena; /* the snapshot's */
	struct diag_sink *sink;
	const struct diag_path *path;
	struct str namespace_; /* of the Middleware object */
	/* Values of a Secret of the same namespace (reference a.0); false when there is none. */
	bool (*secret)(struct mw_prepare *prepare, struct str name, struct str *ret_type,
		       struct str_map *ret_data);
	/* A value of a ConfigMap of the same namespace; likewise. */
	bool (*config_map)(struct mw_prepare *prepare, struct str name, struct str_map *ret_data);
	/*
	 * Something that requests can be sent to with wait.fetch; NULL with a diag added.
	 * service: what a reference means (reference a.1). url: a server outside
	 * ("https://auth.example:8443", path ignored); its name is resolved while it is used. tls:
	 * NULL: the default transport.
	 */
	const struct service *(*service)(struct mw_prepare *prepare, const struct service_ref *ref,
					 const struct diag_path *path);
	const struct service *(*url)(struct mw_prepare *prepare, struct str url,
				     const struct mw_url_tls *tls, const struct diag_path *path);
	/*
	 * Something that is made once for its key and lives on for as long as some snapshot uses
	 * it: what costs much to make, or must outlast updates (connections). NULL when make()
	 * returned that.
	 */
	void *(*keep)(struct mw_prepare *prepare, struct str key, void *(*make)(void *context),
		      void *context, void (*release)(void *thing));
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
	enum mw_verdict (*on_response)(const struct mw_instance *self, struct mw_call *call);
	/*
	 * Body filters: span in, whatever it becomes out. 0, or a negative errno, which cuts the
	 * message so that it cannot be taken for complete. call->request, response, slot and times
	 * are set.
	 */
	int (*on_request_body)(const struct mw_instance *self, struct mw_call *call,
			       const struct mw_span *span, struct mw_body_out *out);
	int (*on_response_body)(const struct mw_instance *self, struct mw_call *call,
				const struct mw_span *span, struct mw_body_out *out);
	/* The exchange is over: completed (call->completed), or cut. Gives back what on_request
	 * took. */
	void (*on_end)(const struct mw_instance *self, struct mw_call *call);
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

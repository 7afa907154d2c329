/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KUBE_WATCH_H
#define KUBE_WATCH_H

/*
 * kube_watch: what is known of one kind in one namespace (or all of them), and what to ask the API
 * server next: a list, or a watch from where the last one ended, or both in one (a streaming list).
 *
 * It sends nothing: kube_watch_next() says what to ask, kube_watch_data() and kube_watch_done() are
 * told what came. Time is an argument. Objects are only removed when a complete list, an event or a
 * kind that is gone for good says so: an API server that is lost, refuses or talks nonsense leaves
 * everything as it was. One thread.
 */

#include "model/object.h"
#include "source/kube_split.h"
#include "source/rest_client.h"

enum {
	KUBE_PATH_MAX_BYTES = 3072,
	KUBE_PROBLEM_BYTES = 320,
	KUBE_PAGE = 500,	  /* objects of a page */
	KUBE_WATCH_MIN_S = 300,	  /* a watch ends after this and up to twice this */
	KUBE_HEAD_S = 70,	  /* etcd stalled: 504 after 60 s */
	KUBE_SILENT_LIST_S = 30,  /* of a streaming list */
	KUBE_STREAM_LIST_S = 60,  /* one that has not ended: its end is not known to the server */
	KUBE_ABSENT_S = 60,	  /* between two questions for a kind that is not there */
	KUBE_GONE_AFTER_S = 10,	  /* a kind whose CRD went keeps its objects for so long */
	KUBE_FORBIDDEN_TRIES = 3, /* before it counts as an answer */
	KUBE_BACKOFF_MAX_S = 30,
};

enum kube_watch_state {
	KUBE_STARTING, /* nothing came yet */
	KUBE_LISTING,
	KUBE_WATCHING,
	KUBE_WAITING,	/* for the next try */
	KUBE_ABSENT,	/* the server has no such kind */
	KUBE_FORBIDDEN, /* RBAC says no */
	KUBE_STATE__COUNT,
};
extern const char *const kube_watch_state_names[KUBE_STATE__COUNT];

struct kube_watch;

/* What watches tell, and what they share. */
struct kube_hub {
	/* One came that is new or different; document is what it was made of, pruned, borrowed. Of
	 * a list that does not come to its end it may be all that is heard. */
	void (*on_seen)(void *context, struct kube_watch *watch, const struct object *object,
			const json_t *document);
	/* It is so now. */
	void (*on_put)(void *context, struct kube_watch *watch, struct object *object);
	void (*on_remove)(void *context, struct kube_watch *watch, struct object *object);
	void *context;
	bool no_streaming; /* the server knows no streaming lists */
};

struct kube_watch_options {
	enum kind kind;
	struct str namespace_;	   /* empty: all */
	struct str name;	   /* the one object that counts; empty: all */
	struct str label_selector; /* empty: none */
	struct str field_selector;
};

struct kube_watch_counts {
	uint64_t lists, watches, events, bookmarks, errors, expired, dropped;
};

struct kube_watch {
	struct kube_hub *hub;
	enum kind kind;
	char *namespace_, *name, *label_selector, *field_selector;
	struct rest_request *request;
	enum kube_watch_state state;
	bool is_listed; /* all that may be known was known once */
	/* What is asked, or to be asked next. */
	bool wants_list, is_streaming, is_cached_list, is_initial;
	char rv[64], next_rv[64]; /* where to go on; of the list that comes in */
	char *page;		  /* the token of the next page */
	uint64_t due_ns, began_ns, last_byte_ns, last_event_ns, absent_ns, expected_until_ns;
	unsigned n_failures, n_forbidden, n_stream_failures;
	uint32_t seed;
	/* Of the request that runs. */
	struct kube_lines lines;
	struct kube_items items;
	bool is_broken, is_expired, had_events;
	/* id -> object. fresh: what the list that comes in has said so far. */
	struct table objects, fresh;
	char problem[KUBE_PROBLEM_BYTES]; /* "" when all is well */
	struct kube_watch_counts counts;
};

/* Texts are copied. NULL without memory. */
struct kube_watch *kube_watch_new(const struct kube_watch_options *options, struct kube_hub *hub,
				  uint32_t seed);
/* The request, if any, must have ended. */
void kube_watch_free(struct kube_watch *watch);

struct kube_ask {
	char path[KUBE_PATH_MAX_BYTES];
	bool gzip;
	uint32_t head_s, stall_s, whole_s;
};
/* Whether it is time to ask something, and what; it counts as asked then. */
bool kube_watch_next(struct kube_watch *watch, uint64_t now_ns, struct kube_ask *ret_ask);
/* The head of an answer came. */
void kube_watch_answered(struct kube_watch *watch, int status);
bool kube_watch_data(struct kube_watch *watch, struct str bytes, uint64_t now_ns);
void kube_watch_done(struct kube_watch *watch, const struct rest_result *result, uint64_t now_ns);
/* Whether what runs is silent for too long where it must not be. */
bool kube_watch_is_stuck(const struct kube_watch *watch, uint64_t now_ns);

/* Asks at once, whatever it waited for; relist: for everything. A request that runs is not ended.
 */
void kube_watch_kick(struct kube_watch *watch, bool relist, uint64_t now_ns);
/* Its CRD was seen: a kind that is absent is asked for at once, and often for a moment. */
void kube_watch_expect(struct kube_watch *watch, uint64_t now_ns);
/* Whether what is known is all there is: not while it is forbidden to look, nor right after the
 * server said that it has no such kind, as one does that starts. */
bool kube_watch_is_settled(const struct kube_watch *watch, uint64_t now_ns);
/* "IngressRoute in shop" for people. */
void kube_watch_title(const struct kube_watch *watch, char *ret_text, size_t size);

#endif

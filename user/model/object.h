/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OBJECT_H
#define OBJECT_H

/*
 * object: one Kubernetes-shaped manifest, decoded; and the store: what a source last said.
 *
 * An object is immutable after decoding and reference-counted, so that a compile can hold it while
 * the source goes on. Its arena owns everything its spec points at. A broken object is kept too
 * (valid is false, with its diags), so that `check` and the API can show it and so that it harms
 * only itself.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/ref.h"
#include "base/str.h"
#include "base/table.h"
#include "model/diag.h"
#include "model/schema.h"

enum kind {
	KIND_INGRESS_ROUTE,
	KIND_MIDDLEWARE,
	KIND_TRAEFIK_SERVICE,
	KIND_TLS_OPTION,
	KIND_SERVERS_TRANSPORT,
	KIND_SERVICE,
	KIND_ENDPOINT_SLICE,
	KIND_SECRET,
	KIND_CONFIG_MAP,
	KIND_SOURCE_POLICY,
	KIND_INGRESS,
	KIND_INGRESS_CLASS,
	KIND_FILE_SERVICE,
	KIND_TLS_STORE,
	KIND_NODE,
	KIND_INGRESS_ROUTE_TCP,
	KIND_INGRESS_ROUTE_UDP,
	KIND_MIDDLEWARE_TCP,
	KIND_SERVERS_TRANSPORT_TCP,
	KIND_VIRTUAL_ADDRESS,
	KIND_FILE_STREAM_SERVICE,
	KIND__COUNT,
};

/* What a kind is; table in model/kind.c. */
struct kind_info {
	const char *kind;	 /* "IngressRoute" */
	const char *api_version; /* "traefik.io/v1alpha1" */
	const char *plural;	 /* "ingressroutes" */
	bool ours;		 /* CRDs and reference pages are generated for it */
	const struct schema
		*schema; /* of the document's content below apiVersion, kind, metadata */
	/* Completes the decoded struct; returns the number of errors added. May be NULL. */
	size_t (*finish)(void *decoded, struct arena *arena, struct diag_sink *sink);
	bool has_raw; /* raw_json fields borrow from the document, which is kept for them */
	const char *short_name; /* for kubectl; NULL: none */
};
extern const struct kind_info kind_infos[KIND__COUNT];

struct object_meta {
	struct str name, namespace_, uid, resource_version; /* namespace "default" when absent */
	int64_t created_ns; /* creationTimestamp since the epoch, 0 unknown */
	struct str_map labels, annotations;
};

struct object {
	struct ref ref;
	enum kind kind;
	struct object_meta meta;
	struct str id; /* "IngressRoute/shop/web": the key in the store, and how messages name it */
	struct str file; /* where it came from */
	size_t line;
	uint64_t content_hash; /* of the decoded content: equal hash, nothing changed */
	bool valid;
	bool is_restored;	/* from the state file: no source that lives has said it yet */
	void *spec;		/* struct of kind_infos[kind].schema; NULL when not valid */
	struct diag_sink diags; /* warnings and errors of decoding */
	struct arena arena;
	json_t *document; /* the source document, owned, where raw_json fields borrow from it; else
			     NULL */
};

/*
 * Decodes one document (borrowed). Returns a new object (valid or not), or NULL when it is not an
 * object we could even name (no kind, no name): then the fault is in sink. *ret_skip is set for
 * kinds that are not ours.
 */
struct object *object_decode(const json_t *document, struct str file, size_t line,
			     struct diag_sink *sink, bool *ret_skip);
/* An object that no manifest says: content is what would stand below apiVersion, kind and metadata
 * (borrowed). NULL without memory. */
struct object *object_make(enum kind kind, struct str namespace_, struct str name,
			   const json_t *content, struct str file, size_t line);
/*
 * The same for a document that may be a list (v1 List, IngressRouteList): each gets a new reference
 * to every object in it. Returns how many documents were skipped or could not be named.
 */
size_t object_decode_each(const json_t *document, struct str file, size_t line,
			  struct diag_sink *sink,
			  void (*each)(void *context, struct object *object), void *context);
/* The kind of that name; KIND__COUNT for none. */
enum kind kind_find(struct str kind);
struct object *object_ref(struct object *object);
void object_unref(struct object *object);

/* What one object was when changes were last taken, and what it is now; references, NULL: not
 * there.
 */
struct store_change {
	struct str id; /* its own */
	enum kind kind;
	struct object *before, *after;
};

enum { STORE_CHANGES_MAX = 4096 };

/* The store: by kind, then by "namespace/name". Holds a reference to each object. Not thread-safe.
 */
struct store {
	struct table objects[KIND__COUNT]; /* key: object->id */
	uint64_t revision;		   /* grows with every change */
	/* What is different since store_changes_taken(): id -> struct store_change. */
	struct table changed;
	bool all_changed;    /* more than STORE_CHANGES_MAX, which are not listed then */
	uint64_t changed_ns; /* when the oldest of them happened, as store_event() said; 0: unknown
			      */
	uint64_t event_ns;   /* of what is put now */
};

void store_init(struct store *store);
void store_done(struct store *store);
/* What is put or removed from now on happened then (monotonic); 0: nobody knows. */
void store_event(struct store *store, uint64_t mono_ns);
/* Puts or replaces (takes a reference); true when content differs from what was there. */
bool store_put(struct store *store, struct object *object);
bool store_remove(struct store *store, struct str id, enum kind kind);
/* A source has said all objects of the kind: those that only the state file knew are gone. */
void store_drop_restored(struct store *store, enum kind kind);
/* Everything up to now is known to whoever asks what changed. */
void store_changes_taken(struct store *store);
struct object *store_find(const struct store *store, enum kind kind, struct str namespace_,
			  struct str name);
/* All objects of a kind sorted by namespace, then name; array in the arena. */
struct object **store_sorted(const struct store *store, enum kind kind, struct arena *arena,
			     size_t *ret_n);

#endif

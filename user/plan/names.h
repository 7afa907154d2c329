/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NAMES_H
#define NAMES_H

/*
 * names: how objects are called inside (reference/traefik.md a.0), and what sticky cookies say
 * (a.1). Everything is made in the arena given; {0} when it is exhausted. Pure.
 */

#include "base/arena.h"
#include "base/str.h"

#define NAMES_CRD      "@kubernetescrd"
#define NAMES_INGRESS  "@kubernetes"
#define NAMES_FILE     "@file"
#define NAMES_INTERNAL "@internal"

enum { NAMES_STICKY_VALUES = 6 };

/* Letters and numbers, the rest collapsed to single dashes: "a.b--c" -> "a-b-c". */
struct str names_normalize(struct str text, struct arena *arena);
/* Normalize(ns-name), without a provider: of Middleware, TraefikService. */
struct str names_object(struct str namespace_, struct str name, struct arena *arena);
/* The same with its provider: "ns-name@kubernetescrd", or "name@file". */
struct str names_qualified(struct str namespace_, struct str name, struct arena *arena);
/* Whether objects of the namespace come from Traefik's own files. */
bool names_are_of_file(struct str namespace_);
/* Normalize(ns-name-H), H the first 20 hex digits of the rule's SHA-256. */
struct str names_router(struct str namespace_, struct str name, struct str match,
			struct arena *arena);
/* H of the above alone. */
struct str names_rule_hash(struct str match, struct arena *arena);
/* Normalize(ns-service-port), port as written: a Service as a child. */
struct str names_child(struct str namespace_, struct str service, struct str port,
		       struct arena *arena);
/* name + suffix, such as NAMES_CRD. */
struct str names_join(struct str name, struct str suffix, struct arena *arena);
/* The cookie of a service that gives none: "_" and 5 hex digits of SHA-1. */
struct str names_cookie(struct str qualified_service, struct arena *arena);
/* A cookie name as a user wrote it: every character that may not be in a name becomes '_'. */
struct str names_cookie_clean(struct str name, struct arena *arena);
/* NAMES_STICKY_VALUES that a cookie may hold for a server's URL or a child's name: [0] is what is
 * written, the rest are older spellings. NULL without memory. */
const struct str *names_sticky_values(struct str name, struct arena *arena);

/* The place of a router's provider among all (reference b.4); those that are not in it, such as
 * internal, are last. */
int names_provider_rank(struct str name);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KUBE_JSON_H
#define KUBE_JSON_H

/*
 * kube_json: JSON as an API server writes it. Whoever may write one object may put things into it
 * that Go takes and jansson does not (a NUL in a string, a number beyond 64 bits, very deep
 * nesting); such an object must not cost the others of its kind their updates. Pure.
 */

#include <jansson.h>

#include "base/str.h"

/* NULL: it is no JSON for anybody. What cannot be said here is said otherwise: a NUL becomes
 * U+FFFD, an integer beyond 64 bits a real, a value nested too deep null. */
json_t *kube_json_load(struct str text);

#endif

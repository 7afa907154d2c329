/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STATIC_ARGS_H
#define STATIC_ARGS_H

/*
 * static_args: flags, environment and file -> JSON documents, and one laid over the other. The
 * names are those of static_config's tables and compare without case; whether they are known is for
 * the decoder to say.
 */

#include <jansson.h>

#include "base/str.h"
#include "model/diag.h"

/* A new reference. Words that are no flags go to ret_words, or are faults when it is NULL. */
json_t *static_args_flags(int argc, char *const *argv, struct diag_sink *sink,
			  struct strs *ret_words);
/* TIDEGATE_A_B=v and TRAEFIK_A_B=v whose A is an option; the first kind overrides the second. */
json_t *static_args_environment(char *const *envp, struct diag_sink *sink);
/* Lays over on base, key by key; lists are replaced. */
void static_args_overlay(json_t *base, const json_t *over);
/* Sets the value at "a.b[0].c", making what is missing. False when the path makes no sense. */
bool static_args_set(json_t *document, struct str path, struct str value, bool append);
/* The value of a name without regard to case; NULL when it is not there. */
json_t *static_args_get(const json_t *object, struct str name);
/* The same for a path. */
json_t *static_args_at(const json_t *document, struct str path);

#endif

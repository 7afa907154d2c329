/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ADMIN_CLIENT_H
#define ADMIN_CLIENT_H

/* admin_client: the operator's commands ask a running proxy over its unix socket. Blocking, with a
 * deadline. */

#include <jansson.h>

#include "base/str.h"

/*
 * GET path; a new reference to the JSON answer in *ret_json. -ENOENT or -ECONNREFUSED: nobody
 * serves at socket_path; -EPROTO: the answer is not what a proxy says; -ETIMEDOUT.
 */
int admin_client_get(struct str socket_path, const char *path, json_t **ret_json);
/* What to tell the operator about a failure; static text. */
const char *admin_client_advice(int error);

#endif

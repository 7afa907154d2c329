/* SPDX-License-Identifier: Apache-2.0 */
#ifndef METHOD_H
#define METHOD_H

/* method: the known methods. Methods are case-sensitive (RFC 9110 9.1). */

#include "http/message.h"

/* METHOD_OTHER for a token that is not known. */
enum http_method method_of(struct str text);
struct str method_name(enum http_method method);
/* RFC 9110 9.2.2: may be sent again when nothing is known of the first try. */
bool method_is_idempotent(enum http_method method);

#endif

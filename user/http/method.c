// SPDX-License-Identifier: Apache-2.0
/* method: one table; lookups by length first. */

#include "http/method.h"

static const struct {
	struct str name;
	bool idempotent;
} methods[METHOD__COUNT] = {
	[METHOD_GET] = {{"GET", 3}, true},	    [METHOD_HEAD] = {{"HEAD", 4}, true},
	[METHOD_POST] = {{"POST", 4}, false},	    [METHOD_PUT] = {{"PUT", 3}, true},
	[METHOD_DELETE] = {{"DELETE", 6}, true},    [METHOD_OPTIONS] = {{"OPTIONS", 7}, true},
	[METHOD_PATCH] = {{"PATCH", 5}, false},	    [METHOD_TRACE] = {{"TRACE", 5}, true},
	[METHOD_CONNECT] = {{"CONNECT", 7}, false},
};

enum http_method method_of(struct str text)
{
	if (text.len == 3 && memcmp(text.at, "GET", 3) == 0)
		return METHOD_GET;
	for (int i = METHOD_HEAD; i < METHOD__COUNT; i++) {
		if (methods[i].name.len == text.len && methods[i].name.at[0] == text.at[0] &&
		    memcmp(methods[i].name.at, text.at, text.len) == 0)
			return (enum http_method)i;
	}
	return METHOD_OTHER;
}

struct str method_name(enum http_method method)
{
	return (unsigned int)method < METHOD__COUNT ? methods[method].name : (struct str){0};
}

bool method_is_idempotent(enum http_method method)
{
	return (unsigned int)method < METHOD__COUNT && methods[method].idempotent;
}

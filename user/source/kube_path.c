// SPDX-License-Identifier: Apache-2.0
/* kube_path: see the header. */
#include "source/kube_path.h"

#include <ctype.h>

void kube_path_escape(struct buf *buf, struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.at[i];

		if (isalnum(c) || c == '-' || c == '.' || c == '_' || c == '~')
			buf_add_char(buf, (char)c);
		else
			buf_addf(buf, "%%%02X", c);
	}
}

void kube_path_group(struct buf *buf, const char *api_version)
{
	buf_addf(buf, strchr(api_version, '/') ? "/apis/%s" : "/api/%s", api_version);
}

void kube_path_of(struct buf *buf, enum kind kind, struct str namespace_)
{
	kube_path_group(buf, kind_infos[kind].api_version);
	if (namespace_.len) {
		buf_add(buf, STR("/namespaces/"));
		kube_path_escape(buf, namespace_);
	}
	buf_addf(buf, "/%s", kind_infos[kind].plural);
}

void kube_path_query(struct buf *buf, const char *name, struct str value, bool *is_first)
{
	buf_addf(buf, "%c%s=", *is_first ? '?' : '&', name);
	kube_path_escape(buf, value);
	*is_first = false;
}

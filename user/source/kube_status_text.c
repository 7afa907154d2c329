// SPDX-License-Identifier: Apache-2.0
/* kube_status_text: see the header. */
#include "source/kube_status_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void kube_status_text_line(struct str text, char *ret_line, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < text.len && n + 1 < size; i++) {
		unsigned char c = (unsigned char)text.at[i];

		ret_line[n++] = c < ' ' || c == 0x7f ? ' ' : (char)c;
	}
	while (n && ret_line[n - 1] == ' ')
		n--;
	ret_line[n] = '\0';
}

static struct str text_at(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return json_is_string(value) ? str_n(json_string_value(value), json_string_length(value))
				     : (struct str){0};
}

void kube_status_text_take(const json_t *status, struct kube_status *ret_status)
{
	const json_t *details = json_object_get(status, "details");
	const json_t *causes = json_object_get(details, "causes"), *cause;
	size_t i;

	*ret_status = (struct kube_status){
		.code = (int)json_integer_value(json_object_get(status, "code")),
	};
	kube_status_text_line(text_at(status, "reason"), ret_status->reason,
			      sizeof(ret_status->reason));
	kube_status_text_line(text_at(status, "message"), ret_status->message,
			      sizeof(ret_status->message));
	json_array_foreach(causes, i, cause)
	{
		struct str reason = text_at(cause, "reason");

		ret_status->is_version_ahead |= str_eq(reason, STR("ResourceVersionTooLarge"));
		ret_status->is_namespace_ending |= str_eq(reason, STR("NamespaceTerminating"));
	}
}

void kube_status_text_parse(struct str body, struct kube_status *ret_status)
{
	json_t *status = json_loadb(body.at ? body.at : "", body.len, 0, NULL);

	if (json_is_object(status)) {
		kube_status_text_take(status, ret_status);
	} else {
		*ret_status = (struct kube_status){0};
		kube_status_text_line(body, ret_status->message, sizeof(ret_status->message));
	}
	json_decref(status);
}

json_t *kube_status_text_json(struct str text, size_t max_bytes)
{
	struct str cut = str_take(text, max_bytes < text.len ? max_bytes : text.len);
	char *copy, *at;
	json_t *json;

	/* Not in the middle of a character: what follows is no beginning of one. */
	while (cut.len && cut.len < text.len && ((unsigned char)text.at[cut.len] & 0xc0) == 0x80)
		cut.len--;
	json = json_stringn(cut.len ? cut.at : "", cut.len);
	if (json)
		return json;
	copy = strndup(cut.at, cut.len);
	for (at = copy; at && *at; at++)
		if ((unsigned char)*at >= 0x80)
			*at = '?';
	json = json_string(copy ? copy : "");
	free(copy);
	return json;
}

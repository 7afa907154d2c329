// SPDX-License-Identifier: Apache-2.0
/* ask: one question over the admin socket. */
#include "app/ask.h"

#include <stdio.h>

#include "app/admin_client.h"

const char *ask_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

int ask(const struct command_line *line, const char *path, size_t json,
	void (*print)(const json_t *answer))
{
	struct str socket_path = line->config.admin.socket;
	json_t *answer = NULL;
	int rc = admin_client_get(socket_path, path, &answer);

	if (rc < 0) {
		fprintf(stderr, "tidegate %s: " STR_FMT ": %s\n", line->command->name,
			STR_ARG(socket_path), admin_client_advice(rc));
		return EXIT_FAULTS;
	}
	if (command_flag_set(line, json)) {
		json_dumpf(answer, stdout, JSON_INDENT(2));
		putchar('\n');
	} else {
		print(answer);
	}
	json_decref(answer);
	return EXIT_OK;
}

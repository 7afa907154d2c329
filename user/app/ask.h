/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASK_H
#define ASK_H

/* ask: what the commands share that ask a running proxy and print its answer. */

#include <jansson.h>

#include "app/command.h"

/*
 * Asks for path; prints the answer by print(), or as it is when the flag json is set. What failed
 * is said on standard error. An exit code.
 */
int ask(const struct command_line *line, const char *path, size_t json,
	void (*print)(const json_t *answer));
/* A member that is a text; "" when it is none. Borrowed. */
const char *ask_text(const json_t *object, const char *key);

#endif

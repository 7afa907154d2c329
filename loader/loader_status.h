/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOADER_STATUS_H
#define LOADER_STATUS_H

/* loader_status: what is loaded, where it runs, what it has counted; for people or as one JSON
 * object. */

#include "loader.h"

/* Return exit statuses. */
int loader_status_print(const struct loader_options *options, bool json);
int loader_status_version(void);
/* Prints text as a JSON string, quotes included. */
void loader_status_json_string(const char *text);

#endif

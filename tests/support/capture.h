/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAPTURE_H
#define CAPTURE_H

/* capture: what a piece of a test writes to standard error, as text. */

struct capture {
	int saved_fd, file_fd;
};

/* From here on standard error goes to a file of its own. */
void capture_begin(struct capture *capture);
/* Standard error is back; returns what was written, NUL-terminated, to be freed. */
char *capture_end(struct capture *capture);

#endif

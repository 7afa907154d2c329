/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAPTURE_H
#define CAPTURE_H

/* capture: what a piece of code prints on a descriptor, for tests of commands. One at a time. */

/* From now on what is written to fd (1 or 2) is kept. */
void capture_begin(int fd);
/* Ends it; the text, NUL-terminated, valid until the next capture_begin. */
const char *capture_end(void);

/* A fresh folder under /tmp with one file in it (name NULL: none); removed at exit. */
const char *capture_folder(const char *name, const char *content);

#endif

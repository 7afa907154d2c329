/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FILE_H
#define FILE_H

/* file: reading and atomically replacing whole small files. */

#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/str.h"

/* Appends the whole file to buf; -EFBIG when it is larger than the buffer's maximum. */
int file_read(const char *path, struct buf *buf);
/* Writes beside path and renames over it, with fsync. */
int file_write_atomic(const char *path, struct str content, mode_t mode);

#endif

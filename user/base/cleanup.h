/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLEANUP_H
#define CLEANUP_H

/* cleanup: the only macros that touch control flow, for code off the request path. */

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_free(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_close(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_fclose(FILE **file)
{
	if (*file)
		fclose(*file);
}

#define AUTO_FREE   __attribute__((cleanup(cleanup_free)))
#define AUTO_CLOSE  __attribute__((cleanup(cleanup_close)))
#define AUTO_FCLOSE __attribute__((cleanup(cleanup_fclose)))
#define AUTO(done)  __attribute__((cleanup(done)))
/* Hands an AUTO_ pointer or descriptor on to another owner. */
#define TAKE(pointer)                                   \
	({                                              \
		__typeof__(pointer) taken_ = (pointer); \
		(pointer) = 0;                          \
		taken_;                                 \
	})
/* Returns a negative errno to the caller. */
#define TRY(expression)                  \
	do {                             \
		int try_ = (expression); \
		if (try_ < 0)            \
			return try_;     \
	} while (0)

#endif

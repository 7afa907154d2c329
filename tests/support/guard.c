// SPDX-License-Identifier: Apache-2.0
/* guard: the pages of the text and one more that is not accessible. */

#include "guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

static size_t text_pages_bytes(size_t len)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	/* An empty text has a page too, so that its address is one that may be computed with. */
	return (len + page) / page * page;
}

struct str guard_copy(struct str text)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), room = text_pages_bytes(text.len);
	char *map =
		mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_true(map != MAP_FAILED);
	assert_int_equal(mprotect(map + room, page, PROT_NONE), 0);
	if (text.len)
		memcpy(map + room - text.len, text.at, text.len);
	return str_n(map + room - text.len, text.len);
}

void guard_free(struct str copy)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), room = text_pages_bytes(copy.len);

	munmap((char *)(uintptr_t)copy.at + copy.len - room, room + page);
}

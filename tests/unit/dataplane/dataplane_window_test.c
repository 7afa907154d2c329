// SPDX-License-Identifier: Apache-2.0
/* dataplane_window: pieces of a real map are the same memory whenever they are mapped, few of them
 * stay, and the last one may be short. */
#include "dataplane/dataplane_window.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "abi.h"
#include "check.h"

enum { PIECES = 9, LINES = PIECES * DATAPLANE_WINDOW_LINES + 64 };

static struct dataplane_windows windows;
static int fd;

static int set_up(void **state)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);

	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "lines", sizeof(__u32),
			    sizeof(struct abi_ring_line), LINES, &options);
	if (fd < 0 && (errno == EPERM || errno == EACCES || errno == ENOSYS))
		return 0;
	assert_true(fd >= 0);
	dataplane_windows_init(&windows, fd, LINES);
	*state = &windows;
	return 0;
}

static int tear_down(void **state)
{
	if (*state) {
		dataplane_windows_done(&windows);
		close(fd);
	}
	return 0;
}

/* How much of maps this process has in memory. */
static size_t mapped_kib(void)
{
	FILE *file = fopen("/proc/self/smaps", "r");
	char line[512];
	size_t kib = 0, rss;
	bool is_map = false;

	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		if (strstr(line, "bpf-map"))
			is_map = true;
		if (is_map && sscanf(line, "Rss: %zu", &rss) == 1) {
			kib += rss;
			is_map = false;
		}
	}
	fclose(file);
	return kib;
}

static void every_line_is_the_same_memory_again(void **state)
{
	size_t piece_kib = DATAPLANE_WINDOW_LINES * sizeof(struct abi_ring_line) / 1024;

	if (!*state)
		skip();
	for (uint32_t line = 0; line < LINES; line += DATAPLANE_WINDOW_LINES / 2)
		dataplane_windows_at(&windows, line)->slot[3] = (uint16_t)(line >> 8 | 1);
	for (uint32_t line = 0; line < LINES; line += DATAPLANE_WINDOW_LINES / 2) {
		struct abi_ring_line value;

		CHECK_INT("again", dataplane_windows_at(&windows, line)->slot[3], line >> 8 | 1);
		assert_int_equal(bpf_map_lookup_elem(fd, &line, &value), 0);
		CHECK_INT("in the map", value.slot[3], line >> 8 | 1);
	}
	assert_in_range(mapped_kib(), piece_kib, DATAPLANE_WINDOWS * piece_kib);
}

static void the_ones_used_last_stay(void **state)
{
	struct abi_ring_line *first;

	if (!*state)
		skip();
	first = dataplane_windows_at(&windows, 1);
	for (uint32_t i = 1; i < DATAPLANE_WINDOWS; i++)
		assert_non_null(dataplane_windows_at(&windows, i * DATAPLANE_WINDOW_LINES));
	first->slot[0] = 7;
	assert_ptr_equal(dataplane_windows_at(&windows, 1), first);
	/* That was the newest now: another one makes room. */
	assert_non_null(dataplane_windows_at(&windows, 7 * DATAPLANE_WINDOW_LINES));
	assert_ptr_equal(dataplane_windows_at(&windows, 1), first);
	assert_int_equal(first->slot[0], 7);
}

static void nothing_is_beyond_the_end(void **state)
{
	if (!*state)
		skip();
	dataplane_windows_at(&windows, LINES - 1)->slot[ABI_RING_SLOTS - 1] = 9;
	assert_null(dataplane_windows_at(&windows, LINES));
	assert_null(dataplane_windows_at(&windows, UINT32_MAX));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_line_is_the_same_memory_again, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(the_ones_used_last_stay, set_up, tear_down),
		cmocka_unit_test_setup_teardown(nothing_is_beyond_the_end, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

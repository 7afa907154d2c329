// SPDX-License-Identifier: Apache-2.0
/* cputime: how much processor time a set of processes has used, all their threads together. */
#include "cputime.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

int cputime_parse(const char *list, struct cputime *ret_cputime)
{
	struct cputime cputime = {0};

	while (*list) {
		char *end;
		long pid = strtol(list, &end, 10);

		if (pid <= 0 || end == list || (*end && *end != ','))
			return -EINVAL;
		if (cputime.count == CPUTIME_MAX_PIDS)
			return -E2BIG;
		cputime.pids[cputime.count++] = (pid_t)pid;
		list = *end ? end + 1 : end;
	}
	*ret_cputime = cputime;
	return 0;
}

static uint64_t thread_ns(pid_t pid, const char *tid)
{
	char path[320];
	uint64_t on_cpu_ns = 0;

	snprintf(path, sizeof(path), "/proc/%d/task/%s/schedstat", pid, tid);
	FILE *file = fopen(path, "re");

	if (!file)
		return 0;
	if (fscanf(file, "%" SCNu64, &on_cpu_ns) != 1)
		on_cpu_ns = 0;
	fclose(file);
	return on_cpu_ns;
}

uint64_t cputime_read_ns(const struct cputime *cputime)
{
	uint64_t sum_ns = 0;

	for (unsigned int i = 0; i < cputime->count; i++) {
		char path[64];
		struct dirent *entry;

		snprintf(path, sizeof(path), "/proc/%d/task", cputime->pids[i]);
		DIR *tasks = opendir(path);

		if (!tasks)
			continue;
		while ((entry = readdir(tasks)))
			if (entry->d_name[0] != '.')
				sum_ns += thread_ns(cputime->pids[i], entry->d_name);
		closedir(tasks);
	}
	return sum_ns;
}

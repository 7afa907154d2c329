// SPDX-License-Identifier: Apache-2.0
/* process_metric: each row is one small question to the kernel. */

#include "obs/process_metric.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

/* Field of /proc/self/statm in pages: 0 is all, 1 resident. -1 when it cannot be read. */
static long statm_pages(int field)
{
	AUTO_FCLOSE FILE *file = fopen("/proc/self/statm", "re");
	long pages[2];

	if (!file || fscanf(file, "%ld %ld", &pages[0], &pages[1]) != 2)
		return -1;
	return pages[field];
}

static int open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	if (!dir)
		return -1;
	while (readdir(dir))
		n++;
	closedir(dir);
	/* "." and ".." are none, and the folder itself is open only for this count. */
	return n - 3;
}

static double cpu_seconds(void)
{
	struct rusage usage;

	if (getrusage(RUSAGE_SELF, &usage))
		return -1;
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static double max_fds(void)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_NOFILE, &limit) ? -1 : (double)limit.rlim_cur;
}

void process_metric_collect(void *context, enum metric_id id, struct metric_scrape *scrape)
{
	const struct process_metric *process = context;
	const struct str version = STR(TIDEGATE_VERSION);
	double value = -1;

	switch (id) {
	case METRIC_PROCESS_CPU_SECONDS:
		value = cpu_seconds();
		break;
	case METRIC_PROCESS_OPEN_FDS:
		value = open_fds();
		break;
	case METRIC_PROCESS_MAX_FDS:
		value = max_fds();
		break;
	case METRIC_PROCESS_VIRTUAL_BYTES:
		value = (double)statm_pages(0) * (double)sysconf(_SC_PAGESIZE);
		break;
	case METRIC_PROCESS_RESIDENT_BYTES:
		value = (double)statm_pages(1) * (double)sysconf(_SC_PAGESIZE);
		break;
	case METRIC_PROCESS_START_TIME:
		value = (double)process->start_wall_ns / NS_PER_SEC;
		break;
	case METRIC_BUILD_INFO:
		value = 1;
		break;
	default:
		return;
	}
	if (value >= 0)
		metric_sample(scrape, &version, value);
}

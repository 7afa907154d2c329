// SPDX-License-Identifier: Apache-2.0
/* pin: see pin.h. */
#include "pin.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/num.h"
#include "base/str.h"
#include "fault.h"

#define BPFFS "/sys/fs/bpf"

const char *pin_folder(const struct loader_options *options)
{
	return options->folder ? options->folder : LOADER_FOLDER;
}

int pin_path(const struct loader_options *options, const char *name, char ret_path[PATH_MAX])
{
	int n = snprintf(ret_path, PATH_MAX, "%s/%s", pin_folder(options), name);

	if (n < 0 || n >= PATH_MAX)
		return -ENAMETOOLONG;
	for (char *c = ret_path + n - strlen(name); *c; c++)
		if (*c == '.')
			*c = ',';
	return 0;
}

static bool is_bpffs(const char *path)
{
	struct statfs fs;

	return !statfs(path, &fs) && fs.f_type == BPF_FS_MAGIC;
}

/* The parent of a process, or 0. */
static uint64_t parent_of(uint64_t pid)
{
	char path[64], line[128];
	uint64_t parent = 0;

	snprintf(path, sizeof(path), "/proc/%" PRIu64 "/status", pid);
	FILE *file = fopen(path, "re");

	while (file && fgets(line, sizeof(line), file)) {
		struct str text = str_of(line);

		if (str_starts(text, STR("PPid:"))) {
			num_uint64(str_trim_space(str_from(text, 5)), &parent);
			break;
		}
	}
	if (file)
		fclose(file);
	return parent;
}

/*
 * Whether an ancestor lives in another mount namespace, as under `ip netns exec`: what we mount
 * here would vanish with us. Not asked of process 1 alone, because /proc/1/ns may be closed to us.
 */
static bool is_private_mount(void)
{
	struct stat ours, theirs;
	char path[64];

	if (stat("/proc/self/ns/mnt", &ours))
		return false;
	for (uint64_t pid = parent_of((uint64_t)getpid()); pid; pid = parent_of(pid)) {
		snprintf(path, sizeof(path), "/proc/%" PRIu64 "/ns/mnt", pid);
		if (!stat(path, &theirs) && theirs.st_ino != ours.st_ino)
			return true;
	}
	return false;
}

static int need_bpffs(const struct loader_options *options, struct loader_fault *ret_fault)
{
	char parent[PATH_MAX];

	snprintf(parent, sizeof(parent), "%s", pin_folder(options));
	char *slash = strrchr(parent, '/');

	if (!slash || slash == parent)
		return fault_set(ret_fault, -EINVAL, "%s is no place for pins: name a folder in %s",
				 pin_folder(options), BPFFS);
	*slash = 0;
	if (is_bpffs(parent))
		return 0;
	if (strcmp(parent, BPFFS))
		return fault_set(
			ret_fault, -EINVAL,
			"%s is not on a BPF file system: mount one with `mount -t bpf bpf %s`",
			parent, parent);
	if (is_private_mount())
		return fault_set(ret_fault, -ENOENT,
				 "%s is hidden here (`ip netns exec` does that): use `nsenter "
				 "--net=/run/netns/NAME` instead",
				 BPFFS);
	if (mount("bpf", BPFFS, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700"))
		return fault_set(
			ret_fault, -errno,
			"no BPF file system at %s and mounting one failed (%m): run `mount -t "
			"bpf bpf %s` as root",
			BPFFS, BPFFS);
	return 0;
}

int pin_open_folder(const struct loader_options *options, struct loader_fault *ret_fault)
{
	const char *folder = pin_folder(options);
	int err = need_bpffs(options, ret_fault);

	if (err)
		return err;
	if (mkdir(folder, 0700) && errno != EEXIST)
		return fault_set(ret_fault, -errno, "cannot make the folder %s: %m", folder);
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return fault_set(ret_fault, -errno, "cannot open %s: %m", folder);
	flock(fd, LOCK_EX);
	return fd;
}

int pin_replace(const struct loader_options *options, int fd, const char *name)
{
	char path[PATH_MAX], next[PATH_MAX + 8];
	int err = pin_path(options, name, path);

	if (err)
		return err;
	snprintf(next, sizeof(next), "%s_new", path);
	unlink(next);
	if (bpf_obj_pin(fd, next))
		return -errno;
	if (!rename(next, path))
		return 0;
	/* bpffs before 5.x cannot rename over a pin. */
	unlink(path);
	if (!rename(next, path))
		return 0;
	err = -errno;
	unlink(next);
	return err;
}

int pin_get(const struct loader_options *options, const char *name)
{
	char path[PATH_MAX];
	int err = pin_path(options, name, path);

	if (err)
		return err;
	int fd = bpf_obj_get(path);

	return fd < 0 ? -errno : fd;
}

int pin_each(const struct loader_options *options, const char *prefix,
	     int (*fn)(const char *name, const char *path, void *user), void *user)
{
	DIR *dir = opendir(pin_folder(options));
	struct dirent *entry;
	char path[PATH_MAX];
	int stop = 0;

	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while (!stop && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.' || strncmp(entry->d_name, prefix, strlen(prefix)))
			continue;
		if (snprintf(path, sizeof(path), "%s/%s", pin_folder(options), entry->d_name) <
		    (int)sizeof(path))
			stop = fn(entry->d_name, path, user);
	}
	closedir(dir);
	return stop;
}

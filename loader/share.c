// SPDX-License-Identifier: Apache-2.0
/* share: see share.h. Root stays the owner, so that a later loader needs no CAP_DAC_OVERRIDE. */
#include "share.h"

#include <errno.h>
#include <grp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/num.h"
#include "base/str.h"
#include "fault.h"
#include "pin.h"

int share_group(const char *text, uint32_t *ret_gid)
{
	uint64_t number;

	if (!num_uint64(str_of(text), &number)) {
		if (number > UINT32_MAX - 1)
			return -EINVAL;
		*ret_gid = (uint32_t)number;
		return 0;
	}
	struct group room, *group = NULL;
	char names[4096];

	if (getgrnam_r(text, &room, names, sizeof(names), &group) || !group)
		return -EINVAL;
	*ret_gid = group->gr_gid;
	return 0;
}

static int share_one(const char *path, uint32_t gid, mode_t mode)
{
	return chown(path, (uid_t)-1, gid) || chmod(path, mode) ? -errno : 0;
}

static int share_pin(const char *name, const char *path, void *user)
{
	const uint32_t *gid = user;
	bool is_program = !strncmp(name, "prog_", 5) && strcmp(name, "prog_clock") &&
			  strcmp(name, "prog_worker");

	if (is_program || !strncmp(name, "link_", 5) || !strncmp(name, "netns_", 6))
		return 0;
	return share_one(path, *gid, 0660);
}

int share_with(const struct loader_options *options, uint32_t gid, struct loader_fault *ret_fault)
{
	int err = share_one(pin_folder(options), gid, 0750);

	if (!err)
		err = pin_each(options, "", share_pin, &gid);
	return err ? fault_set(ret_fault, err, "cannot share the pins in %s with group %u: %s",
			       pin_folder(options), gid, strerror(-err))
		   : 0;
}

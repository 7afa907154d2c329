/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STAGES_H
#define STAGES_H

/*
 * stages: which of our programs stands in which slot of the map "stage": by its name in ABI_STAGES.
 * A header, because tests load the object without the loader.
 */

#include <bpf/bpf.h>
#include <errno.h>

#include "abi.h"
#include "ingress.skel.h"

/* After loading. A slot whose program is not part of the object stays as it is. */
static inline int stages_fill(struct ingress *skel)
{
#define STAGE_NAME(id, program, text) {ABI_STAGE_##id, program},
	static const struct {
		__u32 slot;
		const char *name;
	} rows[] = {ABI_STAGES(STAGE_NAME)};
	int map = bpf_map__fd(skel->maps.stage);

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct bpf_program *program =
			bpf_object__find_program_by_name(skel->obj, rows[i].name);
		int fd = program ? bpf_program__fd(program) : -1;

		if (fd >= 0 && bpf_map_update_elem(map, &rows[i].slot, &fd, BPF_ANY))
			return -errno;
	}
	return 0;
}

#endif

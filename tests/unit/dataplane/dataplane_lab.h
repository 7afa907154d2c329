/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DATAPLANE_LAB_H
#define DATAPLANE_LAB_H

/* dataplane_lab: a dataplane over real, private maps, for this folder's tests. Skips where BPF is
 * refused. */

#include <netinet/in.h>
#include <stdlib.h>

#include "base/clock.h"
#include "check.h"
#include "dataplane/dataplane.h"
#include "packet.h"
#include "plane.h"

struct dataplane_lab {
	struct plane plane;
	struct dataplane *dataplane;
	struct arena arena;
};

static inline int lab_begin_with(void **state, const struct plane_options *options)
{
	struct dataplane_lab *lab = calloc(1, sizeof(*lab));

	if (plane_open(&lab->plane, options)) {
		free(lab);
		return 0;
	}
	struct loader_maps maps = plane_maps(&lab->plane);

	assert_int_equal(dataplane_open(&maps, &lab->dataplane), 0);
	arena_init(&lab->arena, 256 << 20, 0);
	plane_at_ms(&lab->plane, 1000);
	*state = lab;
	return 0;
}

static inline int lab_begin(void **state)
{
	return lab_begin_with(state, NULL);
}

static inline int lab_end(void **state)
{
	struct dataplane_lab *lab = *state;

	if (!lab)
		return 0;
	dataplane_close(lab->dataplane);
	plane_close(&lab->plane);
	arena_done(&lab->arena);
	free(lab);
	return 0;
}

static inline struct dataplane_lab *lab_of(void **state)
{
	if (!*state)
		skip();
	return *state;
}

static inline struct addr lab_addr(const char *text)
{
	struct addr addr = {0};

	CHECK_INT(text, addr_parse(str_of(text), &addr), 0);
	return addr;
}

/* One entry point "web" on TCP 80 with a policy "edge" that the caller may fill in. */
static inline struct kernel_policy *lab_config(struct dataplane_lab *lab,
					       struct kernel_config **ret_config)
{
	struct kernel_config *config = kernel_config_new(&lab->arena);
	struct kernel_policy *policy = kernel_config_policy(config, STR("edge"));

	assert_true(
		kernel_config_add(config, STR("web"), &(struct addr){0}, 80, IPPROTO_TCP, policy));
	*ret_config = config;
	return policy;
}

static inline void lab_apply(struct dataplane_lab *lab, const struct kernel_config *config)
{
	struct dataplane_result result;

	CHECK_INT("apply", dataplane_apply(lab->dataplane, config, &result), 0);
}

/* Sends a TCP packet to port 80; returns the verdict. */
static inline int lab_send(struct dataplane_lab *lab, const char *source)
{
	uint8_t frame[PACKET_ROOM];
	size_t n = packet_build(&(struct packet_spec){.source = source}, frame);

	return plane_run(&lab->plane, frame, n, NULL);
}

#define LAB_TEST(name) cmocka_unit_test_setup_teardown(name, lab_begin, lab_end)

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DATAPLANE_RULE_H
#define DATAPLANE_RULE_H

/*
 * dataplane_rule: which rule of which objects decided about a packet that was seen: the limit, the
 * prefix of a list or the ban, read from the maps as they stand.
 */

#include "dataplane/dataplane_capture.h"

struct kernel_config;
struct kernel_image;

/* Fills in seen->object and seen->rule; "" where there is none. source: of the packet. */
void dataplane_rule(struct dataplane *dataplane, const struct addr *source,
		    struct dataplane_seen *seen);
/* Writes down which objects the policies of a configuration were made from. */
void dataplane_rule_objects(struct dataplane *dataplane, const struct kernel_config *config,
			    const struct kernel_image *image);

#endif

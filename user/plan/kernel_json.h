/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KERNEL_JSON_H
#define KERNEL_JSON_H

/* kernel_json: what the kernel plane is to do, for people and for comparing: policies, entries and
 * services by name, in the units of the objects. Long lists are told by their length. Pure. */

#include <jansson.h>

#include "plan/kernel_config.h"

/* {"kernelPolicies": {...}, "kernelEntries": {...}, "kernelServices": {...}}: a new reference, NULL
 * without memory. config NULL: all of them empty. */
json_t *kernel_json(const struct kernel_config *config);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KERNEL_DIGEST_H
#define KERNEL_DIGEST_H

/*
 * kernel_digest: one number for all that kernel_image() reads of a configuration, and the kernel
 * plane's other settings: with an equal one the image in force is the one that would be made.
 * Backends of services are not in it: they stand in rings (kernel_fleet.h). Pure. Keyed by the
 * process, so that nobody can choose what collides; never 0.
 */

#include "plan/kernel_image.h"

/* Of a service and its backends, without its index; the service's own when it has one. */
uint64_t kernel_service_digest(const struct kernel_service *service);
uint64_t kernel_digest(const struct kernel_config *config, const struct kernel_scale *scale);

#endif

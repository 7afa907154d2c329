/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_CRD_H
#define SCHEMA_CRD_H

/* schema_crd: a kind's field table -> its CustomResourceDefinition with an OpenAPI v3 schema, as
 * YAML. Pure. */

#include "base/buf.h"
#include "model/object.h"

void schema_crd_print(const struct kind_info *kind, struct buf *buf);

#endif

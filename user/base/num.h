/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NUM_H
#define NUM_H

/* num: strict parsing of numbers: the whole text or -EINVAL, -ERANGE when it does not fit. No
 * locale, no leading blanks, no silent wrap. Outputs are untouched on failure. Pure. */

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

int num_int64(struct str text, int64_t *ret_value);
int num_uint64(struct str text, uint64_t *ret_value);
int num_uint16(struct str text, uint16_t *ret_value);
int num_double(struct str text, double *ret_value);
/* Go's time.ParseDuration ("1m30s", "100ms", "-1s", "1.5h", units ns us µs ms s m h); a bare
 * integer is seconds when bare_is_seconds (reference/traefik.md, conventions), else -EINVAL (except
 * "0"). */
int num_duration_ns(struct str text, bool bare_is_seconds, int64_t *ret_ns);
/* Kubernetes quantity of bytes: 512, 4Ki, 64Mi, 1Gi, 10k, 5M, 1G. */
int num_bytes(struct str text, int64_t *ret_bytes);
/* "true"/"false" and Go's strconv.ParseBool spellings (1 t T TRUE true True 0 f F ...). */
int num_bool(struct str text, bool *ret_value);
/* Prints ns as Go's Duration.String does ("1.5s", "2m0s"); buffer of at least 32 bytes, returns
 * length. */
size_t num_print_duration(int64_t ns, char *ret_text, size_t size);

#endif

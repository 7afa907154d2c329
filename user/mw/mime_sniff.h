/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIME_SNIFF_H
#define MIME_SNIFF_H

/* mime_sniff: the media type of a body by how it begins: the algorithm and table of the WHATWG MIME
 * Sniffing standard in the selection of Go's net/http.DetectContentType. Pure. */

#include "base/str.h"

enum { MIME_SNIFF_BYTES = 512 }; /* more is not looked at */

/* Never empty: "application/octet-stream" when nothing is known. */
struct str mime_sniff(struct str begin);

#endif

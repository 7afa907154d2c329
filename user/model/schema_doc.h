/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_DOC_H
#define SCHEMA_DOC_H

/* schema_doc: field tables -> reference pages in Markdown. Pure. */

#include "base/buf.h"
#include "model/object.h"

void schema_doc_kinds(struct buf *buf);
void schema_doc_middlewares(struct buf *buf);
void schema_doc_options(struct buf *buf);
void schema_doc_unsupported(struct buf *buf);
void schema_doc_compatibility(struct buf *buf);

struct schema_doc_page {
	const char *path; /* in the repository */
	void (*print)(struct buf *buf);
	/* What is printed replaces the file from this line on; above it is what people wrote. NULL:
	 * all of the file. */
	const char *from;
};
extern const struct schema_doc_page schema_doc_pages[];
extern const size_t schema_doc_page_count;

#endif

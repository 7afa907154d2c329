// SPDX-License-Identifier: Apache-2.0
/*
 * gen_model: writes what is made from the tables of user/model: CRDs and reference pages, under the
 * folder given.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "model/schema_crd.h"
#include "model/schema_doc.h"

static int write_page(const char *root, const char *path, struct buf *buf)
{
	char full[1024];
	int error;

	snprintf(full, sizeof(full), "%s/%s", root, path);
	error = buf->failed ? -ENOMEM : file_write_atomic(full, buf_str(buf), 0644);
	if (error)
		fprintf(stderr, "%s: %s\n", full, strerror(-error));
	buf_done(buf);
	return error;
}

/* Keeps what stands above the line that the generated part begins with. */
static int keep_written(const char *root, const struct schema_doc_page *page, struct buf *buf)
{
	char full[1024];
	ptrdiff_t at;
	int error;

	snprintf(full, sizeof(full), "%s/%s", root, page->path);
	error = file_read(full, buf);
	if (error)
		return error;
	at = str_search(buf_str(buf), str_of(page->from));
	if (at >= 0)
		buf->len = (size_t)at;
	return 0;
}

int main(int argc, char **argv)
{
	const char *root = argc > 1 ? argv[1] : ".";
	struct buf buf;
	int error = 0;

	for (int i = 0; i < KIND__COUNT && !error; i++) {
		char path[256], group[64];

		if (!kind_infos[i].ours)
			continue;
		snprintf(group, sizeof(group), "%s", kind_infos[i].api_version);
		*strchr(group, '/') = '\0';
		snprintf(path, sizeof(path), "deploy/crds/%s_%s.yaml", group, kind_infos[i].plural);
		buf_init(&buf, 8 << 20);
		schema_crd_print(&kind_infos[i], &buf);
		error = write_page(root, path, &buf);
	}
	for (size_t i = 0; i < schema_doc_page_count && !error; i++) {
		buf_init(&buf, 8 << 20);
		if (schema_doc_pages[i].from)
			error = keep_written(root, &schema_doc_pages[i], &buf);
		if (error)
			break;
		schema_doc_pages[i].print(&buf);
		error = write_page(root, schema_doc_pages[i].path, &buf);
	}
	return error != 0;
}

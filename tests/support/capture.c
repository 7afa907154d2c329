// SPDX-License-Identifier: Apache-2.0
/* capture: a temporary file takes the descriptor's place. */
#include "capture.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { TEXT_MAX = 1 << 20, FOLDERS_MAX = 64 };

static struct {
	int fd, saved;
	FILE *file;
	char text[TEXT_MAX];
	char folders[FOLDERS_MAX][64];
	int n_folders;
} self;

void capture_begin(int fd)
{
	fflush(NULL);
	self.fd = fd;
	self.saved = dup(fd);
	self.file = tmpfile();
	if (self.saved < 0 || !self.file || dup2(fileno(self.file), fd) < 0)
		abort();
}

const char *capture_end(void)
{
	fflush(NULL);
	if (dup2(self.saved, self.fd) < 0)
		abort();
	close(self.saved);
	rewind(self.file);
	self.text[fread(self.text, 1, TEXT_MAX - 1, self.file)] = 0;
	fclose(self.file);
	return self.text;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *where)
{
	(void)info;
	(void)kind;
	(void)where;
	return remove(path);
}

static void remove_folders(void)
{
	for (int i = 0; i < self.n_folders; i++)
		nftw(self.folders[i], remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

const char *capture_folder(const char *name, const char *content)
{
	char *folder = self.folders[self.n_folders];
	char path[256];

	if (self.n_folders == 0)
		atexit(remove_folders);
	if (self.n_folders == FOLDERS_MAX)
		abort();
	snprintf(folder, sizeof(self.folders[0]), "/tmp/tidegate-test-XXXXXX");
	if (!mkdtemp(folder))
		abort();
	self.n_folders++;
	if (name) {
		snprintf(path, sizeof(path), "%s/%s", folder, name);
		FILE *file = fopen(path, "w");

		if (!file || fputs(content, file) < 0)
			abort();
		fclose(file);
	}
	return folder;
}

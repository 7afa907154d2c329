/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FOLDER_MERGE_H
#define FOLDER_MERGE_H

/*
 * folder_merge: from what the files of a folder hold to what the store holds. Internal to folder:
 * what it knows of itself is here, for the two files that share it.
 */

#include <sys/stat.h>

#include "source/folder.h"
#include "source/folder_watch.h"

struct folder_entry {
	struct manifest_file file;
	struct stat stat; /* of what was read last */
	bool written, present, unsettled;
	bool is_new;	  /* its text was taken since the store was last brought up to date */
	bool has_lost;	  /* and an object that was there is gone */
	uint64_t gone_ns; /* when it was first missed, monotonic; 0: it is there */
	char error[96];	  /* it cannot be read */
};

struct folder {
	struct folder_watch watch;
	enum manifest_form form;
	char *only;		      /* the one file that counts; NULL: all */
	struct table entries;	      /* by name */
	struct folder_entry **sorted; /* the same by name, made when it is needed; NULL: not made */
	struct table named; /* names of events since the last read; values are the names, owned */
	bool unnamed;	    /* they do not tell everything */
	bool has_links;
	struct table winners; /* by id: objects in the store that are ours */
	bool is_quiet;	      /* nothing was told of the last time: no faults, no duplicates */
	uint64_t faults_hash;
	char error[128]; /* the folder cannot be read */
	bool everything, first;
	struct folder_stats stats;
};

/*
 * The usual change, some files of thousands written anew, without looking at the others. False:
 * what happened is more than that, and nothing was told.
 */
bool folder_merge_named(struct folder *folder, struct store *store);
/* Chooses among all objects of all files; every fault of now goes to sink. */
void folder_merge_all(struct folder *folder, struct store *store, struct diag_sink *sink);

#endif

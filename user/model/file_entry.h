/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FILE_ENTRY_H
#define FILE_ENTRY_H

/*
 * file_entry: what the conversion of one entry of Traefik's file format is made of. Internal to
 * file_format. Names compare without case, as Traefik's do. Functions that return a json_t return a
 * new reference; those that take one as `value` take it over where it says so.
 */

#include "base/buf.h"
#include "model/file_format.h"

struct file_entry {
	const struct file_format *format;
	const char *kind; /* "router" */
	struct str name;
};

/* Borrowed, or NULL; conf may be NULL. */
json_t *file_entry_find(json_t *conf, const char *key);
/* Takes it out of conf: a new reference, or NULL. */
json_t *file_entry_take(json_t *conf, const char *key);
struct str file_entry_text(const json_t *value);
json_t *file_entry_json(struct str text);
/* {name: value, kind: kind}; takes value over. kind NULL: none. */
json_t *file_entry_ref(json_t *value, const char *kind);
/* The same for each name of a list; takes it over. */
json_t *file_entry_refs(json_t *list, const char *kind);

/* A fault of this entry. */
void file_entry_fault(struct file_entry *entry, const char *field, const char *text);
/* The content of a file, without blank lines and comments. */
void file_entry_read_lines(struct file_entry *entry, struct str path, const char *field,
			   struct buf *lines);
/* A PEM text, or the content of the file that the text names. value is borrowed. */
json_t *file_entry_pem(struct file_entry *entry, const json_t *value, const char *field);
/* Emits a Secret for this entry and returns its name; takes data over. suffix NULL: none. */
json_t *file_entry_secret(struct file_entry *entry, const char *suffix, const char *type,
			  json_t *data);
/* The same for {certFile, keyFile}; value is borrowed. */
json_t *file_entry_certificate(struct file_entry *entry, const char *suffix, json_t *value);
/* rootCAs and certificates of a transport: texts or files -> Secrets. conf may be NULL. */
void file_entry_transport_files(struct file_entry *entry, json_t *conf);
/* Emits the object of this entry; takes spec over. */
void file_entry_emit(struct file_entry *entry, enum kind kind, json_t *spec);

#endif

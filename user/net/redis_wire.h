/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REDIS_WIRE_H
#define REDIS_WIRE_H

/* redis_wire: commands and answers as bytes (by hiredis), over a socket or TLS. Internal to
 * redis.c.
 */

#include <openssl/ssl.h>
#include <sys/types.h>

#include "net/redis.h"

struct redisReply;
struct redisReader;
struct redisReplyObjectFunctions;

/* The bytes of a command, to be freed by free(); NULL: no memory, or more than 32 arguments. */
char *redis_wire_command(const struct str *args, uint32_t n_args, size_t *ret_n);
/*
 * A reader whom no server makes allocate or walk what it only announces. NULL: no memory. The
 * functions are the reader's for as long as it lives.
 */
struct redisReader *redis_wire_reader(struct redisReplyObjectFunctions *functions);
/* False: no memory, or more than an answer may have, without being one. */
bool redis_wire_feed(struct redisReader *reader, const char *bytes, size_t n);
/* What a reply says; its texts are borrowed. */
void redis_wire_answer(const struct redisReply *reply, struct redis_answer *answer);
/* As sock_read() and sock_write(); ssl may be NULL. */
ssize_t redis_wire_read(int fd, SSL *ssl, char *bytes, size_t n);
ssize_t redis_wire_write(int fd, SSL *ssl, const char *bytes, size_t n);

#endif

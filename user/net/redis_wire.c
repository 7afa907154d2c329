// SPDX-License-Identifier: Apache-2.0
/* redis_wire: see the header. */

#include "net/redis_wire.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <openssl/err.h>

#include "net/sock.h"

enum {
	ARGS_MAX = 32,
	ELEMENTS_MAX = 64,    /* of an array */
	ANSWER_MAX = 1 << 16, /* bytes that wait for the rest of an answer */
};

#if HIREDIS_MAJOR == 0
#define ELEMENTS int
#else
#define ELEMENTS size_t
#endif

char *redis_wire_command(const struct str *args, uint32_t n_args, size_t *ret_n)
{
	const char *at[ARGS_MAX];
	size_t lens[ARGS_MAX];
	char *bytes = NULL;
	int n;

	if (n_args > ARGS_MAX)
		return NULL;
	for (uint32_t i = 0; i < n_args; i++) {
		at[i] = args[i].at ? args[i].at : "";
		lens[i] = args[i].len;
	}
	n = redisFormatCommandArgv(&bytes, (int)n_args, at, lens);
	if (n < 0)
		return NULL;
	*ret_n = (size_t)n;
	return bytes;
}

static void *create_array(const redisReadTask *task, ELEMENTS n)
{
	const redisReplyObjectFunctions *preset = task->privdata;

	return n > ELEMENTS_MAX ? NULL : preset->createArray(task, n);
}

redisReader *redis_wire_reader(redisReplyObjectFunctions *functions)
{
	redisReader *reader = redisReaderCreate();

	if (!reader)
		return NULL;
	*functions = *reader->fn;
	functions->createArray = create_array;
	reader->privdata = reader->fn;
	reader->fn = functions;
	return reader;
}

bool redis_wire_feed(redisReader *reader, const char *bytes, size_t n)
{
	return reader->len - reader->pos <= ANSWER_MAX &&
	       redisReaderFeed(reader, bytes, n) == REDIS_OK;
}

static void add_value(struct redis_answer *answer, const struct redisReply *reply)
{
	if (answer->n_values == REDIS_VALUES)
		return;
	if (reply->type == REDIS_REPLY_INTEGER)
		answer->integers[answer->n_values] = reply->integer;
	else if (reply->type != REDIS_REPLY_NIL)
		answer->strings[answer->n_values] = str_n(reply->str, (size_t)reply->len);
	answer->n_values++;
}

void redis_wire_answer(const struct redisReply *reply, struct redis_answer *answer)
{
	if (reply->type == REDIS_REPLY_ERROR)
		answer->error = -EPROTO;
	if (reply->type != REDIS_REPLY_ARRAY) {
		add_value(answer, reply);
		return;
	}
	for (size_t i = 0; i < reply->elements; i++)
		add_value(answer, reply->element[i]);
}

ssize_t redis_wire_read(int fd, SSL *ssl, char *bytes, size_t n)
{
	int done, why;

	if (!ssl)
		return sock_read(fd, bytes, n);
	ERR_clear_error();
	done = SSL_read(ssl, bytes, (int)n);
	if (done > 0)
		return done;
	why = SSL_get_error(ssl, done);
	if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)
		return -EAGAIN;
	return why == SSL_ERROR_ZERO_RETURN ? 0 : -ECONNRESET;
}

ssize_t redis_wire_write(int fd, SSL *ssl, const char *bytes, size_t n)
{
	int done, why;

	if (!ssl)
		return sock_write(fd, bytes, n);
	ERR_clear_error();
	done = SSL_write(ssl, bytes, (int)n);
	if (done > 0)
		return done;
	why = SSL_get_error(ssl, done);
	return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? -EAGAIN : -ECONNRESET;
}

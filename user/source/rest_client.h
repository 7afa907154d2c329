/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REST_CLIENT_H
#define REST_CLIENT_H

/*
 * rest_client: requests to one API server, many at a time, on the loop of whoever polls
 * rest_client_fd(). All of them share one HTTP/2 connection (another one when the server's streams
 * are used up), or have a connection each with a server that speaks HTTP/1.1.
 *
 * What comes is given on at once; nothing is kept but the beginning of an answer that is an error.
 * Redirections are not followed. Callbacks run inside rest_client_run(): on_data must not start or
 * end requests, on_done may. One thread.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "source/kube_config.h"

enum {
	REST_MESSAGE_BYTES = 256,
	REST_ERROR_BODY_MAX_BYTES = 64 << 10,
	REST_STREAMS_MAX = 100, /* of a connection: what kube-apiserver allows */
};

struct rest_client;
struct rest_request;

struct rest_result {
	int status;		/* 0: there was no answer */
	const char *message;	/* why there was none, or why it ended early; "" else */
	uint32_t retry_after_s; /* 0: not said */
	bool is_cut;		/* it began and broke off */
	bool is_stopped;	/* on_data said so */
	bool is_network;	/* the connection is to blame */
	struct str body;	/* of an answer that is not 2xx; borrowed */
};

struct rest_conf {
	const char *method; /* NULL: GET */
	const char *path;   /* "/api/v1/services?limit=1" */
	const char *accept; /* NULL: application/json */
	const char *content_type;
	struct str body; /* copied */
	bool gzip;
	uint32_t head_s;  /* until the head of the answer */
	uint32_t stall_s; /* without a byte; 0: for ever */
	uint32_t whole_s; /* for all of it; 0: for ever */
	/* The head of the answer came; NULL: of no interest. */
	void (*on_head)(void *context, int status);
	/* Bytes of a 2xx answer; false ends the request. NULL: they count as the body. */
	bool (*on_data)(void *context, struct str bytes);
	/* Once; the request is gone then. */
	void (*on_done)(void *context, const struct rest_result *result);
	void *context;
};

/* NULL without memory. config must stay; version is what the user agent says. */
struct rest_client *rest_client_new(const struct kube_config *config, const char *version);
void rest_client_free(struct rest_client *client);
/* For poll: readable when rest_client_run should be called. */
int rest_client_fd(const struct rest_client *client);
/* Goes on with everything that can go on. */
void rest_client_run(struct rest_client *client);

/* Begins a request; NULL when it cannot even begin (then *ret_message says why). */
struct rest_request *rest_client_start(struct rest_client *client, const struct rest_conf *conf,
				       const char **ret_message);
/* Ends it without a word; not from on_data. NULL is no request. */
void rest_client_cancel(struct rest_client *client, struct rest_request *request);
/* Requests that begin from now on do not use the connections of now. */
void rest_client_reconnect(struct rest_client *client);
/* The token of an exec plug-in (copied); and its certificate, which replace the config's. */
void rest_client_set_token(struct rest_client *client, struct str token);
void rest_client_set_certificate(struct rest_client *client, struct str cert_pem,
				 struct str key_pem);

struct rest_stats {
	uint64_t requests, connects, bytes;
	int http_version; /* of the newest answer: 11, 20; 0 unknown */
};
struct rest_stats rest_client_stats(const struct rest_client *client);

#endif

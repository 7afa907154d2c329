// SPDX-License-Identifier: Apache-2.0
/*
 * rest_client: libcurl's multi interface, whose sockets and timer are in one epoll descriptor.
 *
 * A server whose machine vanished is noticed by TCP (keep-alive probes, and TCP_USER_TIMEOUT for
 * what was sent); one that hangs is noticed by whoever asks it something from time to time.
 */
#include "source/rest_client.h"

#include <curl/curl.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/clock.h"

enum {
	EVENTS = 64,
	ROUNDS_MAX = 64, /* of one run */
	RUN_MAX_MS = 50, /* then others come first */
	CONNECT_S = 10,
	KEEPALIVE_IDLE_S = 20,
	KEEPALIVE_EVERY_S = 10,
	UNSENT_MS = 40000,
	BUFFER_BYTES = 256 << 10,
};

struct rest_request {
	CURL *easy;
	struct curl_slist *headers, *connect_to;
	struct rest_conf conf;
	struct rest_client *client;
	struct rest_request *next, **at;
	struct buf error_body;
	char message[CURL_ERROR_SIZE];
	uint64_t head_by_ns; /* 0: it has come */
	bool has_head, is_stopped;
};

struct rest_client {
	const struct kube_config *config;
	CURLM *multi;
	int epoll_fd, timer_fd;
	struct rest_request *requests;
	struct buf token, cert_pem, key_pem; /* of an exec plug-in */
	char agent[160];
	bool fresh; /* the next request opens a connection */
	struct rest_stats stats;
};

/* -------------------------------------------------------------- the event loop -- */

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *known)
{
	struct rest_client *client = context;
	struct epoll_event event = {.data.fd = fd};

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		epoll_ctl(client->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
		return 0;
	}
	event.events = (what & CURL_POLL_IN ? EPOLLIN : 0) | (what & CURL_POLL_OUT ? EPOLLOUT : 0);
	if (epoll_ctl(client->epoll_fd, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event) < 0 &&
	    epoll_ctl(client->epoll_fd, known ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event) < 0)
		return -1;
	curl_multi_assign(client->multi, fd, client);
	return 0;
}

static int on_timer(CURLM *multi, long wait_ms, void *context)
{
	struct rest_client *client = context;
	struct itimerspec when = {0};

	(void)multi;
	/* 0 would switch it off. */
	if (wait_ms == 0)
		when.it_value.tv_nsec = 1;
	else if (wait_ms > 0)
		when.it_value = (struct timespec){wait_ms / 1000, wait_ms % 1000 * NS_PER_MS};
	timerfd_settime(client->timer_fd, 0, &when, NULL);
	return 0;
}

static int tune_socket(void *context, curl_socket_t fd, curlsocktype purpose)
{
	struct rest_client *client = context;
	unsigned unsent_ms = UNSENT_MS;

	(void)purpose;
	client->stats.connects++;
	/* Where it is not known, probes alone must do. */
	(void)!setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unsent_ms, sizeof(unsent_ms));
	return CURL_SOCKOPT_OK;
}

/* ------------------------------------------------------------------ requests -- */

static void request_free(struct rest_request *request)
{
	*request->at = request->next;
	if (request->next)
		request->next->at = request->at;
	curl_multi_remove_handle(request->client->multi, request->easy);
	curl_easy_cleanup(request->easy);
	curl_slist_free_all(request->headers);
	curl_slist_free_all(request->connect_to);
	buf_done(&request->error_body);
	free(request);
}

static size_t on_header(char *at, size_t size, size_t n, void *context)
{
	struct rest_request *request = context;
	struct str line = str_trim_space(str_n(at, size * n));
	struct rest_stats *stats = &request->client->stats;
	long status = 0, version = 0;

	request->head_by_ns = 0;
	request->has_head = true;
	curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(request->easy, CURLINFO_HTTP_VERSION, &version);
	if (version)
		stats->http_version = version == CURL_HTTP_VERSION_2_0 ? 20 : 11;
	if (!line.len && status >= 200 && request->conf.on_head)
		request->conf.on_head(request->conf.context, (int)status);
	return size * n;
}

static size_t on_body(char *at, size_t size, size_t n, void *context)
{
	struct rest_request *request = context;
	long status = 0;

	request->client->stats.bytes += size * n;
	curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status / 100 != 2 || !request->conf.on_data) {
		buf_add(&request->error_body, str_n(at, size * n));
		return size * n;
	}
	if (request->conf.on_data(request->conf.context, str_n(at, size * n)))
		return size * n;
	request->is_stopped = true;
	return CURL_WRITEFUNC_ERROR;
}

static bool add_header(struct rest_request *request, const char *name, const char *value)
{
	char line[512];

	if ((size_t)snprintf(line, sizeof(line), "%s: %s", name, value) >= sizeof(line))
		return false;
	struct curl_slist *list = curl_slist_append(request->headers, line);

	if (list)
		request->headers = list;
	return list != NULL;
}

/* libcurl copies the token; ours is wiped. */
static int add_identity(struct rest_request *request, const char **ret_message)
{
	const struct kube_config *config = request->client->config;
	struct buf token;
	int error = 0;

	buf_init(&token, KUBE_TOKEN_MAX_BYTES);
	if (request->client->token.len)
		buf_add(&token, buf_str(&request->client->token));
	else
		error = kube_config_token(config, &token);
	if (error)
		*ret_message = "the token file cannot be read";
	if (!error && token.len) {
		curl_easy_setopt(request->easy, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
		curl_easy_setopt(request->easy, CURLOPT_XOAUTH2_BEARER, token.at);
	} else if (!error && config->username.len) {
		curl_easy_setopt(request->easy, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
		curl_easy_setopt(request->easy, CURLOPT_USERNAME, config->username.at);
		curl_easy_setopt(request->easy, CURLOPT_PASSWORD,
				 config->password.len ? config->password.at : "");
	}
	if (token.at)
		explicit_bzero(token.at, token.len);
	buf_done(&token);
	return error;
}

static bool add_impersonation(struct rest_request *request)
{
	const struct kube_config *config = request->client->config;
	bool ok = true;

	if (config->as_user.len)
		ok = add_header(request, "Impersonate-User", config->as_user.at);
	if (config->as_uid.len)
		ok = ok && add_header(request, "Impersonate-Uid", config->as_uid.at);
	for (size_t i = 0; i < config->as_groups.n; i++)
		ok = ok && add_header(request, "Impersonate-Group", config->as_groups.at[i].at);
	return ok;
}

static void set_blob(CURL *easy, CURLoption option, struct str pem)
{
	struct curl_blob blob = {(void *)(uintptr_t)pem.at, pem.len, CURL_BLOB_COPY};

	if (pem.len)
		curl_easy_setopt(easy, option, &blob);
}

static void set_tls(const struct rest_client *client, CURL *easy)
{
	const struct kube_config *config = client->config;
	bool is_given = client->cert_pem.len != 0;

	set_blob(easy, CURLOPT_CAINFO_BLOB, config->ca_pem);
	set_blob(easy, CURLOPT_SSLCERT_BLOB,
		 is_given ? buf_str(&client->cert_pem) : config->cert_pem);
	set_blob(easy, CURLOPT_SSLKEY_BLOB, is_given ? buf_str(&client->key_pem) : config->key_pem);
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (!config->insecure)
		return;
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
}

static void set_transport(struct rest_request *request)
{
	struct rest_client *client = request->client;
	bool is_tls = str_starts(client->config->server, STR("https:"));
	CURL *easy = request->easy;

	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	/* Without TLS nothing says whether a connection can be shared: none waits to find out. */
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
			 (long)(is_tls ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
	curl_easy_setopt(easy, CURLOPT_PIPEWAIT, (long)is_tls);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
	curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)BUFFER_BYTES);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, (long)KEEPALIVE_IDLE_S);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, (long)KEEPALIVE_EVERY_S);
	curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, tune_socket);
	curl_easy_setopt(easy, CURLOPT_SOCKOPTDATA, client);
	if (client->fresh)
		curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
	client->fresh = false;
	if (client->config->proxy_url.len)
		curl_easy_setopt(easy, CURLOPT_PROXY, client->config->proxy_url.at);
	set_tls(client, easy);
}

static void set_limits(struct rest_request *request)
{
	const struct rest_conf *conf = &request->conf;

	if (conf->stall_s) {
		curl_easy_setopt(request->easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
		curl_easy_setopt(request->easy, CURLOPT_LOW_SPEED_TIME, (long)conf->stall_s);
	}
	if (conf->whole_s)
		curl_easy_setopt(request->easy, CURLOPT_TIMEOUT, (long)conf->whole_s);
	if (conf->head_s)
		request->head_by_ns = clock_mono_ns() + (uint64_t)conf->head_s * NS_PER_SEC;
	if (conf->gzip)
		curl_easy_setopt(request->easy, CURLOPT_ACCEPT_ENCODING, "gzip");
}

/* "https://host:6443" with another name in it for TLS, and the way to where it really is. */
static bool set_url(struct rest_request *request)
{
	const struct kube_config *config = request->client->config;
	char url[4096 + 512];
	size_t rest = (size_t)str_search(config->server, STR("://")) + 3;
	struct str authority = str_from(config->server, rest);
	ptrdiff_t slash = str_find(authority, '/');
	struct str prefix = slash < 0 ? (struct str){0} : str_from(authority, (size_t)slash);

	if (slash >= 0)
		authority = str_take(authority, (size_t)slash);
	struct str name = config->tls_server_name.len ? config->tls_server_name : authority;

	if ((size_t)snprintf(url, sizeof(url), STR_FMT STR_FMT STR_FMT "%s",
			     STR_ARG(str_take(config->server, rest)), STR_ARG(name),
			     STR_ARG(prefix), request->conf.path) >= sizeof(url))
		return false;
	curl_easy_setopt(request->easy, CURLOPT_URL, url);
	if (!config->tls_server_name.len)
		return true;
	/* An authority without a port would mean the port of the URL, which is 443 too. */
	snprintf(url, sizeof(url), "::" STR_FMT "%s", STR_ARG(authority),
		 authority.len && str_rfind(authority, ':') > str_rfind(authority, ']') ? ""
											: ":443");
	request->connect_to = curl_slist_append(NULL, url);
	curl_easy_setopt(request->easy, CURLOPT_CONNECT_TO, request->connect_to);
	snprintf(url, sizeof(url), STR_FMT, STR_ARG(authority));
	return add_header(request, "Host", url);
}

static void set_method(struct rest_request *request)
{
	const struct rest_conf *conf = &request->conf;

	if (conf->body.len) {
		curl_easy_setopt(request->easy, CURLOPT_POSTFIELDSIZE_LARGE,
				 (curl_off_t)conf->body.len);
		curl_easy_setopt(request->easy, CURLOPT_COPYPOSTFIELDS, conf->body.at);
	}
	if (conf->method)
		curl_easy_setopt(request->easy, CURLOPT_CUSTOMREQUEST, conf->method);
	curl_easy_setopt(request->easy, CURLOPT_USERAGENT, request->client->agent);
	curl_easy_setopt(request->easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(request->easy, CURLOPT_HEADERDATA, request);
	curl_easy_setopt(request->easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(request->easy, CURLOPT_WRITEDATA, request);
	curl_easy_setopt(request->easy, CURLOPT_PRIVATE, request);
	curl_easy_setopt(request->easy, CURLOPT_ERRORBUFFER, request->message);
}

struct rest_request *rest_client_start(struct rest_client *client, const struct rest_conf *conf,
				       const char **ret_message)
{
	struct rest_request *request = calloc(1, sizeof(*request));
	bool ok = true;

	*ret_message = "out of memory";
	if (!request)
		return NULL;
	request->client = client;
	request->conf = *conf;
	buf_init(&request->error_body, REST_ERROR_BODY_MAX_BYTES);
	request->next = client->requests;
	request->at = &client->requests;
	if (request->next)
		request->next->at = &request->next;
	client->requests = request;
	request->easy = curl_easy_init();
	if (request->easy) {
		set_transport(request);
		set_limits(request);
		set_method(request);
		ok = set_url(request) &&
		     add_header(request, "Accept",
				conf->accept ? conf->accept : "application/json") &&
		     (!conf->content_type ||
		      add_header(request, "Content-Type", conf->content_type)) &&
		     add_impersonation(request) && add_identity(request, ret_message) == 0;
		curl_easy_setopt(request->easy, CURLOPT_HTTPHEADER, request->headers);
		request->conf.body = (struct str){0};
	}
	if (!request->easy || !ok || curl_multi_add_handle(client->multi, request->easy)) {
		request_free(request);
		return NULL;
	}
	client->stats.requests++;
	return request;
}

void rest_client_cancel(struct rest_client *client, struct rest_request *request)
{
	(void)client;
	if (request)
		request_free(request);
}

void rest_client_reconnect(struct rest_client *client)
{
	client->fresh = true;
}

/* ----------------------------------------------------------------------- run -- */

static const char *message_of(const struct rest_request *request, CURLcode code)
{
	if (code == CURLE_OK || request->is_stopped)
		return "";
	return request->message[0] ? request->message : curl_easy_strerror(code);
}

static bool is_network(CURLcode code)
{
	return code != CURLE_OK && code != CURLE_WRITE_ERROR && code != CURLE_BAD_CONTENT_ENCODING;
}

static void finish(struct rest_request *request, CURLcode code, const char *message)
{
	struct rest_result result = {.is_stopped = request->is_stopped};
	curl_off_t retry_after = 0;
	long status = 0;

	curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(request->easy, CURLINFO_RETRY_AFTER, &retry_after);
	result.status = request->has_head ? (int)status : 0;
	result.message = message ? message : message_of(request, code);
	result.retry_after_s =
		retry_after > 0 && retry_after < UINT32_MAX ? (uint32_t)retry_after : 0;
	result.is_cut = result.status && code != CURLE_OK && !request->is_stopped;
	result.is_network = is_network(code) && !request->is_stopped;
	result.body = buf_str(&request->error_body);
	if (request->conf.on_done)
		request->conf.on_done(request->conf.context, &result);
	request_free(request);
}

static bool take_messages(struct rest_client *client)
{
	struct CURLMsg *message;
	bool any = false;
	int left;

	while ((message = curl_multi_info_read(client->multi, &left))) {
		struct rest_request *request = NULL;
		CURLcode code = message->data.result;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&request);
		finish(request, code, NULL);
		any = true;
	}
	return any;
}

/* Requests whose answer does not begin. */
static void end_late(struct rest_client *client)
{
	uint64_t now = clock_mono_ns();
	struct rest_request *next;

	for (struct rest_request *request = client->requests; request; request = next) {
		next = request->next;
		if (!request->head_by_ns || request->head_by_ns > now)
			continue;
		finish(request, CURLE_OPERATION_TIMEDOUT, "no answer in time");
		/* on_done may have ended any of them. */
		next = client->requests;
	}
}

static int run_once(struct rest_client *client)
{
	struct epoll_event events[EVENTS];
	int running, n = epoll_wait(client->epoll_fd, events, EVENTS, 0);
	uint64_t expirations;

	for (int i = 0; i < n; i++) {
		uint32_t what = events[i].events;
		int bits = (what & EPOLLIN ? CURL_CSELECT_IN : 0) |
			   (what & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
			   (what & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);

		if (events[i].data.fd != client->timer_fd) {
			curl_multi_socket_action(client->multi, events[i].data.fd, bits, &running);
			continue;
		}
		if (read(client->timer_fd, &expirations, sizeof(expirations)) > 0)
			curl_multi_socket_action(client->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	}
	return n;
}

void rest_client_run(struct rest_client *client)
{
	uint64_t end = clock_mono_ns() + RUN_MAX_MS * NS_PER_MS;

	for (int i = 0; i < ROUNDS_MAX && clock_mono_ns() < end; i++) {
		int n = run_once(client);

		if (!take_messages(client) && n <= 0)
			break;
	}
	end_late(client);
}

/* ---------------------------------------------------------------------- life -- */

struct rest_client *rest_client_new(const struct kube_config *config, const char *version)
{
	struct rest_client *client = calloc(1, sizeof(*client));
	struct epoll_event event = {.events = EPOLLIN};
	struct utsname machine = {0};

	if (!client)
		return NULL;
	uname(&machine);
	snprintf(client->agent, sizeof(client->agent), "tidegate/%s (%s/%s)", version, "linux",
		 machine.machine);
	client->config = config;
	buf_init(&client->token, KUBE_TOKEN_MAX_BYTES);
	buf_init(&client->cert_pem, KUBE_FILE_MAX_BYTES);
	buf_init(&client->key_pem, KUBE_FILE_MAX_BYTES);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	client->multi = curl_multi_init();
	client->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	client->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	event.data.fd = client->timer_fd;
	if (!client->multi || client->epoll_fd < 0 || client->timer_fd < 0 ||
	    epoll_ctl(client->epoll_fd, EPOLL_CTL_ADD, client->timer_fd, &event) < 0) {
		rest_client_free(client);
		return NULL;
	}
	curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
	curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
	curl_multi_setopt(client->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
	curl_multi_setopt(client->multi, CURLMOPT_MAX_CONCURRENT_STREAMS, (long)REST_STREAMS_MAX);
	return client;
}

void rest_client_free(struct rest_client *client)
{
	if (!client)
		return;
	while (client->requests)
		request_free(client->requests);
	if (client->multi)
		curl_multi_cleanup(client->multi);
	if (client->timer_fd > 0)
		close(client->timer_fd);
	if (client->epoll_fd > 0)
		close(client->epoll_fd);
	rest_client_set_token(client, (struct str){0});
	rest_client_set_certificate(client, (struct str){0}, (struct str){0});
	buf_done(&client->token);
	buf_done(&client->cert_pem);
	buf_done(&client->key_pem);
	free(client);
}

int rest_client_fd(const struct rest_client *client)
{
	return client->epoll_fd;
}

static void replace(struct buf *buf, struct str text)
{
	if (buf->at)
		explicit_bzero(buf->at, buf->len);
	buf_clear(buf);
	buf_add(buf, text);
}

void rest_client_set_token(struct rest_client *client, struct str token)
{
	replace(&client->token, token);
}

void rest_client_set_certificate(struct rest_client *client, struct str cert_pem,
				 struct str key_pem)
{
	replace(&client->cert_pem, cert_pem);
	replace(&client->key_pem, key_pem);
}

struct rest_stats rest_client_stats(const struct rest_client *client)
{
	return client->stats;
}

// SPDX-License-Identifier: Apache-2.0
/*
 * tls_stream: a connection after its handshake.
 */

#include "tls/tls_stream.h"

#include <errno.h>
#include <linux/tls.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* Bytes that could not be used or sent at once; owned. */
struct rest {
	unsigned char *at;
	uint32_t from, len;
};

struct tls_stream {
	struct tls_record_keys rx, tx;
	struct rest cipher;  /* received, not opened yet */
	struct rest plain;   /* opened, not asked for yet */
	struct rest out;     /* sealed, not sent yet */
	uint32_t owed_bytes; /* of content in out, which the writer does not know to be taken */
	int fd;
	int failed; /* 0, or the errno that every further read gives */
	uint8_t n_quiet;
	bool kernel_tx : 1, drained : 1, closed : 1, said_goodbye : 1, owes_update : 1;
};

enum {
	/* Two full records: one system call for a large upload's worth. */
	IN_BYTES = 2 * (TLS_RECORD_HEAD_BYTES + TLS_RECORD_CIPHER_MAX),
	UPDATE_BYTES = 5,
	OUT_BYTES = TLS_STREAM_BATCH * TLS_RECORD_SEALED_MAX + 64, /* and a KeyUpdate before them */
	/* RFC 8446 5.5: AES-GCM must not protect more than 2^24.5 full records with one key. */
	RECORDS_PER_KEY = 1 << 24,
};

enum alert {
	ALERT_CLOSE_NOTIFY = 0,
	ALERT_UNEXPECTED_MESSAGE = 10,
	ALERT_BAD_RECORD_MAC = 20,
	ALERT_RECORD_OVERFLOW = 22,
	ALERT_INTERNAL_ERROR = 80,
	ALERT_USER_CANCELED = 90,
	ALERT_NO_RENEGOTIATION = 100,
};

struct tls_stream *tls_stream_new(struct tls_stream_start *start)
{
	struct tls_stream *stream = calloc(1, sizeof(*stream));

	if (stream) {
		stream->fd = start->fd;
		stream->kernel_tx = start->kernel_tx;
		stream->rx = start->rx;
		stream->tx = start->tx;
	}
	OPENSSL_cleanse(start, sizeof(*start));
	return stream;
}

static void rest_drop(struct rest *rest)
{
	free(rest->at);
	*rest = (struct rest){0};
}

static bool rest_keep(struct rest *rest, const unsigned char *at, size_t len)
{
	unsigned char *copy = len ? malloc(len) : NULL;

	rest_drop(rest);
	if (len && !copy)
		return false;
	if (len)
		memcpy(copy, at, len);
	*rest = (struct rest){copy, 0, (uint32_t)len};
	return true;
}

void tls_stream_free(struct tls_stream *stream)
{
	if (!stream)
		return;
	if (stream->plain.at)
		OPENSSL_cleanse(stream->plain.at, stream->plain.from + stream->plain.len);
	rest_drop(&stream->cipher);
	rest_drop(&stream->plain);
	rest_drop(&stream->out);
	tls_record_keys_wipe(&stream->rx);
	tls_record_keys_wipe(&stream->tx);
	free(stream);
}

/* ------------------------------------------------------------------- sending -- */

bool tls_stream_is_blocked(const struct tls_stream *stream)
{
	return stream->out.len > 0;
}

/* Sends what was sealed; what does not go out is kept. 0, -EAGAIN, or an errno. */
static int send_sealed(struct tls_stream *stream, const unsigned char *at, size_t len)
{
	ssize_t n = send(stream->fd, at, len, MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN && errno != EINTR)
		return -errno;
	size_t sent = n > 0 ? (size_t)n : 0;

	if (sent == len)
		return 0;
	return rest_keep(&stream->out, at + sent, len - sent) ? -EAGAIN : -ENOMEM;
}

static int flush(struct tls_stream *stream)
{
	struct rest *out = &stream->out;

	while (out->len > 0) {
		ssize_t n = send(stream->fd, out->at + out->from, out->len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		out->from += (uint32_t)n;
		out->len -= (uint32_t)n;
	}
	rest_drop(out);
	return 0;
}

/* A KeyUpdate that asks for none in return, and our next key (RFC 8446 4.6.3); its length, or -EIO.
 */
static ssize_t seal_update(struct tls_stream *stream, unsigned char *out)
{
	unsigned char message[UPDATE_BYTES] = {24, 0, 0, 1, 0};
	struct iovec part = {message, sizeof(message)};
	ssize_t n = tls_record_seal(&stream->tx, TLS_RECORD_HANDSHAKE, &part, sizeof(message), out);

	stream->owes_update = false;
	return n > 0 && tls_record_keys_update(&stream->tx) ? n : -EIO;
}

static ssize_t kernel_send(const struct tls_stream *stream, const struct iovec *parts, int n)
{
	struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)parts,
				 .msg_iovlen = (size_t)n};
	ssize_t sent = sendmsg(stream->fd, &message, MSG_NOSIGNAL);

	return sent < 0 ? -errno : sent;
}

/* Moves the front of parts by n bytes. */
static void skip(struct iovec **parts, int *n_parts, size_t n)
{
	while (*n_parts > 0 && n >= (*parts)->iov_len) {
		n -= (*parts)->iov_len;
		(*parts)++;
		(*n_parts)--;
	}
	if (*n_parts > 0) {
		(*parts)->iov_base = (char *)(*parts)->iov_base + n;
		(*parts)->iov_len -= n;
	}
}

static bool is_tls12(const struct tls_stream *stream)
{
	return tls_record_is_tls12((enum tls_record_suite)stream->rx.suite);
}

static size_t total(const struct iovec *parts, int n)
{
	size_t sum = 0;

	for (int i = 0; i < n; i++)
		sum += parts[i].iov_len;
	return sum;
}

/* Seals up to a batch of records; the bytes in out, *ret_taken those of content, or -EIO. */
static ssize_t seal_batch(struct tls_stream *stream, const struct iovec *parts, int n,
			  unsigned char *out, size_t *ret_taken)
{
	struct iovec copy[16], *at = copy;
	size_t taken = 0, left, len = 0;

	n = n < 16 ? n : 16;
	memcpy(copy, parts, (size_t)n * sizeof(*copy));
	left = total(copy, n);
	if (stream->owes_update || (stream->tx.seq >= RECORDS_PER_KEY && !is_tls12(stream))) {
		ssize_t update = seal_update(stream, out);

		if (update < 0)
			return update;
		len = (size_t)update;
	}
	for (int i = 0; i < TLS_STREAM_BATCH && left > 0; i++) {
		size_t take = left < TLS_RECORD_PLAIN_MAX ? left : TLS_RECORD_PLAIN_MAX;
		ssize_t sealed = tls_record_seal(&stream->tx, TLS_RECORD_DATA, at, take, out + len);

		if (sealed < 0)
			return sealed;
		len += (size_t)sealed;
		taken += take;
		left -= take;
		skip(&at, &n, take);
	}
	*ret_taken = taken;
	return (ssize_t)len;
}

ssize_t tls_stream_write(struct tls_stream *stream, const struct iovec *parts, int n)
{
	static _Thread_local unsigned char sealed[OUT_BYTES];
	size_t taken = 0;

	if (stream->kernel_tx)
		return kernel_send(stream, parts, n);
	if (stream->out.len > 0) {
		int flushed = flush(stream);

		if (flushed < 0)
			return flushed;
	}
	if (stream->owed_bytes) {
		taken = total(parts, n);
		taken = taken < stream->owed_bytes ? taken : stream->owed_bytes;
		stream->owed_bytes -= (uint32_t)taken;
		return (ssize_t)taken;
	}
	ssize_t len = seal_batch(stream, parts, n, sealed, &taken);

	if (len < 0)
		return len;
	int sent = send_sealed(stream, sealed, (size_t)len);

	if (sent == -EAGAIN)
		stream->owed_bytes = (uint32_t)taken;
	return sent < 0 ? sent : (ssize_t)taken;
}

/* An alert by control message: the kernel seals it (Documentation/networking/tls.rst). */
static int kernel_alert(const struct tls_stream *stream, unsigned char alert[2])
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(1)];
	} control = {0};
	struct iovec part = {alert, 2};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};

	control.head.cmsg_level = SOL_TLS;
	control.head.cmsg_type = TLS_SET_RECORD_TYPE;
	control.head.cmsg_len = CMSG_LEN(1);
	*CMSG_DATA(&control.head) = TLS_RECORD_ALERT;
	return sendmsg(stream->fd, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int send_alert(struct tls_stream *stream, enum alert description)
{
	bool is_warning =
		description == ALERT_CLOSE_NOTIFY || description == ALERT_NO_RENEGOTIATION;
	unsigned char alert[2] = {is_warning ? 1 : 2, (unsigned char)description};
	unsigned char sealed[TLS_RECORD_HEAD_BYTES + 2 + TLS_RECORD_EXTRA_MAX];
	struct iovec part = {alert, sizeof(alert)};

	stream->said_goodbye = description != ALERT_NO_RENEGOTIATION;
	if (stream->kernel_tx)
		return kernel_alert(stream, alert);
	ssize_t len = tls_record_seal(&stream->tx, TLS_RECORD_ALERT, &part, sizeof(alert), sealed);

	return len < 0 ? (int)len : send_sealed(stream, sealed, (size_t)len);
}

int tls_stream_shutdown(struct tls_stream *stream)
{
	int flushed = stream->out.len > 0 ? flush(stream) : 0;

	if (flushed < 0)
		return flushed;
	return stream->said_goodbye ? 0 : send_alert(stream, ALERT_CLOSE_NOTIFY);
}

/* ----------------------------------------------------------------- receiving -- */

/* Says why to the peer, as far as it can be said at once, and remembers the end. */
static void give_up(struct tls_stream *stream, enum alert description)
{
	if (!stream->said_goodbye && stream->out.len == 0)
		(void)send_alert(stream, description);
	stream->failed = -EPROTO;
}

static void take_alert(struct tls_stream *stream, const unsigned char *at, size_t n)
{
	if (n != 2)
		give_up(stream, ALERT_UNEXPECTED_MESSAGE);
	else if (at[1] == ALERT_CLOSE_NOTIFY)
		stream->closed = true;
	/* In TLS 1.3 every other alert is fatal, whatever its level says (RFC 8446 6). */
	else if (at[1] != ALERT_USER_CANCELED && !(is_tls12(stream) && at[0] == 1))
		stream->failed = -ECONNRESET;
}

/*
 * KeyUpdate is the only handshake message that a client may send here (it was offered no
 * post-handshake authentication), alone in its record: it must end it (RFC 8446 5.1), and nobody
 * splits five bytes.
 */
static void take_handshake(struct tls_stream *stream, const unsigned char *at, size_t n)
{
	static const unsigned char head[] = {24, 0, 0, 1};

	/* TLS 1.2: a ClientHello asks for renegotiation, and is told no (RFC 5246 7.2.2). */
	if (is_tls12(stream) && n > 0 && at[0] == 1 && stream->out.len == 0) {
		(void)send_alert(stream, ALERT_NO_RENEGOTIATION);
		return;
	}
	if (is_tls12(stream) || n != UPDATE_BYTES || memcmp(at, head, sizeof(head)) != 0 ||
	    at[4] > 1) {
		give_up(stream, ALERT_UNEXPECTED_MESSAGE);
		return;
	}
	/* Kernels before 6.13 cannot change a key that they were given. */
	if (at[4] == 1 && stream->kernel_tx) {
		give_up(stream, ALERT_INTERNAL_ERROR);
		return;
	}
	if (!tls_record_keys_update(&stream->rx)) {
		stream->failed = -EIO;
		return;
	}
	stream->owes_update |= at[4] == 1;
}

static void take_other(struct tls_stream *stream, uint8_t type, const unsigned char *at, size_t n)
{
	if (type == TLS_RECORD_ALERT)
		take_alert(stream, at, n);
	else if (type == TLS_RECORD_HANDSHAKE)
		take_handshake(stream, at, n);
	else if (type != TLS_RECORD_DATA)
		give_up(stream, ALERT_UNEXPECTED_MESSAGE);
	/* Empty records cost the sender little and us much. */
	if (++stream->n_quiet > TLS_STREAM_QUIET && !stream->failed)
		give_up(stream, ALERT_UNEXPECTED_MESSAGE);
}

static bool is_over(const struct tls_stream *stream)
{
	return stream->closed || stream->failed;
}

static size_t body_bytes(const unsigned char *head)
{
	return (size_t)head[3] << 8 | head[4];
}

static bool has_record(const unsigned char *at, size_t len)
{
	return len >= TLS_RECORD_HEAD_BYTES && len - TLS_RECORD_HEAD_BYTES >= body_bytes(at);
}

/* RFC 8446 5.1, 5.2: only protected records, and none that cannot be. (TLS 1.2 shows the type.) */
static bool head_is_good(struct tls_stream *stream, const unsigned char *head)
{
	size_t n = body_bytes(head);

	if ((head[0] == TLS_RECORD_DATA || is_tls12(stream)) && n <= TLS_RECORD_CIPHER_MAX &&
	    n >= tls_record_least((enum tls_record_suite)stream->rx.suite))
		return true;
	give_up(stream,
		n > TLS_RECORD_CIPHER_MAX ? ALERT_RECORD_OVERFLOW : ALERT_UNEXPECTED_MESSAGE);
	return false;
}

/* Opens the record at in; its data go to buf as far as there is room. Returns how many bytes did.
 */
static size_t take_record(struct tls_stream *stream, unsigned char *in, unsigned char *buf,
			  size_t cap)
{
	size_t n = body_bytes(in);
	unsigned char *cipher = in + TLS_RECORD_HEAD_BYTES;
	unsigned char *out =
		n <= cap ? buf : cipher; /* straight to where it is wanted, if it fits */
	uint8_t type = 0;
	ssize_t len = tls_record_open(&stream->rx, in, cipher, n, out, &type);

	if (len == -EBADMSG)
		give_up(stream, ALERT_BAD_RECORD_MAC);
	else if (len == -EMSGSIZE)
		give_up(stream, ALERT_RECORD_OVERFLOW);
	else if (len < 0)
		give_up(stream, ALERT_UNEXPECTED_MESSAGE);
	if (len < 0)
		return 0;
	if (type != TLS_RECORD_DATA || len == 0) {
		take_other(stream, type, out, (size_t)len);
		return 0;
	}
	stream->n_quiet = 0;
	if (out == buf)
		return (size_t)len;
	size_t fits = (size_t)len < cap ? (size_t)len : cap;

	memcpy(buf, out, fits);
	if (!rest_keep(&stream->plain, out + fits, (size_t)len - fits))
		stream->failed = -ENOMEM;
	return fits;
}

static size_t take_plain(struct tls_stream *stream, unsigned char *buf, size_t cap)
{
	struct rest *plain = &stream->plain;
	size_t n = plain->len < cap ? plain->len : cap;

	memcpy(buf, plain->at + plain->from, n);
	plain->from += (uint32_t)n;
	plain->len -= (uint32_t)n;
	if (plain->len == 0) {
		OPENSSL_cleanse(plain->at, plain->from);
		rest_drop(plain);
	}
	return n;
}

/* Opens whole records from the front of in while their data fit; returns the bytes of in that were
 * used. */
static size_t take_records(struct tls_stream *stream, unsigned char *in, size_t len,
			   unsigned char *buf, size_t cap, size_t *ret_got)
{
	size_t used = 0, got = 0;

	while (!is_over(stream) && !stream->plain.len && len - used >= TLS_RECORD_HEAD_BYTES &&
	       head_is_good(stream, in + used) && has_record(in + used, len - used)) {
		size_t n = body_bytes(in + used);

		/* The first one in any case; more only when nothing has to be kept for later. */
		if (got > 0 && n > cap - got)
			break;
		got += take_record(stream, in + used, buf + got, cap - got);
		used += TLS_RECORD_HEAD_BYTES + n;
	}
	*ret_got = got;
	return used;
}

static int receive(struct tls_stream *stream, unsigned char *in, size_t *len)
{
	ssize_t n;

	do
		n = recv(stream->fd, in + *len, IN_BYTES - *len, 0);
	while (n < 0 && errno == EINTR);
	stream->drained = n < 0 || (size_t)n < IN_BYTES - *len;
	if (n < 0)
		return -errno;
	/* Closed without close_notify: the end may have been cut off. */
	if (n == 0)
		return -ECONNRESET;
	*len += (size_t)n;
	return 0;
}

static ssize_t end_of(const struct tls_stream *stream)
{
	return stream->failed ? stream->failed : 0;
}

ssize_t tls_stream_read(struct tls_stream *stream, void *buf, size_t cap)
{
	static _Thread_local unsigned char in[IN_BYTES];
	size_t len = stream->cipher.len, got = 0;

	if (stream->plain.len)
		return (ssize_t)take_plain(stream, buf, cap);
	if (is_over(stream) || cap == 0)
		return end_of(stream);
	if (len)
		memcpy(in, stream->cipher.at, len);
	for (;;) {
		size_t used = take_records(stream, in, len, buf, cap, &got);

		memmove(in, in + used, len - used);
		len -= used;
		if (got > 0 || is_over(stream))
			break;
		/* Records without data: go on as long as there are whole ones. */
		if (has_record(in, len))
			continue;
		int received = receive(stream, in, &len);

		if (received == -EAGAIN)
			break;
		if (received < 0)
			stream->failed = received;
	}
	if (!rest_keep(&stream->cipher, in, is_over(stream) ? 0 : len))
		stream->failed = -ENOMEM;
	if (got > 0)
		return (ssize_t)got;
	return is_over(stream) ? end_of(stream) : -EAGAIN;
}

bool tls_stream_more(const struct tls_stream *stream)
{
	return stream->plain.len || is_over(stream) || !stream->drained ||
	       has_record(stream->cipher.at, stream->cipher.len);
}

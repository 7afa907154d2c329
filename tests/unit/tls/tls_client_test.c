// SPDX-License-Identifier: Apache-2.0
/* tls_client_test: whom a client trusts, what it asks for and shows, against OpenSSL as a server.
 */

#include "tls_lab.h"

#include "tls/tls_client.h"

static struct lab_cert ca, other_ca, good, wrong_name, expired, ip, uri, self, client_pair, no_san;

static void make(struct lab_cert *cert, const char *cn, const char *san,
		 const struct lab_cert *issuer, long until_s)
{
	lab_cert(cert, &(struct lab_cert_spec){.cn = cn,
					       .san = san,
					       .issuer = issuer,
					       .from_s = -7200,
					       .until_s = until_s,
					       .ca = !san});
}

static int set_up(void **state)
{
	(void)state;
	make(&ca, "ca", NULL, NULL, 3600);
	make(&other_ca, "other ca", NULL, NULL, 3600);
	make(&good, "good", "DNS:good.test,DNS:*.wild.test", &ca, 3600);
	make(&wrong_name, "good.test", "DNS:bad.test", &ca, 3600);
	make(&expired, "expired", "DNS:good.test", &ca, -60);
	make(&ip, "ip", "IP:192.0.2.7,IP:2001:db8::1", &ca, 3600);
	make(&uri, "uri", "DNS:good.test,URI:spiffe://x/y", &ca, 3600);
	make(&self, "self", "DNS:good.test", NULL, 3600);
	make(&client_pair, "client", "DNS:client", &ca, 3600);
	lab_cert(&no_san, &(struct lab_cert_spec){.cn = "good.test", .issuer = &ca});
	return 0;
}

static int tear_down(void **state)
{
	struct lab_cert *all[] = {&ca, &other_ca, &good, &wrong_name,  &expired,
				  &ip, &uri,	  &self, &client_pair, &no_san};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		lab_cert_done(all[i]);
	return 0;
}

/* A server that OpenSSL makes, and our client. */
struct meeting {
	int fd[2];
	SSL_CTX *ctx;
	SSL *server;
	struct tls_conn *conn;
	enum tls_step step;
	int server_ok;
	char sni[256], alpn[64];
	bool has_sni;
};

static int on_name(SSL *ssl, int *alert, void *context)
{
	struct meeting *m = context;
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

	(void)alert;
	m->has_sni = name != NULL;
	snprintf(m->sni, sizeof(m->sni), "%s", name ? name : "");
	return SSL_TLSEXT_ERR_OK;
}

static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
		   const unsigned char *in, unsigned int in_len, void *context)
{
	struct meeting *m = context;

	(void)ssl;
	snprintf(m->alpn, sizeof(m->alpn), "%.*s", (int)in_len, (const char *)in);
	*out = in + 1;
	*out_len = in[0];
	return SSL_TLSEXT_ERR_OK;
}

static void open_meeting(struct meeting *m, const struct lab_cert *cert)
{
	memset(m, 0, sizeof(*m));
	lab_sockets(m->fd);
	m->ctx = SSL_CTX_new(TLS_server_method());
	SSL_CTX_use_certificate(m->ctx, cert->x509);
	SSL_CTX_use_PrivateKey(m->ctx, cert->pkey);
	SSL_CTX_set_tlsext_servername_callback(m->ctx, on_name);
	SSL_CTX_set_tlsext_servername_arg(m->ctx, m);
	SSL_CTX_set_alpn_select_cb(m->ctx, on_alpn, m);
	SSL_CTX_set_session_id_context(m->ctx, (const unsigned char *)"lab", 3);
}

static bool meet(struct meeting *m, struct tls_client *client, const char *host, bool may_h2,
		 SSL_SESSION *session)
{
	m->server = SSL_new(m->ctx);
	SSL_set_fd(m->server, m->fd[1]);
	SSL_set_accept_state(m->server);
	m->conn = tls_client_connect(client, m->fd[0], str_of(host), may_h2, session);
	assert_non_null(m->conn);
	m->step = TLS_WANT_READ;
	for (int i = 0; i < 50 && (m->step != TLS_DONE || !m->server_ok); i++) {
		if (m->step != TLS_DONE && m->step != TLS_FAILED)
			m->step = tls_conn_handshake(m->conn);
		if (!m->server_ok && SSL_do_handshake(m->server) == 1)
			m->server_ok = 1;
		ERR_clear_error();
		if (m->step == TLS_FAILED)
			break;
	}
	return m->step == TLS_DONE && m->server_ok;
}

static void close_meeting(struct meeting *m)
{
	tls_conn_free(m->conn);
	SSL_set_shutdown(m->server, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(m->server);
	SSL_CTX_free(m->ctx);
	close(m->fd[0]);
	close(m->fd[1]);
	ERR_clear_error();
}

static struct tls_client *client_of(const struct tls_client_options *options)
{
	char message[TLS_MESSAGE_MAX];
	struct tls_client *client;

	assert_int_equal(tls_client_new(options, &client, message), 0);
	assert_string_equal(message, "");
	return client;
}

static void servers_are_verified(void **state)
{
	static const struct tls_client_san san_uri = {true, STR("spiffe://x/y")};
	static const struct tls_client_san san_dns = {false, STR("GOOD.test")};
	struct str ca_pem = str_of(ca.cert), self_pem = str_of(self.cert);
	const struct {
		const char *name, *host, *server_name;
		const struct lab_cert *cert;
		struct str trusted; /* empty: none is */
		bool insecure;
		const struct tls_client_san *san;
		enum tls_failure failure;
	} rows[] = {
		{"good", "good.test", NULL, &good, ca_pem, false, NULL, 0},
		{"wildcard", "a.wild.test", NULL, &good, ca_pem, false, NULL, 0},
		{"one label only", "a.b.wild.test", NULL, &good, ca_pem, false, NULL,
		 TLS_FAILURE_SERVER_NAME},
		{"wrong name", "good.test", NULL, &wrong_name, ca_pem, false, NULL,
		 TLS_FAILURE_SERVER_NAME},
		{"server name instead", "10.1.2.3", "good.test", &good, ca_pem, false, NULL, 0},
		{"expired", "good.test", NULL, &expired, ca_pem, false, NULL,
		 TLS_FAILURE_SERVER_EXPIRED},
		{"nobody trusted",
		 "good.test",
		 NULL,
		 &good,
		 {0},
		 false,
		 NULL,
		 TLS_FAILURE_SERVER_UNTRUSTED},
		{"self-signed", "good.test", NULL, &self, ca_pem, false, NULL,
		 TLS_FAILURE_SERVER_UNTRUSTED},
		{"pinned", "good.test", NULL, &self, self_pem, false, NULL, 0},
		{"common name is no name", "good.test", NULL, &no_san, ca_pem, false, NULL,
		 TLS_FAILURE_SERVER_NAME},
		{"address", "192.0.2.7", NULL, &ip, ca_pem, false, NULL, 0},
		{"address 6", "2001:db8::1", NULL, &ip, ca_pem, false, NULL, 0},
		{"other address", "192.0.2.8", NULL, &ip, ca_pem, false, NULL,
		 TLS_FAILURE_SERVER_NAME},
		{"insecure", "good.test", NULL, &expired, {0}, true, NULL, 0},
		{"uri", "good.test", NULL, &uri, ca_pem, false, &san_uri, 0},
		{"dns", "good.test", NULL, &uri, ca_pem, false, &san_dns, 0},
		{"no uri", "good.test", NULL, &good, ca_pem, false, &san_uri,
		 TLS_FAILURE_SERVER_NAME},
		{"uri, any host", "else.test", NULL, &uri, ca_pem, true, &san_uri, 0},
		{"uri of a stranger",
		 "good.test",
		 NULL,
		 &uri,
		 {0},
		 true,
		 &san_uri,
		 TLS_FAILURE_SERVER_UNTRUSTED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct tls_client *client = client_of(&(struct tls_client_options){
			.server_name =
				rows[i].server_name ? str_of(rows[i].server_name) : (struct str){0},
			.insecure_skip_verify = rows[i].insecure,
			.has_cas = true,
			.cas = &rows[i].trusted,
			.n_cas = rows[i].trusted.len > 0,
			.sans = rows[i].san,
			.n_sans = rows[i].san != NULL,
		});
		struct meeting m;

		open_meeting(&m, rows[i].cert);
		bool ok = meet(&m, client, rows[i].host, false, NULL);

		if (tls_conn_failure(m.conn) != rows[i].failure ||
		    ok != (rows[i].failure == TLS_FAILURE_NONE))
			fail_msg("%s: %s", rows[i].name,
				 tls_conn_failure_word(tls_conn_failure(m.conn)).at);
		close_meeting(&m);
		tls_client_unref(client);
	}
}

static void names_are_asked_for_and_addresses_are_not(void **state)
{
	static const struct {
		const char *host, *server_name, *sni;
		bool may_h2;
		const char *alpn;
	} rows[] = {
		{"a.test", NULL, "a.test", false, "\x08http/1.1"},
		{"a.test.", NULL, "a.test", true, "\x02h2\x08http/1.1"},
		{"192.0.2.7", NULL, NULL, false, "\x08http/1.1"},
		{"2001:db8::1", NULL, NULL, false, "\x08http/1.1"},
		{"192.0.2.7", "b.test", "b.test", false, "\x08http/1.1"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct tls_client *client = client_of(&(struct tls_client_options){
			.insecure_skip_verify = true,
			.offers_h2 = true,
			.server_name = rows[i].server_name ? str_of(rows[i].server_name)
							   : (struct str){0}});
		struct meeting m;

		open_meeting(&m, &good);
		assert_true(meet(&m, client, rows[i].host, rows[i].may_h2, NULL));
		assert_int_equal(m.has_sni, rows[i].sni != NULL);
		if (rows[i].sni)
			assert_string_equal(m.sni, rows[i].sni);
		assert_string_equal(m.alpn, rows[i].alpn);
		assert_true(str_eq(tls_conn_facts(m.conn).alpn,
				   rows[i].may_h2 ? STR("h2") : STR("http/1.1")));
		close_meeting(&m);
		tls_client_unref(client);
	}
}

static void a_client_certificate_is_shown_to_those_who_ask(void **state)
{
	struct tls_client_pair pair = {str_of(client_pair.cert), str_of(client_pair.key)};
	const struct lab_cert *asked[] = {&ca, &other_ca};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct tls_client *client = client_of(&(struct tls_client_options){
			.insecure_skip_verify = true, .pairs = &pair, .n_pairs = 1});
		struct meeting m;
		char byte;

		open_meeting(&m, &good);
		SSL_CTX_set_verify(m.ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
		X509_STORE_add_cert(SSL_CTX_get_cert_store(m.ctx), ca.x509);
		SSL_CTX_add_client_CA(m.ctx, asked[i]->x509);
		assert_int_equal(meet(&m, client, "good.test", false, NULL), i == 0);
		/* With TLS 1.3 the client believes that it is done. */
		if (i == 1) {
			assert_int_equal(m.step, TLS_DONE);
			assert_int_equal(tls_conn_read(m.conn, &byte, 1), -EPROTO);
			assert_true(str_search(tls_conn_peer_alert(m.conn), STR("certificate")) >=
				    0);
		}
		close_meeting(&m);
		tls_client_unref(client);
	}
}

static void sessions_are_resumed(void **state)
{
	struct tls_client *client =
		client_of(&(struct tls_client_options){.insecure_skip_verify = true});
	SSL_SESSION *session = NULL;
	struct meeting m;
	char byte;

	(void)state;
	/* One context for both: that is where the ticket keys are. */
	open_meeting(&m, &good);
	SSL_CTX_up_ref(m.ctx);
	SSL_CTX *ctx = m.ctx;

	for (int i = 0; i < 3; i++) {
		if (i > 0) {
			m = (struct meeting){.ctx = ctx};
			lab_sockets(m.fd);
			SSL_CTX_up_ref(ctx);
		}
		assert_true(meet(&m, client, "good.test", false, session));
		assert_int_equal(tls_conn_facts(m.conn).resumed, i > 0);
		SSL_SESSION_free(session);
		assert_int_equal(tls_conn_read(m.conn, &byte, 1), -EAGAIN);
		session = tls_conn_take_session(m.conn);
		assert_non_null(session);
		assert_null(tls_conn_take_session(m.conn));
		close_meeting(&m);
	}
	SSL_CTX_free(ctx);
	SSL_SESSION_free(session);
	tls_client_unref(client);
}

static void bytes_go_both_ways(void **state)
{
	struct tls_client *client =
		client_of(&(struct tls_client_options){.insecure_skip_verify = true});
	struct iovec parts[2] = {{(void *)(uintptr_t) "hello ", 6}, {(void *)(uintptr_t) "you", 3}};
	struct meeting m;
	char buf[64];

	(void)state;
	open_meeting(&m, &good);
	assert_true(meet(&m, client, "good.test", false, NULL));
	assert_int_equal(tls_conn_write(m.conn, parts, 2), 9);
	assert_int_equal(SSL_read(m.server, buf, sizeof(buf)), 9);
	assert_memory_equal(buf, "hello you", 9);
	assert_int_equal(SSL_write(m.server, "back", 4), 4);
	assert_int_equal(tls_conn_read(m.conn, buf, sizeof(buf)), 4);
	assert_int_equal(tls_conn_shutdown(m.conn), 0);
	assert_int_equal(SSL_read(m.server, buf, sizeof(buf)), 0);
	close_meeting(&m);
	tls_client_unref(client);
}

static void what_cannot_be_read_is_told_of(void **state)
{
	struct str cas[] = {str_of(ca.cert), STR("/no/such/file"), STR("-----BEGIN NONSENSE\n")};
	struct tls_client_pair pair = {str_of(client_pair.cert), str_of(good.key)};
	char message[TLS_MESSAGE_MAX];
	struct tls_client *client;

	(void)state;
	assert_int_equal(
		tls_client_new(
			&(struct tls_client_options){.has_cas = true, .cas = cas, .n_cas = 2},
			&client, message),
		0);
	assert_string_equal(message, "CA number 2 is not readable");
	tls_client_unref(client);
	assert_int_equal(
		tls_client_new(
			&(struct tls_client_options){.has_cas = true, .cas = cas, .n_cas = 3},
			&client, message),
		0);
	assert_string_equal(message, "CA number 3 is not readable");
	tls_client_unref(client);
	assert_int_equal(tls_client_new(&(struct tls_client_options){.insecure_skip_verify = true,
								     .pairs = &pair,
								     .n_pairs = 1},
					&client, message),
			 0);
	assert_non_null(strstr(message, "certificate number 1"));
	tls_client_unref(client);
	assert_int_equal(tls_client_new(&(struct tls_client_options){.ciphers = "NO-SUCH"}, &client,
					message),
			 -EINVAL);
	assert_true(message[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(servers_are_verified),
		cmocka_unit_test(names_are_asked_for_and_addresses_are_not),
		cmocka_unit_test(a_client_certificate_is_shown_to_those_who_ask),
		cmocka_unit_test(sessions_are_resumed),
		cmocka_unit_test(bytes_go_both_ways),
		cmocka_unit_test(what_cannot_be_read_is_told_of),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

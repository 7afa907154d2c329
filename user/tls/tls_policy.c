// SPDX-License-Identifier: Apache-2.0
/*
 * tls_policy: a TLSOption made ready for handshakes.
 */

#include "tls/tls_policy.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "tls/tls_cert.h"
#include "tls/tls_hello.h"
#include "tls/tls_peer.h"
#include "tls/tls_suite.h"

enum { CIPHER_LIST_MAX = 2048 };

/* What a TLSOption says, checked and in OpenSSL's words. */
struct wanted {
	struct tls_policy *policy;
	char ciphers[CIPHER_LIST_MAX];
	struct diag_sink *sink;
	const struct diag_path *path;
	bool failed;
};

static void fault(struct wanted *wanted, const struct diag_path *path, struct str found,
		  const char *what)
{
	struct diag *diag = diag_error(wanted->sink, path, "%s", what);
	struct str nearest = tls_suite_nearest(found);

	diag_found(wanted->sink, diag, found);
	if (nearest.len)
		diag_suggest(wanted->sink, diag, "did you mean " STR_FMT "?", STR_ARG(nearest));
	wanted->failed = true;
}

static int version_of(struct wanted *wanted, struct str text, const char *field, int preset)
{
	const struct diag_path *path = DIAG_FIELD(wanted->path, field);
	int version = tls_suite_version(text);

	if (text.len == 0)
		return preset;
	if (version == 0)
		fault(wanted, path, text, "unknown TLS version");
	if (version == 0 || version >= TLS1_2_VERSION)
		return version;
	/* reference/security.md A2.5: never below TLS 1.2. */
	if (field[1] == 'a')
		fault(wanted, path, text, "TLS below 1.2 is not offered");
	else
		diag_found(wanted->sink,
			   diag_warning(wanted->sink, path,
					"TLS below 1.2 is not offered; 1.2 is used"),
			   text);
	return TLS1_2_VERSION;
}

static void read_versions(struct wanted *wanted, const struct tls_option *option)
{
	struct tls_policy *policy = wanted->policy;

	policy->min_version = version_of(wanted, option->min_version, "minVersion", TLS1_2_VERSION);
	policy->max_version = version_of(wanted, option->max_version, "maxVersion", TLS1_3_VERSION);
	if (!wanted->failed && policy->min_version > policy->max_version) {
		diag_error(wanted->sink, DIAG_FIELD(wanted->path, "minVersion"),
			   "minVersion is above maxVersion");
		wanted->failed = true;
	}
}

static void read_ciphers(struct wanted *wanted, const struct strs *names)
{
	const struct diag_path *path = DIAG_FIELD(wanted->path, "cipherSuites");
	size_t len = 0;

	for (size_t i = 0; i < names->n; i++) {
		const struct tls_suite *suite = tls_suite_find(names->at[i]);
		const struct diag_path *item = DIAG_INDEX(path, i);

		if (!suite) {
			fault(wanted, item, names->at[i], "unknown cipher suite");
		} else if (!suite->openssl) {
			diag_found(wanted->sink,
				   diag_warning(wanted->sink, item,
						"this cipher suite is not offered any more"),
				   names->at[i]);
		} else if (!suite->is_tls13 && len < CIPHER_LIST_MAX - 64) {
			len += (size_t)snprintf(wanted->ciphers + len, CIPHER_LIST_MAX - len,
						"%s%s", len ? ":" : "", suite->openssl);
		}
	}
	if (names->n == 0) {
		snprintf(wanted->ciphers, CIPHER_LIST_MAX, "%s", tls_suite_default_list());
	} else if (len == 0 && !wanted->failed) {
		/* Suites of TLS 1.3 alone: the list rules TLS 1.2 out, as in Go. */
		wanted->policy->min_version = TLS1_3_VERSION;
		if (wanted->policy->max_version < TLS1_3_VERSION) {
			diag_error(wanted->sink, path, "no cipher suite is left for TLS 1.2");
			wanted->failed = true;
		}
	}
}

static void read_curves(struct wanted *wanted, const struct strs *names)
{
	static const int preset[] = {NID_X25519, NID_X9_62_prime256v1, NID_secp384r1,
				     NID_secp521r1};
	const struct diag_path *path = DIAG_FIELD(wanted->path, "curvePreferences");
	struct tls_policy *policy = wanted->policy;

	for (size_t i = 0; i < names->n; i++) {
		const struct tls_curve *curve = tls_suite_curve(names->at[i]);
		const struct diag_path *item = DIAG_INDEX(path, i);

		if (!curve)
			fault(wanted, item, names->at[i], "unknown curve");
		else if (!curve->nid)
			diag_found(wanted->sink,
				   diag_warning(wanted->sink, item,
						"this OpenSSL does not have the curve"),
				   names->at[i]);
		else if (policy->n_groups < TLS_POLICY_GROUPS_MAX)
			policy->groups[policy->n_groups++] = curve->nid;
	}
	if (names->n == 0) {
		memcpy(policy->groups, preset, sizeof(preset));
		policy->n_groups = sizeof(preset) / sizeof(*preset);
	} else if (policy->n_groups == 0 && !wanted->failed) {
		diag_error(wanted->sink, path, "this OpenSSL has none of the curves");
		wanted->failed = true;
	}
}

static void read_auth(struct wanted *wanted, const struct tls_client_auth *auth,
		      size_t n_client_cas)
{
	static const char *const types[] = {"NoClientCert", "RequestClientCert",
					    "RequireAnyClientCert", "VerifyClientCertIfGiven",
					    "RequireAndVerifyClientCert"};
	const struct diag_path *path = DIAG_FIELD(wanted->path, "clientAuth");
	size_t type = 0;

	if (!auth)
		return;
	while (type < 5 && !str_eq(auth->client_auth_type, str_of(types[type])))
		type++;
	/* reference g.2: CAs alone ask for verification. Named but missing ones do too: fail
	 * closed. */
	if (auth->client_auth_type.len == 0)
		type = n_client_cas || auth->secret_names.n ? TLS_AUTH_VERIFY : TLS_AUTH_NONE;
	if (type == 5) {
		fault(wanted, DIAG_FIELD(path, "clientAuthType"), auth->client_auth_type,
		      "unknown client authentication");
		return;
	}
	if (type >= TLS_AUTH_VERIFY_IF_GIVEN && n_client_cas == 0) {
		diag_error(wanted->sink, DIAG_FIELD(path, "secretNames"),
			   "client certificates cannot be verified without a CA");
		wanted->failed = true;
	}
	wanted->policy->auth = (uint8_t)type;
}

/* What raw streams may agree on: the option's list, or the reference's default. */
static void read_raw_alpn(struct wanted *wanted, const struct strs *protocols)
{
	static const unsigned char usual[] = "\x02h2\x08http/1.1";
	struct tls_policy *policy = wanted->policy;

	if (!protocols->n) {
		policy->alpn_raw_len = sizeof(usual) - 1;
		memcpy(policy->alpn_raw, usual, policy->alpn_raw_len);
	}
	for (size_t i = 0; i < protocols->n; i++) {
		struct str name = protocols->at[i];

		/* RFC 7301 3.1 */
		if (!name.len || name.len > UINT8_MAX ||
		    policy->alpn_raw_len + 1 + name.len > TLS_POLICY_ALPN_RAW_MAX)
			continue;
		policy->alpn_raw[policy->alpn_raw_len++] = (unsigned char)name.len;
		memcpy(policy->alpn_raw + policy->alpn_raw_len, name.at, name.len);
		policy->alpn_raw_len += (unsigned int)name.len;
	}
}

static void read_alpn(struct wanted *wanted, const struct strs *protocols)
{
	static const unsigned char http1[] = "\x08http/1.1";
	struct tls_policy *policy = wanted->policy;
	bool has_http1 = protocols->n == 0, has_h2 = false;

	for (size_t i = 0; i < protocols->n; i++) {
		has_http1 |= str_eq(protocols->at[i], STR("http/1.1"));
		has_h2 |= str_eq(protocols->at[i], STR("h2"));
	}
	read_raw_alpn(wanted, protocols);
	policy->alpn_h2_only = has_h2 && !has_http1;
	if (has_http1) {
		policy->alpn_len = sizeof(http1) - 1;
		memcpy(policy->alpn, http1, policy->alpn_len);
	} else {
		diag_warning(wanted->sink, DIAG_FIELD(wanted->path, "alpnProtocols"),
			     "none of the protocols is offered; http/1.1 is the one that is");
	}
}

static int choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
		       const unsigned char *in, unsigned int in_len, void *context)
{
	const struct tls_hello *hello = SSL_get_app_data(ssl);
	const struct tls_policy *policy = context;
	unsigned char *chosen;

	if (hello && hello->is_raw) {
		if (SSL_select_next_proto(&chosen, out_len, policy->alpn_raw, policy->alpn_raw_len,
					  in, in_len) != OPENSSL_NPN_NEGOTIATED)
			return SSL_TLSEXT_ERR_ALERT_FATAL;
		*out = chosen;
		return SSL_TLSEXT_ERR_OK;
	}
	if (policy->alpn_len &&
	    SSL_select_next_proto(&chosen, out_len, policy->alpn, policy->alpn_len, in, in_len) ==
		    OPENSSL_NPN_NEGOTIATED) {
		*out = chosen;
		return SSL_TLSEXT_ERR_OK;
	}
	/* As Go: a server for h2 alone lets clients of HTTP/1.1 in without an answer. */
	if (policy->alpn_h2_only &&
	    SSL_select_next_proto(&chosen, out_len, (const unsigned char *)"\x08http/1.1", 9, in,
				  in_len) == OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_NOACK;
	return SSL_TLSEXT_ERR_ALERT_FATAL; /* no_application_protocol, RFC 7301 3.2 */
}

static int accept_any(int ok, X509_STORE_CTX *store)
{
	(void)ok;
	X509_STORE_CTX_set_error(store, X509_V_OK);
	tls_peer_on_verify(store);
	return 1;
}

static int accept_verified(int ok, X509_STORE_CTX *store)
{
	tls_peer_on_verify(store);
	return ok;
}

static int add_ca(void *context, X509 *x509)
{
	SSL_CTX *ctx = context;

	return X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), x509) == 1 &&
			       SSL_CTX_add_client_CA(ctx, x509) == 1
		       ? 0
		       : -ENOMEM;
}

static int add_cas(struct wanted *wanted, const struct str *cas, size_t n)
{
	const struct diag_path *path =
		DIAG_FIELD(DIAG_FIELD(wanted->path, "clientAuth"), "secretNames");

	for (size_t i = 0; i < n; i++) {
		int added = tls_cert_each(cas[i], add_ca, wanted->policy->ctx);

		if (added == -ENOMEM)
			return -ENOMEM;
		if (added <= 0) {
			diag_error(wanted->sink, DIAG_INDEX(path, i), "the CA is not readable PEM");
			wanted->failed = true;
		}
	}
	return 0;
}

static int make_context(struct wanted *wanted, const struct str *cas, size_t n_cas)
{
	struct tls_policy *policy = wanted->policy;

	policy->ctx = SSL_CTX_new(TLS_server_method());
	if (!policy->ctx)
		return -ENOMEM;
	SSL_CTX_set_session_cache_mode(policy->ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_alpn_select_cb(policy->ctx, choose_alpn, policy);
	SSL_CTX_set_keylog_callback(policy->ctx, tls_hello_on_secret);
	if (SSL_CTX_set_ciphersuites(policy->ctx, tls_suite_tls13_list()) != 1)
		return -EINVAL;
	if (wanted->ciphers[0] && SSL_CTX_set_cipher_list(policy->ctx, wanted->ciphers) != 1) {
		diag_error(wanted->sink, DIAG_FIELD(wanted->path, "cipherSuites"),
			   "this OpenSSL offers none of the cipher suites");
		wanted->failed = true;
	}
	/* As Go: any of these is trusted, also one that another CA has signed. */
	X509_STORE_set_flags(SSL_CTX_get_cert_store(policy->ctx), X509_V_FLAG_PARTIAL_CHAIN);

	int added = add_cas(wanted, cas, n_cas);

	ERR_clear_error();
	return added;
}

static void digest_part(EVP_MD_CTX *md, const void *bytes, size_t n)
{
	uint64_t len = n;

	EVP_DigestUpdate(md, &len, sizeof(len));
	EVP_DigestUpdate(md, bytes, n);
}

/* identity: who may connect; digest: everything. */
static int make_digests(const struct wanted *wanted, struct str name, const struct str *cas,
			size_t n_cas)
{
	struct tls_policy *policy = wanted->policy;
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	bool ok = md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1;

	if (ok) {
		digest_part(md, name.at, name.len);
		digest_part(md, &policy->auth, sizeof(policy->auth));
		for (size_t i = 0; i < n_cas && policy->auth != TLS_AUTH_NONE; i++)
			digest_part(md, cas[i].at, cas[i].len);
		EVP_MD_CTX *copy = EVP_MD_CTX_new();

		ok = copy && EVP_MD_CTX_copy_ex(copy, md) == 1 &&
		     EVP_DigestFinal_ex(copy, policy->identity, NULL) == 1;
		EVP_MD_CTX_free(copy);
	}
	if (ok) {
		int numbers[] = {policy->min_version, policy->max_version, policy->sni_strict,
				 policy->tickets, policy->alpn_h2_only};

		digest_part(md, numbers, sizeof(numbers));
		digest_part(md, policy->groups, policy->n_groups * sizeof(*policy->groups));
		digest_part(md, policy->alpn, policy->alpn_len);
		digest_part(md, policy->alpn_raw, policy->alpn_raw_len);
		digest_part(md, wanted->ciphers, strlen(wanted->ciphers));
		ok = EVP_DigestFinal_ex(md, policy->digest, NULL) == 1;
	}
	EVP_MD_CTX_free(md);
	return ok ? 0 : -ENOMEM;
}

int tls_policy_make(struct str name, const struct tls_option *option, const struct str *client_cas,
		    size_t n_client_cas, struct diag_sink *sink, const struct diag_path *path,
		    struct tls_policy **ret_policy)
{
	static const struct tls_option preset;
	struct wanted wanted = {.sink = sink, .path = path};

	if (!option)
		option = &preset;
	wanted.policy = calloc(1, sizeof(*wanted.policy));
	if (!wanted.policy)
		return -ENOMEM;
	ref_init(&wanted.policy->ref);
	wanted.policy->sni_strict = option->sni_strict;
	wanted.policy->tickets = !option->disable_session_tickets;
	read_versions(&wanted, option);
	read_ciphers(&wanted, &option->cipher_suites);
	read_curves(&wanted, &option->curve_preferences);
	read_auth(&wanted, option->client_auth, n_client_cas);
	read_alpn(&wanted, &option->alpn_protocols);
	int result = make_context(&wanted, client_cas, n_client_cas);

	if (result == 0 && wanted.failed)
		result = -EINVAL;
	if (result == 0)
		result = make_digests(&wanted, name, client_cas, n_client_cas);
	if (result < 0) {
		tls_policy_free(wanted.policy);
		return result;
	}
	*ret_policy = wanted.policy;
	return 0;
}

struct tls_policy *tls_policy_make_broken(void)
{
	struct tls_policy *policy = calloc(1, sizeof(*policy));

	if (!policy)
		return NULL;
	ref_init(&policy->ref);
	policy->broken = true;
	policy->id = TLS_POLICY_BROKEN;
	return policy;
}

void tls_policy_free(struct tls_policy *policy)
{
	if (!policy)
		return;
	SSL_CTX_free(policy->ctx);
	free(policy);
}

static bool bind_sessions(const struct tls_policy *policy, SSL *ssl, struct str sni)
{
	unsigned char text[32 + 256], digest[32];
	size_t len = sni.len < 256 ? sni.len : 256;

	memcpy(text, policy->digest, 32);
	if (len)
		memcpy(text + 32, sni.at, len);
	return EVP_Digest(text, 32 + len, digest, NULL, EVP_sha256(), NULL) == 1 &&
	       SSL_set_session_id_context(ssl, digest, sizeof(digest)) == 1;
}

bool tls_policy_apply(const struct tls_policy *policy, SSL *ssl, struct str sni)
{
	static const int modes[] = {
		[TLS_AUTH_NONE] = SSL_VERIFY_NONE,
		[TLS_AUTH_REQUEST] = SSL_VERIFY_PEER,
		[TLS_AUTH_REQUIRE_ANY] = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
		[TLS_AUTH_VERIFY_IF_GIVEN] = SSL_VERIFY_PEER,
		[TLS_AUTH_VERIFY] = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
	};
	bool unchecked = policy->auth == TLS_AUTH_REQUEST || policy->auth == TLS_AUTH_REQUIRE_ANY;

	if (!SSL_set_SSL_CTX(ssl, policy->ctx) || !bind_sessions(policy, ssl, sni) ||
	    SSL_set_min_proto_version(ssl, policy->min_version) != 1 ||
	    SSL_set_max_proto_version(ssl, policy->max_version) != 1 ||
	    SSL_set1_groups(ssl, policy->groups, (int)policy->n_groups) != 1)
		return false;
	SSL_set_verify(ssl, modes[policy->auth], unchecked ? accept_any : accept_verified);
	if (!policy->tickets) {
		SSL_set_options(ssl, SSL_OP_NO_TICKET);
		SSL_set_num_tickets(ssl, 0);
	}
	return true;
}

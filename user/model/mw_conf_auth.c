// SPDX-License-Identifier: Apache-2.0
/*
 * mw_conf_auth: the field tables of digestAuth, errors, forwardAuth and passTLSClientCert
 * (reference c.7, c.8, c.13, c.14).
 */
#include "model/mw_conf_auth.h"

#include "base/num.h"
#include "model/schema_format.h"

static const struct field digest_auth_fields[] = {
	FIELD(struct mwc_digest_auth, secret, .name = "secret", .required = true, .min = 1,
	      .max = 253, .format = "name",
	      .doc = "Secret with the users: one key of user:realm:HA1 lines, as htdigest writes "
		     "them."),
	FIELD(struct mwc_digest_auth, realm, .name = "realm", .preset = "traefik",
	      .format = "value", .doc = "Realm that is shown to users, and that lines must have."),
	FIELD(struct mwc_digest_auth, remove_header, .name = "removeHeader",
	      .doc = "Removes Authorization before the request goes on."),
	FIELD(struct mwc_digest_auth, header_field, .name = "headerField", .format = "token",
	      .doc = "Header that gets the user's name."),
};

const struct schema schema_mw_digest_auth = {
	.name = "digestAuth",
	.doc = "Asks for a user name and a password by digest, so that the password is not sent.",
	.size = sizeof(struct mwc_digest_auth),
	SCHEMA_FIELDS(digest_auth_fields),
};

static const struct field errors_fields[] = {
	FIELD(struct mwc_errors, status, .name = "status", .format = "status",
	      .doc = "Status codes whose answers are replaced: 404, 500-599."),
	FIELD(struct mwc_errors, status_rewrites, .name = "statusRewrites",
	      .doc = "Other status codes to answer with, by code or range: {\"500-504\": 503}."),
	FIELD_SUB(struct mwc_errors, service, &schema_service_ref, .name = "service",
		  .required = true, .doc = "Service that gives the page.", .support = DIFFERS,
		  .note = "pages of at most 16 MiB"),
	FIELD(struct mwc_errors, query, .name = "query", .format = "value",
	      .doc = "Path to ask it for; {status}, {originalStatus} and {url} are replaced."),
	FIELD(struct mwc_errors, error_request_headers, .name = "errorRequestHeaders",
	      .format = "token",
	      .doc = "Request headers that it gets; none when empty; when absent all but "
		     "Authorization and Cookie."),
};

static bool is_code_or_range(struct str text)
{
	const struct schema_format *format = schema_format_find("status");

	return text.len > 0 && str_find(text, ',') < 0 && format->ok(text);
}

static void errors_check(const void *decoded, struct diag_sink *sink, const struct diag_path *path)
{
	const struct mwc_errors *errors = decoded;
	const json_t *rewrites = errors->status_rewrites.json;
	const char *key;
	json_t *value;

	if (errors->status.n == 0)
		diag_warning(sink, DIAG_FIELD(path, "status"),
			     "no status is named: no answer is replaced");
	if (!rewrites)
		return;
	path = DIAG_FIELD(path, "statusRewrites");
	if (!json_is_object(rewrites)) {
		diag_expected(sink, diag_error(sink, path, "wrong type"),
			      "an object of status codes: {\"404\": 200}");
		return;
	}
	json_object_foreach((json_t *)(uintptr_t)rewrites, key, value)
	{
		json_int_t to = json_is_integer(value) ? json_integer_value(value) : 0;

		if (!is_code_or_range(str_of(key)))
			diag_expected(sink, diag_error(sink, DIAG_FIELD(path, key), "wrong range"),
				      "a status code or a range, such as 404 or 500-599");
		if (to < 200 || to > 599)
			diag_expected(sink, diag_error(sink, DIAG_FIELD(path, key), "wrong status"),
				      "an integer from 200 to 599");
	}
}

const struct schema schema_mw_errors = {
	.name = "errors",
	.doc = "Gives error responses a page of another service.",
	.size = sizeof(struct mwc_errors),
	SCHEMA_FIELDS(errors_fields),
	.check = errors_check,
};

static const struct field forward_auth_tls_fields[] = {
	FIELD(struct forward_auth_tls, ca_secret, .name = "caSecret", .format = "name",
	      .doc = "Secret with the certificate authority: tls.ca, ca.crt, or its only key."),
	FIELD(struct forward_auth_tls, cert_secret, .name = "certSecret", .format = "name",
	      .doc = "Secret with the client certificate: tls.crt and tls.key."),
	FIELD(struct forward_auth_tls, insecure_skip_verify, .name = "insecureSkipVerify",
	      .doc = "Does not verify the server's certificate."),
	FIELD(struct forward_auth_tls, ca_optional, .name = "caOptional", .support = IGNORED,
	      .note = "as in Traefik", .doc = "Deprecated."),
};

const struct schema schema_forward_auth_tls = {
	.name = "tls",
	.doc = "TLS towards the server that is asked.",
	.size = sizeof(struct forward_auth_tls),
	SCHEMA_FIELDS(forward_auth_tls_fields),
};

#define IN_MEMORY "bodies of at most 16 MiB, also without a limit"

static const struct field forward_auth_fields[] = {
	FIELD(struct mwc_forward_auth, address, .name = "address", .required = true, .min = 1,
	      .max = 4096, .format = "url", .doc = "URL that is asked."),
	FIELD(struct mwc_forward_auth, trust_forward_header, .name = "trustForwardHeader",
	      .doc = "Whether the X-Forwarded headers of the request are believed: true passes "
		     "them on, false removes them; without a word some are overwritten and the "
		     "others pass, as in earlier versions."),
	FIELD(struct mwc_forward_auth, auth_response_headers, .name = "authResponseHeaders",
	      .format = "token",
	      .doc = "Headers that the request gets from the answer, and from nowhere else."),
	FIELD(struct mwc_forward_auth, auth_response_headers_regex,
	      .name = "authResponseHeadersRegex", .format = "regex",
	      .doc = "Expression for the names of further such headers."),
	FIELD(struct mwc_forward_auth, auth_request_headers, .name = "authRequestHeaders",
	      .format = "token", .doc = "Request headers that are sent; all when none is named."),
	FIELD(struct mwc_forward_auth, add_auth_cookies_to_response,
	      .name = "addAuthCookiesToResponse", .format = "token",
	      .doc = "Cookies of the answer that the client gets."),
	FIELD(struct mwc_forward_auth, header_field, .name = "headerField", .format = "token",
	      .doc = "Header of the answer that holds the user's name, for the access log."),
	FIELD(struct mwc_forward_auth, forward_body, .name = "forwardBody", .support = DIFFERS,
	      .note = IN_MEMORY, .doc = "Sends the request's body too."),
	FIELD(struct mwc_forward_auth, max_body_bytes, .name = "maxBodySize", .preset = "-1",
	      .min = -1, .max = INT64_MAX, .support = DIFFERS, .note = IN_MEMORY,
	      .doc = "Longest request body that is sent; longer ones are refused with 401. -1: no "
		     "limit."),
	FIELD(struct mwc_forward_auth, max_response_body_bytes, .name = "maxResponseBodySize",
	      .preset = "-1", .min = -1, .max = INT64_MAX, .support = DIFFERS, .note = IN_MEMORY,
	      .doc = "Longest body of an answer; a longer one refuses with 401. -1: no limit."),
	FIELD(struct mwc_forward_auth, preserve_location_header, .name = "preserveLocationHeader",
	      .doc = "Passes Location on as it is, instead of making it absolute."),
	FIELD(struct mwc_forward_auth, preserve_request_method, .name = "preserveRequestMethod",
	      .doc = "Asks with the request's method, not with GET."),
	FIELD(struct mwc_forward_auth, auth_signin_url, .name = "authSigninURL", .format = "value",
	      .doc = "Where clients are sent with 302 when the answer is 401."),
	FIELD_SUB(struct mwc_forward_auth, tls, &schema_forward_auth_tls, .name = "tls",
		  .doc = "TLS towards the server that is asked."),
};

const struct schema schema_mw_forward_auth = {
	.name = "forwardAuth",
	.doc = "Asks another server whether a request may go on.",
	.size = sizeof(struct mwc_forward_auth),
	SCHEMA_FIELDS(forward_auth_fields),
};

#define NAME_FIELDS                                                                                \
	FIELD(struct tls_cert_name_info, country, .name = "country", .doc = "Adds C."),            \
		FIELD(struct tls_cert_name_info, province, .name = "province", .doc = "Adds ST."), \
		FIELD(struct tls_cert_name_info, locality, .name = "locality", .doc = "Adds L."),  \
		FIELD(struct tls_cert_name_info, organization, .name = "organization",             \
		      .doc = "Adds O."),                                                           \
		FIELD(struct tls_cert_name_info, common_name, .name = "commonName",                \
		      .doc = "Adds CN."),                                                          \
		FIELD(struct tls_cert_name_info, serial_number, .name = "serialNumber",            \
		      .doc = "Adds SN."),                                                          \
		FIELD(struct tls_cert_name_info, domain_component, .name = "domainComponent",      \
		      .doc = "Adds DC.")

static const struct field issuer_fields[] = {NAME_FIELDS};
static const struct field subject_fields[] = {
	NAME_FIELDS,
	FIELD(struct tls_cert_name_info, organizational_unit, .name = "organizationalUnit",
	      .doc = "Adds OU."),
};

static const struct schema schema_issuer = {
	.name = "issuer",
	.doc = "What is said of the issuer.",
	.size = sizeof(struct tls_cert_name_info),
	SCHEMA_FIELDS(issuer_fields),
};

static const struct schema schema_subject = {
	.name = "subject",
	.doc = "What is said of the subject.",
	.size = sizeof(struct tls_cert_name_info),
	SCHEMA_FIELDS(subject_fields),
};

static const struct field cert_info_fields[] = {
	FIELD(struct tls_cert_info, not_after, .name = "notAfter", .doc = "Adds NA."),
	FIELD(struct tls_cert_info, not_before, .name = "notBefore", .doc = "Adds NB."),
	FIELD(struct tls_cert_info, sans, .name = "sans", .doc = "Adds SAN."),
	FIELD(struct tls_cert_info, serial_number, .name = "serialNumber",
	      .doc = "Adds SerialNumber."),
	FIELD_SUB(struct tls_cert_info, subject, &schema_subject, .name = "subject",
		  .doc = "What is said of the subject."),
	FIELD_SUB(struct tls_cert_info, issuer, &schema_issuer, .name = "issuer",
		  .doc = "What is said of the issuer."),
};

static const struct schema schema_cert_info = {
	.name = "info",
	.doc = "What is said of a client certificate.",
	.size = sizeof(struct tls_cert_info),
	SCHEMA_FIELDS(cert_info_fields),
};

static const struct field pass_tls_client_cert_fields[] = {
	FIELD(struct mwc_pass_tls_client_cert, pem, .name = "pem",
	      .doc = "Sends the certificates in X-Forwarded-Tls-Client-Cert."),
	FIELD_SUB(struct mwc_pass_tls_client_cert, info, &schema_cert_info, .name = "info",
		  .doc = "Sends what they say in X-Forwarded-Tls-Client-Cert-Info."),
};

const struct schema schema_mw_pass_tls_client_cert = {
	.name = "passTLSClientCert",
	.doc = "Tells servers of client certificates.",
	.size = sizeof(struct mwc_pass_tls_client_cert),
	SCHEMA_FIELDS(pass_tls_client_cert_fields),
};

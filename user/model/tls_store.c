// SPDX-License-Identifier: Apache-2.0
/* tls_store: the field table of TLSStore. */
#include "model/tls_store.h"

static const struct field certificate_fields[] = {
	FIELD(struct tls_store_certificate, secret_name, .name = "secretName", .required = true,
	      .format = "name",
	      .doc = "Secret of type kubernetes.io/tls in the object's namespace."),
};

static const struct schema schema_certificate = {
	.name = "certificate",
	.doc = "A certificate.",
	.size = sizeof(struct tls_store_certificate),
	SCHEMA_FIELDS(certificate_fields),
};

static const struct field domain_fields[] = {
	FIELD(struct tls_store_domain, main, .name = "main", .doc = "Main name."),
	FIELD(struct tls_store_domain, sans, .name = "sans", .doc = "Its other names."),
};

static const struct schema schema_domain = {
	.name = "domain",
	.doc = "Names of a certificate.",
	.size = sizeof(struct tls_store_domain),
	SCHEMA_FIELDS(domain_fields),
};

static const struct field generated_fields[] = {
	FIELD(struct tls_store_generated, resolver, .name = "resolver",
	      .doc = "Who requests the certificate."),
	FIELD_IN(struct tls_store_generated, domain, &schema_domain, .name = "domain",
		 .doc = "Names of the certificate."),
};

static const struct schema schema_generated = {
	.name = "defaultGeneratedCert",
	.doc = "A default certificate to be requested.",
	.size = sizeof(struct tls_store_generated),
	SCHEMA_FIELDS(generated_fields),
};

static const struct field spec_fields[] = {
	FIELD_SUB(struct tls_store, default_certificate, &schema_certificate,
		  .name = "defaultCertificate",
		  .doc = "Certificate for hosts that no other one names; one is generated "
			 "otherwise."),
	FIELD(struct tls_store, certificates, .name = "certificates", .sub = &schema_certificate,
	      .doc = "Further certificates, for whoever asks for their names."),
	FIELD_SUB(struct tls_store, default_generated, &schema_generated,
		  .name = "defaultGeneratedCert", .support = IGNORED,
		  .note = "no certificate is requested",
		  .doc = "A default certificate to be requested."),
};

static const struct schema schema_spec = {
	.name = "spec",
	.doc = "Certificates of all entry points.",
	.size = sizeof(struct tls_store),
	SCHEMA_FIELDS(spec_fields),
};

static const struct field object_fields[] = {
	FIELD_DEEPER(&schema_spec, .name = "spec", .required = true,
		     .doc = "Certificates of all entry points."),
};

const struct schema schema_tls_store = {
	.name = "TLSStore",
	.doc = "Certificates beside those that routes name; only the one named default counts.",
	.size = sizeof(struct tls_store),
	SCHEMA_FIELDS(object_fields),
};

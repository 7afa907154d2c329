/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COMPILE_TLS_PEM_H
#define COMPILE_TLS_PEM_H

/* compile_tls_pem: a certificate and its key for tests, as the inside of a JSON string. */

#define TEST_CERT_JSON                                                        \
	"-----BEGIN CERTIFICATE-----\\n"                                      \
	"MIIBmjCCAT+gAwIBAgIUEFRckAAWCH1jLAL4P0GUePeXO+YwCgYIKoZIzj0EAwIw\\n" \
	"FjEUMBIGA1UEAwwLc2VjdXJlLnRlc3QwHhcNMjYxMTIyMjE0OTIwWhcNMzYxMTE5\\n" \
	"MjE0OTIwWjAWMRQwEgYDVQQDDAtzZWN1cmUudGVzdDBZMBMGByqGSM49AgEGCCqG\\n" \
	"SM49AwEHA0IABOU4JKPBUg58DtkpXhkQpsvG9u9t7VdjjgDAKGZUPz6M71a1bIBd\\n" \
	"/cJVrHZtY3aOXiXjVUlVuPem1/dzW9qUsvOjazBpMB0GA1UdDgQWBBRX0Vn/YMqm\\n" \
	"C63biswPfdxlwcTdUjAfBgNVHSMEGDAWgBRX0Vn/YMqmC63biswPfdxlwcTdUjAP\\n" \
	"BgNVHRMBAf8EBTADAQH/MBYGA1UdEQQPMA2CC3NlY3VyZS50ZXN0MAoGCCqGSM49\\n" \
	"BAMCA0kAMEYCIQD3h+RXb/I4Zwx+RT1Lk0c8BeRZFcyMZsq9u34G9PS8ggIhAImm\\n" \
	"aNhIVGp2Y7yRUn9DoVU2PG4NRSFck25qQNJI29gD\\n"                         \
	"-----END CERTIFICATE-----\\n"

#define TEST_KEY_JSON                                                         \
	"-----BEGIN PRIVATE KEY-----\\n"                                      \
	"MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgl2fInb5oNB+FTJHE\\n" \
	"2m99vL2XBxbtAhCWVav/LgYdlKehRANCAATlOCSjwVIOfA7ZKV4ZEKbLxvbvbe1X\\n" \
	"Y44AwChmVD8+jO9WtWyAXf3CVax2bWN2jl4l41VJVbj3ptf3c1valLLz\\n"         \
	"-----END PRIVATE KEY-----\\n"

#endif

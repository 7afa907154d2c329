// SPDX-License-Identifier: Apache-2.0
/* status: texts by code, one table per hundred, so that a lookup is two indexes. */

#include "http/status.h"

#define TEXT(text)                       \
	{                                \
		(text), sizeof(text) - 1 \
	}

static const struct str informational[] = {
	[0] = TEXT("Continue"),
	[1] = TEXT("Switching Protocols"),
	[2] = TEXT("Processing"),
	[3] = TEXT("Early Hints"),
};

static const struct str successful[] = {
	[0] = TEXT("OK"),
	[1] = TEXT("Created"),
	[2] = TEXT("Accepted"),
	[3] = TEXT("Non-Authoritative Information"),
	[4] = TEXT("No Content"),
	[5] = TEXT("Reset Content"),
	[6] = TEXT("Partial Content"),
	[7] = TEXT("Multi-Status"),
	[8] = TEXT("Already Reported"),
	[26] = TEXT("IM Used"),
};

static const struct str redirection[] = {
	[0] = TEXT("Multiple Choices"),	  [1] = TEXT("Moved Permanently"),  [2] = TEXT("Found"),
	[3] = TEXT("See Other"),	  [4] = TEXT("Not Modified"),	    [5] = TEXT("Use Proxy"),
	[7] = TEXT("Temporary Redirect"), [8] = TEXT("Permanent Redirect"),
};

static const struct str client_error[] = {
	[0] = TEXT("Bad Request"),
	[1] = TEXT("Unauthorized"),
	[2] = TEXT("Payment Required"),
	[3] = TEXT("Forbidden"),
	[4] = TEXT("Not Found"),
	[5] = TEXT("Method Not Allowed"),
	[6] = TEXT("Not Acceptable"),
	[7] = TEXT("Proxy Authentication Required"),
	[8] = TEXT("Request Timeout"),
	[9] = TEXT("Conflict"),
	[10] = TEXT("Gone"),
	[11] = TEXT("Length Required"),
	[12] = TEXT("Precondition Failed"),
	[13] = TEXT("Request Entity Too Large"),
	[14] = TEXT("Request URI Too Long"),
	[15] = TEXT("Unsupported Media Type"),
	[16] = TEXT("Requested Range Not Satisfiable"),
	[17] = TEXT("Expectation Failed"),
	[18] = TEXT("I'm a teapot"),
	[21] = TEXT("Misdirected Request"),
	[22] = TEXT("Unprocessable Entity"),
	[23] = TEXT("Locked"),
	[24] = TEXT("Failed Dependency"),
	[25] = TEXT("Too Early"),
	[26] = TEXT("Upgrade Required"),
	[28] = TEXT("Precondition Required"),
	[29] = TEXT("Too Many Requests"),
	[31] = TEXT("Request Header Fields Too Large"),
	[51] = TEXT("Unavailable For Legal Reasons"),
	[99] = TEXT("Client Closed Request"),
};

static const struct str server_error[] = {
	[0] = TEXT("Internal Server Error"),
	[1] = TEXT("Not Implemented"),
	[2] = TEXT("Bad Gateway"),
	[3] = TEXT("Service Unavailable"),
	[4] = TEXT("Gateway Timeout"),
	[5] = TEXT("HTTP Version Not Supported"),
	[6] = TEXT("Variant Also Negotiates"),
	[7] = TEXT("Insufficient Storage"),
	[8] = TEXT("Loop Detected"),
	[10] = TEXT("Not Extended"),
	[11] = TEXT("Network Authentication Required"),
};

#define CLASS(texts)                                      \
	{                                                 \
		(texts), sizeof(texts) / sizeof(*(texts)) \
	}

static const struct {
	const struct str *at;
	size_t n;
} classes[] = {
	[1] = CLASS(informational), [2] = CLASS(successful),   [3] = CLASS(redirection),
	[4] = CLASS(client_error),  [5] = CLASS(server_error),
};

struct str status_text(uint16_t status)
{
	size_t hundred = status / 100, rest = status % 100;

	if (hundred >= sizeof(classes) / sizeof(*classes) || rest >= classes[hundred].n)
		return (struct str){0};
	return classes[hundred].at[rest];
}

// SPDX-License-Identifier: Apache-2.0
/*
 * client_source: whom a request counts for.
 */

#include "mw/client_source.h"

#include <errno.h>

#include "http/header.h"
#include "http/uri.h"

enum { IPV6_BITS = 128, IPV4_BITS = 32 };

int client_source_prepare_set(struct mw_prepare *prepare, const struct strs *texts,
			      const char *field, struct cidr_set *ret_set)
{
	const struct diag_path *path = DIAG_FIELD(prepare->path, field);
	bool failed = false;

	*ret_set = (struct cidr_set){ARENA_ARRAY(prepare->arena, struct cidr, texts->n + 1), 0};
	if (!ret_set->at)
		return -ENOMEM;
	for (size_t i = 0; i < texts->n; i++) {
		if (cidr_parse(texts->at[i], &ret_set->at[ret_set->n]) == 0) {
			ret_set->n++;
			continue;
		}
		struct diag *diag =
			diag_error(prepare->sink, DIAG_INDEX(path, i), "not an address");

		diag_expected(prepare->sink, diag, "an IP address or a network such as 10.0.0.0/8");
		diag_found(prepare->sink, diag, texts->at[i]);
		failed = true;
	}
	cidr_set_sort(ret_set);
	return failed ? -EINVAL : 0;
}

int client_source_prepare(struct mw_prepare *prepare, const struct ip_strategy *strategy,
			  struct client_source *ret_source)
{
	struct mw_prepare inner = *prepare;

	*ret_source = (struct client_source){.ipv6_bits = IPV6_BITS};
	if (!strategy)
		return 0;
	if (strategy->ipv6_subnet > 0)
		ret_source->ipv6_bits = (uint8_t)strategy->ipv6_subnet;
	inner.path = DIAG_FIELD(prepare->path, "ipStrategy");
	int result = client_source_prepare_set(&inner, &strategy->excluded_ips, "excludedIPs",
					       &ret_source->excluded);

	/* Depth overrides excludedIPs. */
	if (strategy->depth > 0) {
		ret_source->kind = CLIENT_SOURCE_DEPTH;
		ret_source->depth = strategy->depth;
	} else if (strategy->excluded_ips.n) {
		ret_source->kind = CLIENT_SOURCE_EXCLUDED;
	}
	return result;
}

int client_source_prepare_criterion(struct mw_prepare *prepare,
				    const struct source_criterion *criterion,
				    struct client_source *ret_source)
{
	struct mw_prepare inner = *prepare;

	inner.path = DIAG_FIELD(prepare->path, "sourceCriterion");
	int result = client_source_prepare(&inner, criterion ? criterion->ip_strategy : NULL,
					   ret_source);

	if (result < 0 || !criterion)
		return result;
	int n = (criterion->ip_strategy != NULL) + (criterion->request_header_name.len > 0) +
		criterion->request_host;

	if (n > 1) {
		diag_error(prepare->sink, inner.path,
			   "ipStrategy, requestHeaderName and requestHost exclude each other");
		return -EINVAL;
	}
	if (criterion->request_header_name.len) {
		ret_source->kind = CLIENT_SOURCE_HEADER;
		ret_source->header = criterion->request_header_name;
	} else if (criterion->request_host) {
		ret_source->kind = CLIENT_SOURCE_HOST;
	}
	return 0;
}

static struct str forwarded_for(const struct request *request)
{
	return header_value(&request->headers, HEADER_X_FORWARDED_FOR);
}

/* Takes the last entry off *rest. */
static bool last_entry(struct str *rest, struct str *ret_entry)
{
	if (!rest->at)
		return false;
	ptrdiff_t comma = str_rfind(*rest, ',');

	*ret_entry = str_trim(comma < 0 ? *rest : str_from(*rest, (size_t)comma + 1));
	*rest = comma < 0 ? (struct str){0} : str_take(*rest, (size_t)comma);
	return true;
}

static struct str entry_at_depth(const struct client_source *source, const struct request *request)
{
	struct str rest = forwarded_for(request), entry = {0};

	for (int64_t i = 0; i < source->depth; i++)
		if (!last_entry(&rest, &entry))
			return (struct str){0};
	return entry;
}

/* "1.2.3.4", "1.2.3.4:80", "[::1]:80" */
static bool parse_addr(struct str text, struct addr *ret_addr)
{
	struct str host, port;

	return addr_parse(text, ret_addr) == 0 ||
	       (uri_split_authority(text, &host, &port) && addr_parse(host, ret_addr) == 0);
}

static struct str entry_not_excluded(const struct client_source *source,
				     const struct request *request)
{
	struct str rest = forwarded_for(request), entry;
	struct addr addr;

	while (last_entry(&rest, &entry)) {
		/* What is no address is in no set. */
		if (entry.len &&
		    !(parse_addr(entry, &addr) && cidr_set_contains(&source->excluded, &addr)))
			return entry;
	}
	return (struct str){0};
}

static struct str masked_text(const struct client_source *source, const struct addr *addr,
			      char room[CLIENT_SOURCE_TEXT_MAX])
{
	struct addr masked = addr_mask(addr, IPV4_BITS, source->ipv6_bits);

	return str_n(room, addr_print(&masked, room));
}

struct str client_source_text(const struct client_source *source, const struct request *request,
			      char room[CLIENT_SOURCE_TEXT_MAX])
{
	const struct header *header;
	struct addr addr;
	struct str entry;

	switch (source->kind) {
	case CLIENT_SOURCE_DEPTH:
		entry = entry_at_depth(source, request);
		if (source->ipv6_bits < IPV6_BITS && addr_parse(entry, &addr) == 0)
			return masked_text(source, &addr, room);
		return entry;
	case CLIENT_SOURCE_EXCLUDED:
		return entry_not_excluded(source, request);
	case CLIENT_SOURCE_HEADER:
		header = header_find_name((struct headers *)(uintptr_t)&request->headers,
					  source->header);
		return header ? header->value : (struct str){0};
	case CLIENT_SOURCE_HOST:
		return request->host;
	default:
		return masked_text(source, &request->peer, room);
	}
}

bool client_source_addr(const struct client_source *source, const struct request *request,
			struct addr *ret_addr)
{
	char room[CLIENT_SOURCE_TEXT_MAX];

	if (source->kind == CLIENT_SOURCE_PEER) {
		*ret_addr = addr_mask(&request->peer, IPV4_BITS, source->ipv6_bits);
		return true;
	}
	return parse_addr(client_source_text(source, request, room), ret_addr);
}

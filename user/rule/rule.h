/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RULE_H
#define RULE_H

/*
 * rule: the matching language, reference/traefik.md sections b.1 to b.3. Rules in v2 syntax become
 * the same trees (rule_v2.c), with the matchers of v3. Rules of raw TCP have matchers of their own,
 * and are evaluated over other facts (rule_tcp.h).
 *
 * rule_parse turns text into a tree in negation normal form (negation only at the leaves, as the
 * reference's De Morgan rule says), with every argument checked and every regular expression
 * compiled. Trees are immutable and thread-safe; nodes live in the arena, expressions are freed by
 * rule_done.
 */

#include <stddef.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/regex.h"
#include "http/message.h"

enum rule_syntax { RULE_V3, RULE_V2, RULE_TCP_V3, RULE_TCP_V2, RULE_SYNTAX__COUNT };

enum rule_op { RULE_LEAF, RULE_AND, RULE_OR };

enum matcher_kind {
	MATCH_HOST, /* args[0] lower case; "*" anything; "*.x" one label */
	MATCH_HOST_REGEXP,
	MATCH_PATH,
	MATCH_PATH_PREFIX,
	MATCH_PATH_REGEXP,
	MATCH_METHOD, /* upper case */
	MATCH_HEADER,
	MATCH_HEADER_REGEXP,
	MATCH_QUERY,
	MATCH_QUERY_REGEXP,
	MATCH_CLIENT_IP, /* of TCP, too */
	MATCH_HOST_SNI,	 /* as MATCH_HOST */
	MATCH_HOST_SNI_REGEXP,
	MATCH_ALPN,
	MATCH__COUNT,
};

struct rule {
	uint8_t op;	  /* enum rule_op */
	uint8_t kind;	  /* enum matcher_kind, for a leaf */
	bool negated;	  /* leaf only */
	bool first_value; /* MATCH_QUERY*: only the first value of the key counts (v2) */
	uint8_t n_args;
	uint16_t column, end; /* of the leaf in the text, bytes from 0 */
	uint16_t header_id;   /* MATCH_HEADER*: enum header_id of args[0] */
	struct str args[2];
	struct cidr cidr;	      /* MATCH_CLIENT_IP */
	struct regex *regex;	      /* *_REGEXP */
	const struct rule **children; /* AND, OR: two or more, in written order */
	uint16_t n_children;
	struct rule *next_owned; /* chain of leaves with expressions to free */
};

struct rule_fault {
	size_t column;	   /* byte offset in the text */
	char message[192]; /* "unknown matcher Hots; did you mean Host?" */
};

/* "v2" is v2, any other word v3 (reference b.2). */
enum rule_syntax rule_syntax_of(struct str word);
enum rule_syntax rule_syntax_tcp_of(struct str word);
/* 0, or -EINVAL with *ret_fault filled, or -ENOMEM. *ret_rule is the root; text need not outlive
 * the call. */
int rule_parse(struct str text, struct arena *arena, const struct rule **ret_rule,
	       struct rule_fault *ret_fault);
int rule_parse_as(enum rule_syntax syntax, struct str text, struct arena *arena,
		  const struct rule **ret_rule, struct rule_fault *ret_fault);
/* Frees the regular expressions of a tree; the nodes go with their arena. NULL is fine. */
void rule_done(const struct rule *root);
/* Whether the request matches. Never allocates, but for the decoding of query values in
 * request->arena. */
bool rule_match(const struct rule *rule, const struct request *request);
/* The first leaf (in evaluation order) that made the answer no; NULL when it matches. For
 * `explain`. */
const struct rule *rule_failed_leaf(const struct rule *rule, const struct request *request);
/* The Host() names of a rule, for certificates and TLS options (reference b.6, g): every
 * non-negated Host leaf. */
void rule_hosts(const struct rule *rule, struct arena *arena, struct strs *ret_hosts);
/* The rule again, as text that parses to the same tree. {0} when memory is short. */
struct str rule_print(const struct rule *root, struct arena *arena);
/* "Host(`a`)", for messages. */
struct str rule_print_leaf(const struct rule *leaf, struct arena *arena);
struct str matcher_name(enum matcher_kind kind);

#endif

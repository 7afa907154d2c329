// SPDX-License-Identifier: Apache-2.0
/* rate_redis: see the header. */

#include "mw/rate_redis.h"

#include <errno.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/hash.h"
#include "base/num.h"
#include "mw/secret_pem.h"
#include "net/redis_target.h"

/* ARGV: tokens per microsecond, burst, seconds to live, now, and the longest wait, in
 * microseconds. Returns the wait and what is left. A request that would wait too long takes
 * nothing. */
static const char script[] =
	"local rate, burst, now, longest = "
	"tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[4]), tonumber(ARGV[5])\n"
	"local seen = redis.call('HMGET', KEYS[1], 'last', 'tokens')\n"
	"local last, tokens, wait = tonumber(seen[1]) or 0, tonumber(seen[2]) or 0, 0\n"
	"if last > now then last = now end\n"
	"tokens = math.min(tokens + rate * (now - last), burst) - 1\n"
	"if tokens < 0 then\n"
	"  wait = -tokens / rate\n"
	"  if wait > longest then tokens = math.min(tokens + 1, burst) end\n"
	"end\n"
	"redis.call('HSET', KEYS[1], 'last', ARGV[4], 'tokens', tostring(tokens))\n"
	"redis.call('EXPIRE', KEYS[1], ARGV[3])\n"
	"return {tostring(wait), tostring(tokens)}\n";

struct making {
	struct redis_options options;
	char message[128];
};

static void *make(void *context)
{
	struct making *making = context;

	return redis_target_new(&making->options, making->message, sizeof(making->message));
}

static void release(void *target)
{
	redis_target_unref(target);
}

static struct str value_of(const struct str_map *data, const char *key)
{
	for (size_t i = 0; i < data->n; i++)
		if (str_eq(data->at[i].key, str_of(key)))
			return data->at[i].value;
	return (struct str){0};
}

static int read_secrets(struct mw_prepare *prepare, const struct redis_conf *conf,
			struct redis_options *options)
{
	struct mw_url_tls tls = {0};
	struct str_map data;
	struct str type;

	if (conf->secret.len) {
		if (!prepare->secret(prepare, conf->secret, &type, &data)) {
			diag_error(prepare->sink, DIAG_FIELD(prepare->path, "secret"),
				   "Secret " STR_FMT " not found", STR_ARG(conf->secret));
			return -EINVAL;
		}
		options->username = value_of(&data, "username");
		options->password = value_of(&data, "password");
	}
	if (!conf->tls)
		return 0;
	const struct forward_auth_tls from = {
		.ca_secret = conf->tls->ca_secret,
		.cert_secret = conf->tls->cert_secret,
		.insecure_skip_verify = conf->tls->insecure_skip_verify,
	};
	int result = secret_pem_read(prepare, &from, &tls);

	options->tls = true;
	options->insecure_skip_verify = tls.insecure_skip_verify;
	options->ca_pem = tls.ca_pem;
	options->cert_pem = tls.cert_pem;
	options->key_pem = tls.key_pem;
	return result;
}

static uint64_t limit_ns(const struct duration *duration)
{
	return duration->ns > 0 ? (uint64_t)duration->ns : 0;
}

/* Equal options are one target, with one set of connections. */
static struct str key_of(const struct redis_options *options, struct arena *arena)
{
	const struct str secrets[] = {options->username, options->password, options->ca_pem,
				      options->cert_pem, options->key_pem};
	struct str key = arena_printf(
		arena, "redis %lld %llu %llu %llu %d%d", (long long)options->db,
		(unsigned long long)options->dial_ns, (unsigned long long)options->read_ns,
		(unsigned long long)options->write_ns, options->tls, options->insecure_skip_verify);
	unsigned char digest[32];
	char hex[2 * sizeof(digest) + 1];

	for (size_t i = 0; i < options->endpoints.n; i++)
		key = arena_printf(arena, STR_FMT " " STR_FMT, STR_ARG(key),
				   STR_ARG(options->endpoints.at[i]));
	for (size_t i = 0; i < sizeof(secrets) / sizeof(*secrets); i++) {
		hash_sha256(secrets[i], digest);
		codec_hex(digest, sizeof(digest), hex);
		key = arena_printf(arena, STR_FMT " %s", STR_ARG(key), hex);
	}
	return key;
}

static void fill_numbers(struct rate_redis *self, struct arena *arena, int64_t average,
			 int64_t period_ns, int64_t burst, const struct rate_rule *rule)
{
	unsigned char digest[20];
	char hex[2 * sizeof(digest) + 1];

	hash_sha1(str_of(script), digest);
	codec_hex(digest, sizeof(digest), hex);
	self->sha = arena_str(arena, str_of(hex));
	self->max_delay_us = rule->max_delay_ticks / RATE_BUCKET_TICKS_PER_NS / NS_PER_US;
	self->rate = arena_printf(arena, "%.17g", (double)average * NS_PER_US / (double)period_ns);
	self->burst = arena_printf(arena, "%lld", (long long)burst);
	self->ttl = arena_printf(arena, "%llu", (unsigned long long)(rule->ttl_ns / NS_PER_SEC));
	self->max_delay = arena_printf(arena, "%llu", (unsigned long long)self->max_delay_us);
}

int rate_redis_prepare(struct mw_prepare *prepare, const struct redis_conf *conf, int64_t average,
		       int64_t period_ns, int64_t burst, const struct rate_rule *rule,
		       const struct rate_redis **ret_redis)
{
	struct rate_redis *self = ARENA_NEW(prepare->arena, struct rate_redis);
	struct making making = {.options = {
					.endpoints = conf->endpoints,
					.db = conf->db,
					.dial_ns = limit_ns(&conf->dial_timeout),
					.read_ns = limit_ns(&conf->read_timeout),
					.write_ns = limit_ns(&conf->write_timeout),
				}};
	int result;

	if (!self)
		return -ENOMEM;
	const struct diag_path *outer = prepare->path, *path = DIAG_FIELD(outer, "redis");

	prepare->path = path;
	result = read_secrets(prepare, conf, &making.options);
	prepare->path = outer;
	if (result < 0)
		return result;
	self->target = prepare->keep(prepare, key_of(&making.options, prepare->arena), make,
				     &making, release);
	if (!self->target) {
		diag_error(prepare->sink, path, "%s",
			   making.message[0] ? making.message : "cannot be used");
		return -EINVAL;
	}
	fill_numbers(self, prepare->arena, average, period_ns, burst, rule);
	*ret_redis = self;
	return 0;
}

struct rate_redis_ask *rate_redis_ask(const struct rate_redis *self, struct str middleware,
				      struct str source, uint64_t wall_ns, struct arena *arena)
{
	struct rate_redis_ask *ask = ARENA_NEW(arena, struct rate_redis_ask);

	if (!ask)
		return NULL;
	ask->args[0] = STR("EVALSHA");
	ask->args[1] = self->sha;
	ask->args[2] = STR("1");
	ask->args[3] = arena_printf(arena, "rate:" STR_FMT ":" STR_FMT, STR_ARG(middleware),
				    STR_ARG(source));
	ask->args[4] = self->rate;
	ask->args[5] = self->burst;
	ask->args[6] = self->ttl;
	ask->args[7] = arena_printf(arena, "%llu", (unsigned long long)(wall_ns / NS_PER_US));
	ask->args[8] = self->max_delay;
	ask->redis = (struct mw_redis){
		.target = self->target,
		.args = ask->args,
		.n_args = sizeof(ask->args) / sizeof(*ask->args),
	};
	return ask;
}

enum rate_redis_outcome rate_redis_answer(const struct rate_redis *self, struct rate_redis_ask *ask,
					  uint64_t *ret_delay_ns)
{
	const struct mw_redis *redis = &ask->redis;
	double wait_us;

	if (redis->error == -EPROTO && !ask->whole_script &&
	    str_starts(redis->strings[0], STR("NOSCRIPT"))) {
		ask->whole_script = true;
		ask->args[0] = STR("EVAL");
		ask->args[1] = str_of(script);
		return RATE_REDIS_AGAIN;
	}
	if (redis->error || redis->n_values < 1 || num_double(redis->strings[0], &wait_us) < 0 ||
	    wait_us < 0)
		return RATE_REDIS_ERROR;
	if (wait_us > (double)NS_PER_SEC * 3600)
		wait_us = (double)NS_PER_SEC * 3600; /* 41 days */
	*ret_delay_ns = (uint64_t)(wait_us * NS_PER_US);
	return wait_us > (double)self->max_delay_us ? RATE_REDIS_NONE : RATE_REDIS_TAKEN;
}

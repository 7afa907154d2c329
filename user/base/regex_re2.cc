// SPDX-License-Identifier: Apache-2.0
/*
 * regex_re2: the only C++ of the product: RE2 behind C functions.
 *
 * Input comes from attackers and need not be UTF-8. Go matches an invalid byte as one character;
 * RE2 in UTF-8 mode matches it with nothing, so that "^/a.b$" would not cover a path with a raw
 * byte in it. Text that is not UTF-8 is therefore matched by a Latin-1 twin, in which every byte is
 * one character. The twin is compiled when first needed. No exception leaves this file: RE2 throws
 * none, and running out of memory ends the process as everywhere in the C++ library.
 */

#include <re2/re2.h>
#include <re2/set.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

extern "C" {
#include "base/regex.h"
#include "base/regex_re2.h"
}

namespace
{

RE2::Options options(bool latin1)
{
	RE2::Options options;

	options.set_log_errors(false);
	options.set_max_mem(REGEX_MEM_BYTES);
	options.set_encoding(latin1 ? RE2::Options::EncodingLatin1 : RE2::Options::EncodingUTF8);
	return options;
}

re2::StringPiece piece(struct str text)
{
	return {text.at ? text.at : "", text.len};
}

bool is_utf8(struct str text)
{
	for (size_t i = 0, n; i < text.len; i += n) {
		n = (unsigned char)text.at[i] < 0x80 ? 1 : str_utf8_len(str_from(text, i));
		if (n == 0)
			return false;
	}
	return true;
}

/*
 * Go 1.22 also spells a named group (?<name>re); this RE2 knows only (?P<name>re). Used on patterns
 * that RE2 refused, so that a pattern it understands is never touched.
 */
std::string with_p_groups(struct str pattern)
{
	std::string out;
	bool in_class = false, quoted = false;

	for (size_t i = 0; i < pattern.len; i++) {
		struct str rest = str_from(pattern, i);

		if (quoted || rest.at[0] == '\\') {
			quoted = quoted ? !str_starts(rest, STR("\\E"))
					: str_starts(rest, STR("\\Q"));
			out += rest.at[0];
			if (rest.at[0] == '\\' && rest.len > 1) {
				out += rest.at[1];
				i++;
			}
			continue;
		}
		in_class = in_class ? rest.at[0] != ']' : rest.at[0] == '[';
		out += rest.at[0];
		if (!in_class && str_starts(rest, STR("(?<")) && rest.len > 3 &&
		    rest.at[3] != '=' && rest.at[3] != '!') {
			out += "?P";
			i++;
		}
	}
	return out;
}

} // namespace

struct regex {
	std::string pattern;
	std::unique_ptr<RE2> utf8;
	mutable std::unique_ptr<RE2> latin1;
	mutable std::once_flag latin1_once;

	const RE2 &of(struct str text) const
	{
		if (is_utf8(text))
			return *utf8;
		std::call_once(latin1_once,
			       [this] { latin1 = std::make_unique<RE2>(pattern, options(true)); });
		/* A twin that is too large for the budget: the original still answers, more
		 * strictly. */
		return latin1->ok() ? *latin1 : *utf8;
	}
};

/*
 * Where the set's automaton outgrows its memory (many patterns, or an input made to do that), each
 * pattern is tried alone: slower, but never a match less.
 */
struct regex_set {
	std::vector<std::string> patterns;
	std::unique_ptr<RE2::Set> utf8 = fresh(false);
	bool is_compiled = false;
	mutable std::unique_ptr<RE2::Set> latin1;
	mutable std::once_flag latin1_once, alone_once;
	mutable std::vector<std::unique_ptr<struct regex>> alone;

	static std::unique_ptr<RE2::Set> fresh(bool latin1)
	{
		RE2::Options set_options = options(latin1);

		set_options.set_max_mem(REGEX_SET_MEM_BYTES);
		return std::make_unique<RE2::Set>(set_options, RE2::UNANCHORED);
	}

	/* NULL: there is none, try each alone. */
	const RE2::Set *of(struct str text) const
	{
		if (!is_compiled || is_utf8(text))
			return is_compiled ? utf8.get() : nullptr;
		std::call_once(latin1_once, [this] {
			auto twin = fresh(true);

			for (const auto &pattern : patterns)
				if (twin->Add(pattern, nullptr) < 0)
					return;
			if (twin->Compile())
				latin1 = std::move(twin);
		});
		return latin1.get();
	}

	void match_alone(struct str text, std::vector<int> *hits) const
	{
		std::call_once(alone_once, [this] {
			for (const auto &pattern : patterns)
				alone.emplace_back(
					regex_new({pattern.data(), pattern.size()}, nullptr, 0));
		});
		hits->clear();
		for (size_t i = 0; i < alone.size(); i++)
			if (alone[i] && regex_match(alone[i].get(), text))
				hits->push_back((int)i);
	}
};

extern "C" {

struct regex *regex_new(struct str pattern, char *message, size_t message_size)
{
	auto regex = std::make_unique<struct regex>();
	std::string fault;

	if (pattern.len > REGEX_PATTERN_MAX) {
		fault = "pattern is too long";
	} else {
		regex->pattern = std::string(piece(pattern));
		regex->utf8 = std::make_unique<RE2>(regex->pattern, options(false));
		fault = regex->utf8->error();
	}
	if (regex->utf8 && !regex->utf8->ok() && str_search(pattern, STR("(?<")) >= 0) {
		regex->pattern = with_p_groups(pattern);
		regex->utf8 = std::make_unique<RE2>(regex->pattern, options(false));
		fault = regex->utf8->error();
	}
	if (message_size)
		message[fault.copy(message, message_size - 1)] = 0;
	return fault.empty() ? regex.release() : nullptr;
}

void regex_free(struct regex *regex)
{
	delete regex;
}

bool regex_match(const struct regex *regex, struct str text)
{
	return regex->of(text).Match(piece(text), 0, text.len, RE2::UNANCHORED, nullptr, 0);
}

bool regex_find(const struct regex *regex, struct str text, size_t from, struct str *ret_groups,
		size_t n_groups)
{
	re2::StringPiece groups[REGEX_GROUPS_MAX];
	int n = (int)std::min<size_t>(n_groups, REGEX_GROUPS_MAX);

	if (from > text.len ||
	    !regex->of(text).Match(piece(text), from, text.len, RE2::UNANCHORED, groups, n))
		return false;
	for (size_t i = 0; i < n_groups; i++)
		ret_groups[i] = i < (size_t)n ? str_n(groups[i].data(), groups[i].size())
					      : str_n(nullptr, 0);
	return true;
}

int regex_group_count(const struct regex *regex)
{
	return regex->utf8->NumberOfCapturingGroups();
}

int regex_group_index(const struct regex *regex, struct str name)
{
	const auto &groups = regex->utf8->NamedCapturingGroups();
	auto found = groups.find(std::string(piece(name)));

	return found == groups.end() ? -1 : found->second;
}

struct regex_set *regex_set_new(void)
{
	return new struct regex_set;
}

void regex_set_free(struct regex_set *set)
{
	delete set;
}

int regex_set_add(struct regex_set *set, struct str pattern)
{
	if (pattern.len > REGEX_PATTERN_MAX)
		return -1;
	std::string text(piece(pattern));
	int index = set->utf8->Add(text, nullptr);

	if (index < 0 && str_search(pattern, STR("(?<")) >= 0) {
		text = with_p_groups(pattern);
		index = set->utf8->Add(text, nullptr);
	}
	if (index >= 0)
		set->patterns.push_back(text);
	return index;
}

int regex_set_compile(struct regex_set *set)
{
	set->is_compiled = !set->patterns.empty() && set->utf8->Compile();
	return 0;
}

size_t regex_set_match(const struct regex_set *set, struct str text,
		       void (*each)(void *context, int index), void *context)
{
	const RE2::Set *automaton = set->of(text);
	RE2::Set::ErrorInfo fault = {RE2::Set::kNoError};
	std::vector<int> hits;

	if (!automaton ||
	    (!automaton->Match(piece(text), &hits, &fault) && fault.kind != RE2::Set::kNoError))
		set->match_alone(text, &hits);
	std::sort(hits.begin(), hits.end());
	for (int index : hits)
		each(context, index);
	return hits.size();
}

} // extern "C"

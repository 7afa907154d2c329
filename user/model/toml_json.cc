// SPDX-License-Identifier: Apache-2.0
/*
 * toml_json: toml++'s tree as jansson's. The library is used without exceptions; none leaves this
 * file.
 */

#define TOML_EXCEPTIONS	 0
#define TOML_HEADER_ONLY 1
#include <toml++/toml.h>

#include <cerrno>
#include <cstdio>
#include <sstream>
#include <string>
#include <string_view>

/* C's {0} is whole there. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
extern "C" {
#include "model/toml_json.h"
}

namespace
{

json_t *convert(const toml::node &node);

json_t *convert_table(const toml::table &table)
{
	json_t *object = json_object();

	for (auto &&[key, value] : table) {
		const std::string name(key.str());

		json_object_set_new(object, name.c_str(), convert(value));
	}
	return object;
}

json_t *convert_array(const toml::array &array)
{
	json_t *list = json_array();

	for (auto &&item : array)
		json_array_append_new(list, convert(item));
	return list;
}

/* A date or a time, as it is written. */
template <typename T> json_t *convert_time(const toml::value<T> &value)
{
	std::ostringstream text;

	text << value;
	return json_string(text.str().c_str());
}

json_t *convert(const toml::node &node)
{
	if (const auto *table = node.as_table())
		return convert_table(*table);
	if (const auto *array = node.as_array())
		return convert_array(*array);
	if (const auto *text = node.as_string())
		return json_stringn(text->get().data(), text->get().size());
	if (const auto *integer = node.as_integer())
		return json_integer(integer->get());
	if (const auto *real = node.as_floating_point())
		return json_real(real->get());
	if (const auto *boolean = node.as_boolean())
		return json_boolean(boolean->get());
	if (const auto *date = node.as_date())
		return convert_time(*date);
	if (const auto *time = node.as_time())
		return convert_time(*time);
	return convert_time(*node.as_date_time());
}

} // namespace

int toml_json_load(struct toml_json *toml, struct str text)
{
	*toml = {nullptr, "", 0, 0};
	const auto result = toml::parse(std::string_view(text.at ? text.at : "", text.len));

	if (!result) {
		const auto &error = result.error();

		snprintf(toml->message, sizeof(toml->message), "%.*s",
			 static_cast<int>(error.description().size()), error.description().data());
		toml->line = error.source().begin.line;
		toml->column = error.source().begin.column;
		return -EINVAL;
	}
	toml->json = convert_table(result.table());
	return toml->json ? 0 : -ENOMEM;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cppcheck: macros of libraries that look like no C until they are expanded, for cppcheck, which
 * does not read the libraries' headers.
 */

#define LIBBPF_OPTS(type, name, ...)	     struct type name = {__VA_ARGS__}
#define DECLARE_LIBXDP_OPTS(type, name, ...) struct type name = {__VA_ARGS__}
#define json_array_foreach(array, i, value) \
	for (i = 0; i < json_array_size(array) && (value = json_array_get(array, i)); i++)
#define json_object_foreach(object, key, value)                                          \
	for (void *at_ = json_object_iter(object);                                       \
	     (key = json_object_iter_key(at_)) && (value = json_object_iter_value(at_)); \
	     at_ = json_object_iter_next(object, at_))
#define bpf_object__for_each_program(pos, obj) while ((pos = bpf_object__next_program(obj, pos)))

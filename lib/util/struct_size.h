/* SPDX-License-Identifier: MIT */
/*
 * struct_size.h - public structs that say how large they are.
 *
 * Their first field is a size_t struct_size, which the caller sets to sizeof of the struct that he
 * was compiled with. The library may know a larger or a smaller one:
 *
 *   caller's   [ size | a | b ]              [ size | a | b | c | d ]
 *   library's  [ size | a | b | c | d ]      [ size | a | b ]
 *   filled     [ size | a | b ]              [ size | a | b | 0 | 0 ]
 */
#ifndef QY_UTIL_STRUCT_SIZE_H
#define QY_UTIL_STRUCT_SIZE_H

#include <stddef.h>
#include <string.h>

/* No public struct is larger: who says so has not set the field. */
#define QY__STRUCT_SIZE_MOST ((size_t)4096)

/*
 * Fill the caller's struct @to from @from, which is @known bytes: no byte behind the size that @to
 * says is written, and what the library does not know becomes 0. struct_size stays as it is. If it
 * cannot be a struct's size, nothing is written.
 */
static inline void qy__struct_fill(void *to, const void *from, size_t known)
{
	size_t size, both;

	memcpy(&size, to, sizeof(size));
	if (size < sizeof(size) || size > QY__STRUCT_SIZE_MOST)
		return;
	both = size < known ? size : known;
	memcpy((char *)to + sizeof(size), (const char *)from + sizeof(size), both - sizeof(size));
	memset((char *)to + both, 0, size - both);
}

#endif

/* SPDX-License-Identifier: MIT */
/* early_lib.h - what the constructor of the second preloaded library leaves to the program. */
#ifndef TESTS_MALLOC_EARLY_LIB_H
#define TESTS_MALLOC_EARLY_LIB_H

#include <stddef.h>

#define EARLY_OBJECTS 60

struct early {
	size_t size;
	unsigned char *p;
};
extern struct early early_left[EARLY_OBJECTS];

#endif

/* SPDX-License-Identifier: MIT */
/* bytes.c - runs of equal bytes. */
#include "util/bytes.h"

#include <string.h>

uint8_t *qy__find_not(const void *p, size_t n, uint8_t value, uint8_t **last)
{
	const uint8_t *b = p;
	size_t i = 0, end = n;

	/* A run of equal bytes equals itself one byte further on; memcmp is fast. */
	if (!n || (b[0] == value && !memcmp(b, b + 1, n - 1)))
		return NULL;
	while (b[i] == value)
		i++;
	while (b[end - 1] == value)
		end--;
	if (last)
		*last = (uint8_t *)b + end - 1;
	return (uint8_t *)b + i;
}

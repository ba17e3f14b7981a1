/* SPDX-License-Identifier: MIT */
/* bytes.h - runs of equal bytes. */
#ifndef QY_UTIL_BYTES_H
#define QY_UTIL_BYTES_H

#include <stddef.h>
#include <stdint.h>

/* First byte of [p, p+n) that is not @value, or NULL; *@last (unless NULL): the last such byte. */
uint8_t *qy__find_not(const void *p, size_t n, uint8_t value, uint8_t **last);

#endif

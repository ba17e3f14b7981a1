/* SPDX-License-Identifier: MIT */
/*
 * fmt.h - printf without stdio, locale or memory: for reports, where nothing may be trusted.
 *
 * Understood: %% %c %s %d %i %u %x %X %p; l, ll, z and t before an integer; field width, '0', '-',
 * '*' and a precision for %s. Anything else is copied as it stands. Text beyond the buffer is
 * counted, not stored.
 */
#ifndef QY_UTIL_FMT_H
#define QY_UTIL_FMT_H

#include <stdarg.h>
#include <stddef.h>

struct qy__buf {
	char *p;    /* may be NULL when cap is 0 */
	size_t cap; /* bytes at p; the last one is kept for the terminator */
	size_t len; /* characters written, or that would have been */
};

#define QY__BUF(array) ((struct qy__buf){.p = (array), .cap = sizeof(array)})

void qy__vfmt(struct qy__buf *buf, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));
void qy__fmt(struct qy__buf *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* snprintf in spirit: returns the full length, always terminates when size > 0. */
size_t qy__snprintf(char *p, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* All of the bytes to a file descriptor, retrying on EINTR and short writes; errno is kept. */
void qy__write_all(int fd, const char *p, size_t len);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * fmt.c - printf without stdio, locale or memory.
 *
 * A conversion that is not understood is copied as it stands, and so is all of the format behind
 * it: what its argument was cannot be known, so the next one cannot be found either, and a wrong
 * guess would be a wild %s in the middle of a report.
 */
#include "util/fmt.h"

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "util/compiler.h"
#include "util/sys.h"

struct spec {
	bool left, zero;
	bool has_precision;
	size_t width, precision;
	unsigned int longs; /* 'l' seen: 0, 1, 2 */
	bool is_size;	    /* 'z' or 't' */
};

struct args {
	va_list ap; /* a struct around it, so that helpers can take it by reference */
};

static void put_bytes(struct qy__buf *buf, const char *s, size_t n)
{
	if (buf->cap && buf->len < buf->cap - 1)
		memcpy(buf->p + buf->len, s, min(n, buf->cap - 1 - buf->len));
	buf->len += n;
}

static void put_repeated(struct qy__buf *buf, char c, size_t n)
{
	if (buf->cap && buf->len < buf->cap - 1)
		memset(buf->p + buf->len, c, min(n, buf->cap - 1 - buf->len));
	buf->len += n;
}

/* [blanks][prefix][zeros]body[blanks] */
static void put_field(struct qy__buf *buf, const struct spec *spec, const char *prefix,
		      const char *body, size_t len)
{
	size_t full = strlen(prefix) + len;
	size_t pad = spec->width > full ? spec->width - full : 0;

	if (!spec->left && !spec->zero)
		put_repeated(buf, ' ', pad);
	put_bytes(buf, prefix, strlen(prefix));
	if (!spec->left && spec->zero)
		put_repeated(buf, '0', pad);
	put_bytes(buf, body, len);
	if (spec->left)
		put_repeated(buf, ' ', pad);
}

static void put_number(struct qy__buf *buf, const struct spec *spec, const char *prefix, uint64_t x,
		       unsigned int base, const char *digits)
{
	char text[20]; /* 2^64 - 1 in base 10 */
	size_t i = sizeof(text);

	do {
		text[--i] = digits[x % base];
		x /= base;
	} while (x);
	put_field(buf, spec, prefix, text + i, sizeof(text) - i);
}

static void put_string(struct qy__buf *buf, struct spec *spec, const char *s)
{
	if (!s)
		s = "(null)";
	spec->zero = false;
	put_field(buf, spec, "", s, spec->has_precision ? strnlen(s, spec->precision) : strlen(s));
}

static size_t parse_number(const char **fmt)
{
	size_t n = 0;

	for (; **fmt >= '0' && **fmt <= '9'; (*fmt)++)
		n = min(n * 10 + (size_t)(**fmt - '0'), (size_t)INT32_MAX);
	return n;
}

static void parse_width(const char **fmt, struct spec *spec, struct args *args)
{
	int n;

	if (**fmt != '*') {
		spec->width = parse_number(fmt);
		return;
	}
	(*fmt)++;
	n = va_arg(args->ap, int);
	spec->left |= n < 0;
	spec->width = n < 0 ? -(size_t)n : (size_t)n;
}

static void parse_precision(const char **fmt, struct spec *spec, struct args *args)
{
	int n;

	if (**fmt != '.')
		return;
	(*fmt)++;
	if (**fmt != '*') {
		spec->has_precision = true;
		spec->precision = parse_number(fmt);
		return;
	}
	(*fmt)++;
	n = va_arg(args->ap, int);
	spec->has_precision = n >= 0; /* a negative one counts as none */
	spec->precision = n >= 0 ? (size_t)n : 0;
}

/* What stands between '%' and the letter of the conversion; *@fmt is left at that letter. */
static struct spec parse_spec(const char **fmt, struct args *args)
{
	struct spec spec = {.left = false};

	for (; **fmt == '0' || **fmt == '-'; (*fmt)++) {
		spec.zero |= **fmt == '0';
		spec.left |= **fmt == '-';
	}
	parse_width(fmt, &spec, args);
	parse_precision(fmt, &spec, args);
	if (**fmt == 'z' || **fmt == 't') {
		spec.is_size = true;
		(*fmt)++;
	}
	for (; **fmt == 'l' && !spec.is_size && spec.longs < 2; (*fmt)++)
		spec.longs++;
	return spec;
}

static uint64_t take_unsigned(const struct spec *spec, struct args *args)
{
	if (spec->longs == 2)
		return va_arg(args->ap, unsigned long long);
	if (spec->longs == 1)
		return va_arg(args->ap, unsigned long);
	if (spec->is_size)
		return va_arg(args->ap, size_t);
	return va_arg(args->ap, unsigned int);
}

static int64_t take_signed(const struct spec *spec, struct args *args)
{
	if (spec->longs == 2)
		return va_arg(args->ap, long long);
	if (spec->longs == 1)
		return va_arg(args->ap, long);
	if (spec->is_size)
		return va_arg(args->ap, ptrdiff_t);
	return va_arg(args->ap, int);
}

/* Return: false if the conversion is none of ours; nothing was written then. */
static bool put_conversion(struct qy__buf *buf, char letter, struct spec *spec, struct args *args)
{
	bool sized = spec->longs || spec->is_size;
	int64_t x;
	char c;

	if (spec->has_precision && letter != 's')
		return false;
	if (sized && (letter == 's' || letter == 'c' || letter == 'p'))
		return false; /* wide characters, for one */

	switch (letter) {
	case 'd':
	case 'i':
		x = take_signed(spec, args);
		put_number(buf, spec, x < 0 ? "-" : "", x < 0 ? -(uint64_t)x : (uint64_t)x, 10,
			   "0123456789");
		return true;
	case 'u':
		put_number(buf, spec, "", take_unsigned(spec, args), 10, "0123456789");
		return true;
	case 'x':
		put_number(buf, spec, "", take_unsigned(spec, args), 16, "0123456789abcdef");
		return true;
	case 'X':
		put_number(buf, spec, "", take_unsigned(spec, args), 16, "0123456789ABCDEF");
		return true;
	case 'p':
		put_number(buf, spec, "0x", (uintptr_t)va_arg(args->ap, void *), 16,
			   "0123456789abcdef");
		return true;
	case 'c':
		c = (char)va_arg(args->ap, int);
		spec->zero = false;
		put_field(buf, spec, "", &c, 1);
		return true;
	case 's': put_string(buf, spec, va_arg(args->ap, const char *)); return true;
	default: return false;
	}
}

void qy__vfmt(struct qy__buf *buf, const char *fmt, va_list ap)
{
	struct args args;

	va_copy(args.ap, ap);
	while (*fmt) {
		const char *start = fmt;
		struct spec spec;

		if (*fmt != '%') {
			fmt += strcspn(fmt, "%");
			put_bytes(buf, start, (size_t)(fmt - start));
			continue;
		}
		fmt++;
		if (*fmt == '%') {
			put_bytes(buf, fmt++, 1);
			continue;
		}
		spec = parse_spec(&fmt, &args);
		if (!put_conversion(buf, *fmt, &spec, &args)) {
			put_bytes(buf, start, strlen(start));
			break;
		}
		fmt++;
	}
	va_end(args.ap);
	if (buf->cap)
		buf->p[min(buf->len, buf->cap - 1)] = '\0';
}

void qy__fmt(struct qy__buf *buf, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	qy__vfmt(buf, fmt, ap);
	va_end(ap);
}

size_t qy__snprintf(char *p, size_t size, const char *fmt, ...)
{
	struct qy__buf buf = {.p = p, .cap = size};
	va_list ap;

	va_start(ap, fmt);
	qy__vfmt(&buf, fmt, ap);
	va_end(ap);
	return buf.len;
}

/* A full pipe on a non-blocking descriptor: its reader has this long for each piece. */
static bool wait_writable(int fd)
{
	struct pollfd pfd = {.fd = fd, .events = POLLOUT};
	struct timespec limit = {.tv_sec = 1};

	long n = qy__sys6(SYS_ppoll, &pfd, 1, &limit, 0, 0, 0);

	return n > 0 || n == -EINTR;
}

void qy__write_all(int fd, const char *p, size_t len)
{
	while (len) {
		long n = qy__sys3(SYS_write, fd, p, len);

		if (n > 0) {
			p += n;
			len -= (size_t)n;
		} else if (n != -EINTR && n != -EAGAIN) {
			break;
		} else if (n == -EAGAIN && !wait_writable(fd)) {
			break;
		}
	}
}

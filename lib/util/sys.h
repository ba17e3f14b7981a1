/* SPDX-License-Identifier: MIT */
/*
 * sys.h - system calls by number, past the C library.
 *
 * A library that stands in for a function of libc (a fake clock, a recorder of open and read) may
 * itself allocate: malloc that called it would come back to itself without end. Nor is any of these
 * a cancellation point, and errno is left alone.
 */
#ifndef QY_UTIL_SYS_H
#define QY_UTIL_SYS_H

#include <errno.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What the kernel returns: -errno is -4095 to -1. */
#if defined(__x86_64__)
static inline long qy__syscall(long nr, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}
#elif defined(__aarch64__)
static inline long qy__syscall(long nr, long a, long b, long c, long d, long e, long f)
{
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;

	__asm__ volatile("svc 0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory");
	return x0;
}
#else
static inline long qy__syscall(long nr, long a, long b, long c, long d, long e, long f)
{
	int saved = errno;
	long ret = syscall(nr, a, b, c, d, e, f);

	if (ret == -1)
		ret = -errno;
	errno = saved;
	return ret;
}
#endif

#define qy__sys0(nr) qy__syscall((nr), 0, 0, 0, 0, 0, 0)
#define qy__sys1(nr, a) qy__syscall((nr), (long)(a), 0, 0, 0, 0, 0)
#define qy__sys2(nr, a, b) qy__syscall((nr), (long)(a), (long)(b), 0, 0, 0, 0)
#define qy__sys3(nr, a, b, c) qy__syscall((nr), (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define qy__sys4(nr, a, b, c, d) qy__syscall((nr), (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)
#define qy__sys6(nr, a, b, c, d, e, f)                                                             \
	qy__syscall((nr), (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

#define QY__MOST_ERRNO 4095ul

static inline bool qy__sys_failed(long ret)
{
	return (unsigned long)ret >= -QY__MOST_ERRNO;
}

#endif

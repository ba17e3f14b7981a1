/* SPDX-License-Identifier: MIT */
/*
 * strict.c - a thread that forbids itself all system calls but read, write and exit (seccomp strict
 * mode) goes on to allocate from memory that was had before.
 *
 * The unwinder blocks signals around its lock, and the kernel ends a thread in strict mode that
 * tries. Nobody can ask whether the mode is on, for that is a system call, too; so prctl() is stood
 * in for, and from then on the thread takes no stacks but the caller alone. Filters (seccomp-bpf)
 * that a program sets up need rt_sigprocmask.
 *
 * Debug build only: the release build takes no stacks.
 */
#include <errno.h>
#include <linux/seccomp.h>
#include <stdarg.h>
#include <sys/prctl.h>

#include <quarry/types.h>

#include "util/backtrace.h"
#include "util/sys.h"

QY_API int prctl(int option, ...)
{
	unsigned long arg[4];
	bool strict;
	va_list ap;
	long ret;

	va_start(ap, option);
	for (int i = 0; i < 4; i++)
		arg[i] = va_arg(ap, unsigned long);
	va_end(ap);
	strict = option == PR_SET_SECCOMP && arg[0] == SECCOMP_MODE_STRICT;
	if (strict)
		qy__backtrace_allow(false);
	ret = qy__sys6(SYS_prctl, option, arg[0], arg[1], arg[2], arg[3], 0);
	if (!qy__sys_failed(ret))
		return (int)ret;
	if (strict)
		qy__backtrace_allow(true);
	errno = (int)-ret;
	return -1;
}

/* SPDX-License-Identifier: MIT */
/*
 * exec.c - the last look before another program takes the process's place: the exec family is stood
 * in for. Debug build only.
 *
 * In a child of vfork() nothing is looked at, nor in one of fork(), which as a rule does little
 * else than this. If the call fails the program goes on, and may be looked at again.
 */
#include <alloca.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "malloc/malloc_internal.h"
#include "util/compiler.h"

extern char **environ;

static bool look(void)
{
	int saved = errno;
	bool mine = !qy__malloc_exit_is_forked() && qy__malloc_exit_claim();

	if (mine)
		qy__malloc_exit_look(false);
	errno = saved;
	return mine;
}

static int failed(bool mine)
{
	if (mine)
		qy__malloc_exit_unclaim();
	return -1;
}

/* Of the C library, looked up at start: in a child of vfork() that would be no place for it. */
static int (*library_execvpe)(const char *, char *const[], char *const[]);

void qy__exec_init(void)
{
	*(void **)&library_execvpe = dlsym(RTLD_NEXT, "execvpe");
}

QY_API int execve(const char *path, char *const argv[], char *const envp[])
{
	bool mine = look();

	syscall(SYS_execve, path, argv, envp);
	return failed(mine);
}

QY_API int execv(const char *path, char *const argv[])
{
	return execve(path, argv, environ);
}

QY_API int fexecve(int fd, char *const argv[], char *const envp[])
{
	bool mine = look();

	syscall(SYS_execveat, fd, "", argv, envp, AT_EMPTY_PATH);
	return failed(mine);
}

QY_API int execvpe(const char *file, char *const argv[], char *const envp[])
{
	bool mine = look();

	if (!library_execvpe)
		qy__exec_init();
	if (library_execvpe)
		library_execvpe(file, argv, envp);
	return failed(mine);
}

QY_API int execvp(const char *file, char *const argv[])
{
	return execvpe(file, argv, environ);
}

/* The arguments as a vector; what follows them is left in @ap. */
static size_t count(const char *first, va_list ap)
{
	size_t n = 1;

	for (const char *arg = first; arg; arg = va_arg(ap, const char *))
		n++;
	return n;
}

static void collect(char **argv, const char *first, va_list ap)
{
	*argv = (char *)first;
	while (*argv)
		*++argv = va_arg(ap, char *);
}

#define VECTOR(argv, first)                                                                        \
	va_list ap;                                                                                \
	va_start(ap, first);                                                                       \
	char **argv = alloca(count(first, ap) * sizeof(*argv));                                    \
	va_end(ap);                                                                                \
	va_start(ap, first);                                                                       \
	collect(argv, first, ap)

QY_API int execl(const char *path, const char *arg, ...)
{
	VECTOR(argv, arg);
	va_end(ap);
	return execve(path, argv, environ);
}

QY_API int execlp(const char *file, const char *arg, ...)
{
	VECTOR(argv, arg);
	va_end(ap);
	return execvp(file, argv);
}

QY_API int execle(const char *path, const char *arg, ...)
{
	char **envp;

	VECTOR(argv, arg);
	envp = va_arg(ap, char **);
	va_end(ap);
	return execve(path, argv, envp);
}

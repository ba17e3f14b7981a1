/* SPDX-License-Identifier: MIT */
/*
 * exec.c - the C library's ways to another program, stood in for so that the heap is looked at a
 * last time (exit.c) and the tool is told (announce.c). Debug drop-in only.
 *
 *   execve, execv, execvp, execvpe, execl, execle, execlp, fexecve, execveat, posix_spawn[p]
 *
 * Each tells, and goes on to the next definition, which is the C library's or that of another
 * preloaded library. Not seen: system() and popen() (they start a shell, which is told of by
 * itself), and bare system calls. In a child of vfork() nothing is looked at, nor in one of fork(),
 * which as a rule does little else than this. If the call fails the program goes on, and may be
 * looked at again.
 *
 * They may be called in a child of vfork() and in a signal handler: the next definitions are looked
 * up beforehand, when the drop-in comes up.
 */
#include <dlfcn.h>
#include <errno.h>
#include <spawn.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "malloc/malloc_internal.h"
#include "util/compiler.h"

typedef int exec_fn(const char *path, char *const argv[]);
typedef int exec_env_fn(const char *path, char *const argv[], char *const envp[]);
typedef int exec_fd_fn(int fd, char *const argv[], char *const envp[]);
typedef int exec_at_fn(int dir, const char *path, char *const argv[], char *const envp[],
		       int flags);
typedef int spawn_fn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
		     const posix_spawnattr_t *attributes, char *const argv[], char *const envp[]);

static struct {
	exec_env_fn *execve, *execvpe;
	exec_fn *execv, *execvp;
	exec_fd_fn *fexecve;
	exec_at_fn *execveat;
	spawn_fn *posix_spawn, *posix_spawnp;
} next;

/* Data and code pointers are alike here (POSIX says so of dlsym). */
#define FIND(name)                                                                                 \
	do {                                                                                       \
		void *at = dlsym(RTLD_NEXT, #name);                                                \
		memcpy(&next.name, &at, sizeof(at));                                               \
	} while (0)

__attribute__((constructor(101))) static void find_next(void)
{
	FIND(execve);
	FIND(execvpe);
	FIND(execv);
	FIND(execvp);
	FIND(fexecve);
	FIND(execveat);
	FIND(posix_spawn);
	FIND(posix_spawnp);
	dlerror();
}

/* Called before our constructor ran, or the C library has none. */
#define NEED(name)                                                                                 \
	do {                                                                                       \
		if (!next.name)                                                                    \
			find_next();                                                               \
		if (!next.name) {                                                                  \
			errno = ENOSYS;                                                            \
			return -1;                                                                 \
		}                                                                                  \
	} while (0)

/* Is the last look taken here? */
static bool leaving(const char *path)
{
	int saved = errno;
	bool mine = !qy__malloc_exit_is_forked() && qy__malloc_exit_claim();

	if (mine)
		qy__malloc_exit_look(false);
	qy__announce_exec(path);
	errno = saved;
	return mine;
}

static int stayed(bool looked)
{
	int saved = errno;

	if (looked)
		qy__malloc_exit_unclaim();
	qy__announce_stay();
	errno = saved;
	return -1;
}

QY_API int execve(const char *path, char *const argv[], char *const envp[])
{
	bool looked;

	NEED(execve);
	looked = leaving(path);
	next.execve(path, argv, envp);
	return stayed(looked);
}

QY_API int execv(const char *path, char *const argv[])
{
	bool looked;

	NEED(execv);
	looked = leaving(path);
	next.execv(path, argv);
	return stayed(looked);
}

QY_API int execvp(const char *path, char *const argv[])
{
	bool looked;

	NEED(execvp);
	looked = leaving(path);
	next.execvp(path, argv);
	return stayed(looked);
}

QY_API int execvpe(const char *path, char *const argv[], char *const envp[])
{
	bool looked;

	NEED(execvpe);
	looked = leaving(path);
	next.execvpe(path, argv, envp);
	return stayed(looked);
}

QY_API int fexecve(int fd, char *const argv[], char *const envp[])
{
	const char *path = "a file by its descriptor";
	bool looked;

	NEED(fexecve);
	looked = leaving(path);
	next.fexecve(fd, argv, envp);
	return stayed(looked);
}

QY_API int execveat(int dir, const char *path, char *const argv[], char *const envp[], int flags)
{
	bool looked;

	NEED(execveat);
	looked = leaving(path);
	next.execveat(dir, path, argv, envp, flags);
	return stayed(looked);
}

/* ---- argument lists ---- */

static size_t count(va_list ap)
{
	size_t nr = 1;

	while (va_arg(ap, char *))
		nr++;
	return nr;
}

/*
 * The list goes onto the stack, as the C library does it: no memory may be asked for here. @LIST of
 * @nr + 1 pointers: @first, those of @ap, NULL.
 */
static void collect(char **list, size_t nr, const char *first, va_list *ap)
{
	memcpy(&list[0], &first, sizeof(first));
	for (size_t i = 1; i <= nr; i++)
		list[i] = va_arg(*ap, char *);
}

#define COLLECT(list, first)                                                                       \
	va_list ap;                                                                                \
	size_t nr;                                                                                 \
	char **list;                                                                               \
                                                                                                   \
	va_start(ap, first);                                                                       \
	nr = count(ap);                                                                            \
	va_end(ap);                                                                                \
	list = __builtin_alloca((nr + 1) * sizeof(*list));                                         \
	va_start(ap, first);                                                                       \
	collect(list, nr, first, &ap)

QY_API int execl(const char *path, const char *first, ...)
{
	COLLECT(list, first);

	va_end(ap);
	return execv(path, list);
}

QY_API int execlp(const char *path, const char *first, ...)
{
	COLLECT(list, first);

	va_end(ap);
	return execvp(path, list);
}

QY_API int execle(const char *path, const char *first, ...)
{
	COLLECT(list, first);
	char *const *envp = va_arg(ap, char *const *);

	va_end(ap);
	return execve(path, list, envp);
}

/* ---- spawn ---- */

static int spawn(spawn_fn *fn, pid_t *pid, const char *path,
		 const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes,
		 char *const argv[], char *const envp[])
{
	pid_t child = 0;
	int error = fn ? fn(&child, path, actions, attributes, argv, envp) : ENOSYS;

	if (error)
		return error;
	qy__announce_spawn(child, path);
	if (pid)
		*pid = child;
	return 0;
}

QY_API int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
		       const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
	if (!next.posix_spawn)
		find_next();
	return spawn(next.posix_spawn, pid, path, actions, attributes, argv, envp);
}

QY_API int posix_spawnp(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
			const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
	if (!next.posix_spawnp)
		find_next();
	return spawn(next.posix_spawnp, pid, path, actions, attributes, argv, envp);
}

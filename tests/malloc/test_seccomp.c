/* SPDX-License-Identifier: MIT */
/*
 * test_seccomp.c - programs that forbid themselves system calls go on to allocate.
 *
 *   strict   seccomp strict mode: small objects from memory that was had before
 *   filter   only what README.md says the drop-ins need: all kinds of memory, more than was there
 *
 * A call that is not allowed ends the process. exit() would make more than the test is about.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "check.h"

#define MIB ((size_t)1 << 20)
#define NR 200
#define SKIPPED 0 /* run.sh passes on no exit code for it */
#define DONE 7

/* One after the other; each is used. */
static void **some(size_t nr, size_t size)
{
	void **p = calloc(nr, sizeof(*p));

	CHECK(p);
	for (size_t i = 0; i < nr; i++) {
		p[i] = malloc(size);
		CHECK(p[i]);
		memset(p[i], 1, size);
	}
	return p;
}

static void no_more(void **p, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		free(p[i]);
	free(p);
}

static void enter(int mode, void *program)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, mode, program)) {
		printf("skipped: seccomp: %s\n", strerror(errno));
		_exit(SKIPPED);
	}
}

__attribute__((noreturn)) static void end(void)
{
	for (;;)
		syscall(SYS_exit, DONE);
}

static void strict(void)
{
	static void *p[NR];

	no_more(some(NR, 64), NR);
	enter(SECCOMP_MODE_STRICT, NULL);
	for (int i = 0; i < NR; i++) {
		p[i] = malloc(64);
		memset(p[i], 1, 64);
		p[i] = realloc(p[i], 80);
	}
	for (int i = 0; i < NR; i++)
		free(p[i]);
	end();
}

#define ALLOW(nr)                                                                                  \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static void allow_little(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		ALLOW(SYS_brk),
		ALLOW(SYS_mmap),
		ALLOW(SYS_munmap),
		ALLOW(SYS_mremap),
		ALLOW(SYS_madvise),
		ALLOW(SYS_futex),
		ALLOW(SYS_write),
		ALLOW(SYS_exit),
		ALLOW(is_debug_build ? SYS_rt_sigprocmask : SYS_exit),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	struct sock_fprog program = {.len = sizeof(code) / sizeof(code[0]), .filter = code};

	enter(SECCOMP_MODE_FILTER, &program);
}

static void all_kinds(void)
{
	void **small = some(100000, 100), **pages = some(500, 20000), **large = some(5, 16 * MIB);
	void *p = NULL;

	for (size_t size = 1000; size <= 64 * MIB; size *= 4) {
		p = realloc(p, size);
		CHECK(p);
		memset(p, 1, size);
	}
	free(p);
	CHECK(!posix_memalign(&p, 2 * MIB, 9 * MIB));
	free(p);
	CHECK(!posix_memalign(&p, 4096, 100));
	free(p);
	no_more(small, 100000);
	no_more(pages, 500);
	no_more(large, 5);
	no_more(some(5, 16 * MIB), 5);
	CHECK(!malloc(opaque(SIZE_MAX / 4)) && errno == ENOMEM);
}

static void filter(void)
{
	allow_little();
	all_kinds();
	end();
}

int main(int argc, char **argv)
{
	int status;
	pid_t pid;

	require_drop_in(argc, argv);
	CHECK(argc == 3);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid && !strcmp(argv[2], "strict"))
		strict();
	else if (!pid)
		filter();
	CHECK(waitpid(pid, &status, 0) == pid);
	if (WIFSIGNALED(status))
		printf("killed by signal %d\n", WTERMSIG(status));
	CHECK(WIFEXITED(status));
	CHECK(WEXITSTATUS(status) == DONE || WEXITSTATUS(status) == SKIPPED);
	return 0;
}

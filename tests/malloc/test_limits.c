/* SPDX-License-Identifier: MIT */
/*
 * test_limits.c - what a program takes of the system before it has asked for anything, and what is
 * left to it under limits that it sets itself.
 *
 *   address-space   RLIMIT_AS of 1 GiB after the start: then memory, a thread, a file mapped
 *   locked          mlockall() of all there is and will be, 8 MiB allowed: a thread and 1 MiB
 *   footprint       bounds of size and resident memory of a program that does nothing
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "check.h"

#define MIB ((size_t)1 << 20)
#define SKIPPED 0 /* run.sh passes on no exit code for it */

static void *thread(void *arg)
{
	return arg;
}

static bool can_start_thread(size_t stack)
{
	pthread_attr_t attr;
	pthread_t t;

	pthread_attr_init(&attr);
	if (stack)
		pthread_attr_setstacksize(&attr, stack);
	if (pthread_create(&t, &attr, thread, NULL))
		return false;
	return !pthread_join(t, NULL);
}

static void address_space(void)
{
	struct rlimit limit = {.rlim_cur = 1024 * MIB, .rlim_max = 1024 * MIB};
	size_t got = 0;
	char *p;

	CHECK(!setrlimit(RLIMIT_AS, &limit));
	CHECK(can_start_thread(0));
	p = malloc(50 * MIB);
	CHECK(p);
	memset(p, 1, 50 * MIB);
	free(p);
	CHECK(mmap(NULL, 100 * MIB, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
	CHECK(!malloc(opaque(3 * 1024 * MIB)) && errno == ENOMEM);
	/* Nearly all of the rest is to be had, in small and in larger pieces. */
	for (size_t size = 1 * MIB; malloc(opaque(size)); got += size)
		;
	for (size_t size = 4096; malloc(opaque(size)); got += size)
		;
	printf("%zu MiB of 1024\n", got / MIB);
	CHECK(got > (is_debug_build ? 250 : 800) * MIB);
}

static void locked(void)
{
	struct rlimit limit = {.rlim_cur = 8 * MIB, .rlim_max = 8 * MIB};

	CHECK(!setrlimit(RLIMIT_MEMLOCK, &limit));
	if (mlockall(MCL_CURRENT | MCL_FUTURE)) {
		CHECK(errno == EPERM || errno == ENOSYS);
		printf("skipped: mlockall: %s\n", strerror(errno));
		exit(SKIPPED);
	}
	CHECK(getuid() || (!setgroups(0, NULL) && !setgid(65534) && !setuid(65534)));
	CHECK(can_start_thread(64 << 10));
	CHECK(malloc(opaque(1 * MIB)));
	CHECK(!malloc(opaque(40 * MIB)));
	CHECK(malloc(opaque(100)));
}

static size_t status_kib(const char *what)
{
	char text[4096], *at;
	int fd = open("/proc/self/status", O_RDONLY);
	ssize_t n = read(fd, text, sizeof(text) - 1);

	CHECK(n > 0);
	close(fd);
	text[n] = '\0';
	at = strstr(text, what);
	CHECK(at);
	return strtoul(at + strlen(what), NULL, 10);
}

/* Loader, C library and drop-in are some 5 MiB of it. tests/README.md has the figures of today. */
static void footprint(void)
{
	size_t size = status_kib("VmSize:") * 1024, resident = status_kib("VmRSS:") * 1024;
	struct rusage use;

	getrusage(RUSAGE_SELF, &use);
	printf("size %zu KiB, resident %zu KiB, %ld page faults\n", size >> 10, resident >> 10,
	       use.ru_minflt);
	CHECK(size < 32 * MIB);
	CHECK(resident < 8 * MIB);
	CHECK(use.ru_minflt < 1500);
}

int main(int argc, char **argv)
{
	require_drop_in(argc, argv);
	CHECK(argc == 3);
	if (!strcmp(argv[2], "address-space"))
		address_space();
	else if (!strcmp(argv[2], "locked"))
		locked();
	else
		footprint();
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * interpose_calls.c - malloc and its kin in all the ways that may need the system, while a library
 * (interpose.c) counts which functions the drop-in calls. Prints them; ends with 1 if there are.
 */
#define _GNU_SOURCE /* dl_iterate_phdr() */
#include <link.h>
#include <pthread.h>
#include <stdlib.h>

#include "check.h"

#define MIB ((size_t)1 << 20)

/* Of interpose.c, which is preloaded. */
static void (*enter)(int on);
static unsigned int *count;
static const char *const *name;
static const unsigned int *nr_names;
static uintptr_t *from, *to;

static void find_stand_ins(void)
{
	*(void **)&enter = dlsym(RTLD_DEFAULT, "interpose_enter");
	count = dlsym(RTLD_DEFAULT, "interpose_count");
	name = dlsym(RTLD_DEFAULT, "interpose_name");
	nr_names = dlsym(RTLD_DEFAULT, "interpose_nr");
	from = dlsym(RTLD_DEFAULT, "interpose_from");
	to = dlsym(RTLD_DEFAULT, "interpose_to");
	CHECK(enter && count && name && nr_names && from && to);
}

static int find_drop_in(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size;
	(void)arg;
	if (!strstr(info->dlpi_name, "libquarry-malloc"))
		return 0;
	for (unsigned int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *ph = &info->dlpi_phdr[i];

		if (ph->p_type != PT_LOAD || !(ph->p_flags & PF_X))
			continue;
		*from = info->dlpi_addr + ph->p_vaddr;
		*to = *from + ph->p_memsz;
	}
	return 1;
}

/* The compiler must not see that nothing else is done with them. */
static void *get(size_t size)
{
	char *p = malloc(opaque(size));

	if (p) {
		p[0] = 1;
		p[size - 1] = 1;
	}
	return p;
}

static void small_and_large(void)
{
	static __thread void *p[20000];

	for (size_t i = 0; i < 20000; i++) /* the span grows */
		p[i] = get(16 + i % 3000);
	for (size_t i = 0; i < 20000; i++)
		free(p[i]);
	for (size_t size = 4096; size <= 64 * MIB; size *= 2) {
		p[0] = get(size);
		p[0] = realloc(p[0], size + size / 2);
		p[1] = calloc(2, size);
		p[2] = aligned_alloc(65536, size + 65536);
		free(p[0]);
		free(p[1]);
		free(p[2]);
	}
	p[0] = malloc(opaque(SIZE_MAX / 2));
	if (p[0])
		_exit(3);
}

static void *thread(void *arg)
{
	enter(1);
	small_and_large();
	enter(0);
	return arg;
}

/* The debug build tells of both, to standard error. */
static void reports(void)
{
	char *volatile p = get(100);

	free(p);
	free(p);
	p = get(100);
	p[100] = 1;
	free(p);
}

int main(int argc, char **argv)
{
	unsigned int calls = 0;
	pthread_t t[2];

	require_drop_in(argc, argv);
	find_stand_ins();
	CHECK(dl_iterate_phdr(find_drop_in, NULL) && *from);
	enter(1);
	small_and_large();
	if (is_debug_build)
		reports();
	enter(0);
	for (int i = 0; i < 2; i++)
		CHECK(!pthread_create(&t[i], NULL, thread, NULL));
	for (int i = 0; i < 2; i++)
		CHECK(!pthread_join(t[i], NULL));
	for (unsigned int i = 0; i < *nr_names; i++) {
		if (count[i])
			printf("%s: %u calls\n", name[i], count[i]);
		calls += count[i];
	}
	fflush(stdout);
	exit(calls ? 1 : 0);
}

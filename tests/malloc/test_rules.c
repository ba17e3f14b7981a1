/* SPDX-License-Identifier: MIT */
/*
 * test_rules.c - what programs take for granted: errno, zero, alignment, impossible sizes, calloc's
 * zeroes.
 */
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

#include "check.h"

void cfree(void *p) __attribute__((weak)); /* no C library here has them */
void free_sized(void *p, size_t size) __attribute__((weak));
void free_aligned_sized(void *p, size_t align, size_t size) __attribute__((weak));

static const size_t impossible[] = {
	SIZE_MAX,	  SIZE_MAX - 15,       SIZE_MAX - 4096,
	SIZE_MAX / 2 + 1, SIZE_MAX / 2 - 4096, (size_t)1 << 60,
};
#define NR_IMPOSSIBLE (sizeof(impossible) / sizeof(impossible[0]))

static void malloc_zero_is_an_object_of_its_own(void)
{
	void *p[100];

	for (int i = 0; i < 100; i++) {
		p[i] = malloc(opaque(0));
		CHECK(p[i] != NULL);
		CHECK((uintptr_t)p[i] > 4096);
		for (int j = 0; j < i; j++)
			CHECK(p[i] != p[j]);
	}
	if (is_debug_build)
		CHECK(malloc_usable_size(p[0]) == 0);
	for (int i = 0; i < 100; i++)
		free(p[i]);
	p[0] = calloc(opaque(0), 8);
	p[1] = memalign(64, opaque(0));
	p[2] = NULL;
	CHECK(p[0] && p[1]);
	CHECK(posix_memalign(&p[2], 64, opaque(0)) == 0 && p[2]);
	p[3] = realloc(NULL, opaque(0));
	CHECK(p[3] != NULL);
	for (int i = 0; i < 4; i++)
		free(p[i]);
}

static void impossible_sizes_give_null_and_enomem(void)
{
	char *kept = malloc(1000);

	pattern_fill(kept, 1000, 1);
	for (size_t i = 0; i < NR_IMPOSSIBLE; i++) {
		size_t n = opaque(impossible[i]);
		void *p = (void *)1;

		errno = 0;
		CHECK(malloc(n) == NULL && errno == ENOMEM);
		errno = 0;
		CHECK(calloc(n, 1) == NULL && errno == ENOMEM);
		errno = 0;
		CHECK(calloc(1, n) == NULL && errno == ENOMEM);
		errno = 0;
		CHECK(realloc(NULL, n) == NULL && errno == ENOMEM);
		errno = 0;
		CHECK(realloc(kept, n) == NULL && errno == ENOMEM);
		errno = 0;
		CHECK(memalign(64, n) == NULL && errno == ENOMEM);
		errno = 0;
		CHECK(aligned_alloc(4096, n) == NULL && errno == ENOMEM);
		errno = 0;
		CHECK(valloc(n) == NULL && errno == ENOMEM);
		errno = 0;
		CHECK(pvalloc(n) == NULL && errno == ENOMEM);
		errno = 4711;
		CHECK(posix_memalign(&p, 64, n) == ENOMEM && errno == 4711 && p == (void *)1);
	}
	CHECK(pattern_is(kept, 1000, 1));
	free(kept);
}

static void products_that_overflow_give_null_and_enomem(void)
{
	size_t half = opaque((size_t)1 << 32);
	void *kept = malloc(10);

	errno = 0;
	CHECK(calloc(half, half) == NULL && errno == ENOMEM);
	errno = 0;
	CHECK(calloc(half + 1, half) == NULL && errno == ENOMEM);
	errno = 0;
	CHECK(reallocarray(kept, half, half) == NULL && errno == ENOMEM);
	errno = 0;
	CHECK(reallocarray(NULL, half + 1, half) == NULL && errno == ENOMEM);
	kept = reallocarray(kept, 100, 10);
	CHECK(kept != NULL);
	free(kept);
}

static void success_and_free_leave_errno_alone(void)
{
	static const size_t sizes[] = {0, 1, 100, 5000, 100000, 5000000, 50000000};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		char *p, *q;

		errno = 4711;
		p = malloc(opaque(sizes[i]));
		q = calloc(1, opaque(sizes[i]));
		CHECK(p && q && errno == 4711);
		p = realloc(p, opaque(sizes[i] + 1000));
		CHECK(p && errno == 4711);
		free(p);
		free(q);
		CHECK(errno == 4711);
		free(NULL);
		CHECK(errno == 4711);
	}
}

static void realloc_null_and_zero(void)
{
	char *p = realloc(NULL, 100);

	CHECK(p != NULL);
	memset(p, 1, 100);
	CHECK(realloc(p, opaque(0)) == NULL);
	p = malloc(10000000);
	CHECK(p && realloc(p, opaque(0)) == NULL);
}

/*
 * Every function, every alignment, many sizes: the place is right, all of it is there, free takes
 * it.
 */
static void alignment_table(void)
{
	static const size_t sizes[] = {1,   15,	  16,	17,   31,   33,	   63,	   100,
				       255, 1000, 4095, 4096, 4097, 10000, 100000, 5000000};

	for (size_t align = 1; align <= (size_t)1 << 22; align *= 2) {
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			size_t size = opaque(sizes[i]),
			       least = align < 16 && size >= 16 ? 16 : align;
			char *p[4] = {NULL};

			if (align > 65536 && i % 4)
				continue;
			p[0] = memalign(align, size);
			p[1] = aligned_alloc(align, size);
			if (align >= sizeof(void *))
				CHECK(posix_memalign((void **)&p[2], align, size) == 0);
			for (int k = 0; k < 3; k++) {
				if (k == 2 && align < sizeof(void *))
					continue;
				CHECK(p[k] != NULL);
				CHECK((uintptr_t)p[k] % least == 0);
				CHECK(malloc_usable_size(p[k]) >= size);
				pattern_fill(p[k], size, (unsigned int)k);
			}
			for (int k = 0; k < 3; k++)
				CHECK(!p[k] || pattern_is(p[k], size, (unsigned int)k));
			free_aligned_sized(p[1], align, size);
			free(p[0]);
			free(p[2]);
		}
	}
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		char *p = malloc(sizes[i]), *v = valloc(sizes[i]), *w = pvalloc(sizes[i]);

		CHECK((uintptr_t)p % 16 == 0);
		CHECK(v && (uintptr_t)v % 4096 == 0);
		CHECK(w && (uintptr_t)w % 4096 == 0);
		memset(w, 1, (sizes[i] + 4095) / 4096 * 4096); /* pvalloc gives whole pages */
		cfree(p);
		free(v);
		free(w);
	}
}

static void wrong_alignments(void)
{
	void *p = (void *)1;
	char *q;

	errno = 4711;
	CHECK(posix_memalign(&p, 3, 10) == EINVAL && p == (void *)1 && errno == 4711);
	CHECK(posix_memalign(&p, 0, 10) == EINVAL);
	CHECK(posix_memalign(&p, 4, 10) == EINVAL);
	CHECK(posix_memalign(&p, 24, 10) == EINVAL);
	CHECK(posix_memalign(&p, SIZE_MAX, 10) == EINVAL && p == (void *)1 && errno == 4711);
	CHECK(posix_memalign(&p, (size_t)1 << 62, 10) == ENOMEM && p == (void *)1 && errno == 4711);
	errno = 0;
	CHECK(memalign(opaque(SIZE_MAX), 10) == NULL && errno == EINVAL);
	errno = 0;
	CHECK(memalign(opaque((size_t)1 << 62), 10) == NULL && errno == ENOMEM);
	for (int i = 0; i < 200; i++) { /* rounded up */
		q = memalign(opaque(48), 50 + (size_t)i * 8);
		CHECK(q && (uintptr_t)q % 64 == 0);
		q = memalign(opaque(1025), 50 + (size_t)i);
		CHECK(q && (uintptr_t)q % 2048 == 0);
	} /* not freed: the next ones lie elsewhere */
	q = memalign(opaque(0), 100);
	CHECK(q != NULL);
	free(q);
	q = aligned_alloc(64, opaque(100)); /* the size need be no multiple */
	CHECK(q && (uintptr_t)q % 64 == 0);
	free(q);
}

/* Before glibc 2.38 it rounded an alignment that is no power of two, since then it refuses. */
static void aligned_alloc_takes_what_the_c_library_takes(void)
{
	static const size_t aligns[] = {0, 1, 3, 24, 48, 1025, SIZE_MAX / 2 + 2, SIZE_MAX};
	void *libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
	void *(*theirs)(size_t align, size_t size) = NULL;

	if (libc)
		*(void **)&theirs = dlsym(libc, "aligned_alloc");
	for (size_t i = 0; theirs && i < sizeof(aligns) / sizeof(aligns[0]); i++) {
		char *p, *q;
		int error;

		errno = 0;
		q = theirs(opaque(aligns[i]), 10);
		error = errno;
		errno = 0;
		p = aligned_alloc(opaque(aligns[i]), 10);
		CHECK(!p == !q && errno == error);
		if (p && aligns[i])
			CHECK((uintptr_t)p % (aligns[i] & -aligns[i]) == 0);
		if (p && aligns[i] > 16) /* rounded up */
			CHECK((uintptr_t)p % 32 == 0);
		free(p);
	} /* theirs is never freed: free() is the drop-in's */
}

static void usable_size_is_all_usable(void)
{
	for (size_t size = 1; size < 300000; size += size / 7 + 1) {
		char *p = malloc(size);
		size_t usable = malloc_usable_size(p);

		CHECK(usable >= size);
		if (is_debug_build)
			CHECK(usable == size);
		memset(p, 0x5e, usable);
		free_sized(p, size);
	}
	CHECK(malloc_usable_size(NULL) == 0);
}

/* Dirty memory of each size, give it back, ask for zeroes. */
static void calloc_is_zero_after_reuse(void)
{
	for (size_t size = 1; size < 20000000; size += size / 5 + 1) {
		char *p[8];

		for (int round = 0; round < 2; round++) {
			for (int i = 0; i < (size > 100000 ? 2 : 8); i++) {
				p[i] = malloc(size);
				CHECK(p[i] != NULL);
				memset(p[i], 0xee, size);
			}
			for (int i = 0; i < (size > 100000 ? 2 : 8); i++)
				free(p[i]);
			for (int i = 0; i < (size > 100000 ? 2 : 8); i++) {
				p[i] = calloc(1, size);
				CHECK(p[i] != NULL);
				CHECK(bytes_are(p[i], size, 0));
			}
			for (int i = 0; i < (size > 100000 ? 2 : 8); i++)
				free(p[i]);
		}
	}
}

/* No two live objects overlap, contents stay, whatever is freed between. */
static void random_objects_keep_their_contents(void)
{
	enum { SLOTS = 400 };
	static unsigned char *slot[SLOTS];
	static size_t size[SLOTS];
	uint64_t x = 88172645463325252u;

	for (int step = 0; step < 40000; step++) {
		size_t i;

		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		i = x % SLOTS;
		if (slot[i]) {
			CHECK(pattern_is(slot[i], size[i], (unsigned int)i));
			free(slot[i]);
			slot[i] = NULL;
			continue;
		}
		size[i] = (x >> 20) % (x >> 60 ? 300 : 60000);
		slot[i] = malloc(size[i]);
		CHECK(slot[i] != NULL);
		pattern_fill(slot[i], size[i], (unsigned int)i);
	}
	for (size_t i = 0; i < SLOTS; i++)
		free(slot[i]);
}

static void figures_follow_what_is_in_use(void)
{
	struct mallinfo2 before = mallinfo2(), with;
	char *p = malloc(3000000), *huge = malloc(64 << 20);
	char *text = NULL;
	size_t len = 0;
	FILE *f;

	CHECK(p && huge);
	with = mallinfo2();
	CHECK(with.uordblks >= before.uordblks + 3000000);
	CHECK(with.hblks == before.hblks + 1);
	CHECK(with.hblkhd >= before.hblkhd + (64u << 20));
	CHECK(with.arena == with.uordblks + with.fordblks);
	free(huge);
	free(p);
	CHECK(mallinfo2().hblks == before.hblks);
	CHECK(mallopt(M_MMAP_THRESHOLD, 1 << 20) == 1);
	malloc_trim(0);
	f = open_memstream(&text, &len);
	CHECK(f && malloc_info(0, f) == 0);
	fclose(f);
	CHECK(len > 50 && strstr(text, "<malloc") == text && strstr(text, "</malloc>"));
	free(text);
	CHECK(malloc_info(1, stdout) == EINVAL);
}

int main(int argc, char **argv)
{
	require_drop_in(argc, argv);
	malloc_zero_is_an_object_of_its_own();
	impossible_sizes_give_null_and_enomem();
	products_that_overflow_give_null_and_enomem();
	success_and_free_leave_errno_alone();
	realloc_null_and_zero();
	alignment_table();
	wrong_alignments();
	aligned_alloc_takes_what_the_c_library_takes();
	usable_size_is_all_usable();
	calloc_is_zero_after_reuse();
	random_objects_keep_their_contents();
	figures_follow_what_is_in_use();
	puts("rules hold");
	return 0;
}

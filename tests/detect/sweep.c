/* SPDX-License-Identifier: MIT */
/*
 * sweep.c - one class of bug after the other, over all sizes, in a process on the debug drop-in.
 *
 *   sweep CLASS WHEN     WHEN: free, realloc, exit, leave - what has to find the damage
 *
 * Prints a line for each bug: kind, object, size, offset, length, family of allocation and of
 * release; run_sweep.py compares them with the reports. No address is used twice: what is damaged
 * is given up, the rest waits in a large quarantine.
 */
#include <dlfcn.h>
#include <malloc.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "sizes.h"

#define MARK 0x41
#define NONE "-"

static const char *when;
static unsigned long expected;

static int is_when(const char *what)
{
	return !strcmp(when, what);
}

static void expect(const char *kind, const void *object, size_t size, const char *offset,
		   const char *len, const char *alloc, const char *free_family)
{
	printf("%s 0x%lx %zu %s %s %s %s\n", kind, (unsigned long)(uintptr_t)object, size, offset,
	       len, alloc, free_family);
	expected++;
}

static const char *number(long value)
{
	static char text[4][24];
	static unsigned int next;
	char *p = text[next++ % 4];

	snprintf(p, sizeof(text[0]), "%ld", value);
	return p;
}

/* The damaged object meets what has to find it. */
static void expect_damage(const char *kind, char *p, size_t size, long offset, size_t len)
{
	expect(kind, p, size, number(offset), number((long)len), "malloc",
	       is_when("exit") ? NONE : "malloc");
	if (is_when("free"))
		free(p);
	else if (is_when("realloc"))
		free(realloc(p, size + 1));
}

static void overflow(void)
{
	for (size_t i = 0; i < nr_sizes; i++)
		for (size_t j = 0; j < NR(overflow_lens); j++) {
			char *p = malloc(sizes[i]);

			memset(p + sizes[i], MARK, overflow_lens[j]);
			expect_damage("heap-overflow", p, sizes[i], (long)sizes[i],
				      overflow_lens[j]);
		}
}

/* A zero byte alone, as strcpy leaves it, behind calloc's zeroes. */
static void overflow_by_zero(void)
{
	for (size_t i = 0; i < nr_sizes; i++) {
		char *p = calloc(1, sizes[i]);

		p[sizes[i]] = 0;
		expect_damage("heap-overflow", p, sizes[i], (long)sizes[i], 1);
	}
}

static void underwrite(void)
{
	for (size_t i = 0; i < nr_sizes; i++)
		for (size_t j = 0; j < NR(underwrite_lens); j++) {
			char *p = malloc(sizes[i]);

			memset(p - underwrite_lens[j], MARK, underwrite_lens[j]);
			expect_damage("heap-underwrite", p, sizes[i], -(long)underwrite_lens[j],
				      underwrite_lens[j]);
		}
}

static void damage_aligned(size_t align, size_t size)
{
	char *over = NULL, *under = NULL;

	if (posix_memalign((void **)&over, align, size) ||
	    posix_memalign((void **)&under, align, size))
		abort();
	over[size] = MARK;
	expect_damage("heap-overflow", over, size, (long)size, 1);
	under[-1] = MARK;
	expect_damage("heap-underwrite", under, size, -1, 1);
}

static void aligned(void)
{
	for (size_t align = 8; align <= 65536; align *= 2)
		for (size_t i = 0; i < nr_sizes; i += 1 + i / 8)
			damage_aligned(align, sizes[i]);
}

/* The red zone follows realloc, in place or not. */
static void resized(void)
{
	static const size_t percent[] = {10, 50, 90, 99, 101, 110, 200, 400};

	for (size_t i = 0; i < nr_sizes; i += 3)
		for (size_t j = 0; j < NR(percent); j++) {
			size_t size = sizes[i] * percent[j] / 100 + 1;
			char *p = realloc(malloc(sizes[i]), size);

			memset(p, MARK, size + 1);
			expect_damage("heap-overflow", p, size, (long)size, 1);
		}
}

static void stale_write(size_t size, size_t offset)
{
	volatile char *p = malloc(size);

	free((void *)p);
	p[offset] = MARK;
	expect("use-after-free-write", (void *)p, size, number((long)offset), "1", "malloc", NONE);
}

static void use_after_free(void)
{
	for (size_t i = 0; i < nr_sizes; i++) {
		size_t size = sizes[i];

		stale_write(size, 0);
		if (size > 2)
			stale_write(size, size / 2);
		if (size > 1)
			stale_write(size, size - 1);
	}
}

static void double_free(void)
{
	for (size_t i = 0; i < nr_sizes; i++) {
		void *p = malloc(sizes[i]);

		free(p);
		free(p);
		expect("double-free", p, sizes[i], NONE, NONE, "malloc", "malloc");
	}
}

static void free_inside(size_t size, size_t offset)
{
	char *p = malloc(size);

	free(p + offset);
	expect("invalid-free", p, size, number((long)offset), NONE, "malloc", "malloc");
	free(p);
}

static void invalid_free(void)
{
	for (size_t i = 0; i < nr_sizes; i++) {
		free_inside(sizes[i], 1);
		if (sizes[i] >= 4)
			free_inside(sizes[i], sizes[i] / 2);
	}
}

static void bad_realloc(void)
{
	for (size_t i = 0; i < nr_sizes; i++) {
		void *p = malloc(sizes[i]);

		free(p);
		if (realloc(p, sizes[i] + 10))
			abort();
		expect("bad-realloc", p, sizes[i], NONE, NONE, "malloc", "malloc");
		p = malloc(sizes[i]);
		free(p);
		if (malloc_usable_size(p))
			abort();
		expect("bad-realloc", p, sizes[i], NONE, NONE, "malloc", "malloc");
	}
}

/* The operators have no declaration in C: their mangled names are looked up in the drop-in. */
static void *operator_named(const char *name)
{
	void *p = dlsym(RTLD_DEFAULT, name);

	if (!p) {
		fprintf(stderr, "sweep: no %s, is this the drop-in?\n", name);
		exit(3);
	}
	return p;
}

static void family_mismatch(void)
{
	void *(*const allocate[])(size_t) = {
		malloc,
		operator_named("_Znwm"),
		operator_named("_Znam"),
	};
	void (*const release[])(void *) = {
		free,
		operator_named("_ZdlPv"),
		operator_named("_ZdaPv"),
	};
	static const char *const family[] = {"malloc", "new", "new[]"};

	for (size_t i = 0; i < nr_sizes; i++)
		for (size_t from = 0; from < 3; from++)
			for (size_t to = 0; to < 3; to++) {
				void *p = allocate[from](sizes[i]);

				release[to](p);
				if (from != to)
					expect("alloc-dealloc-mismatch", p, sizes[i], NONE, NONE,
					       family[from], family[to]);
			}
}

static void size_mismatch(void)
{
	void *(*const new)(size_t) = operator_named("_Znwm");
	void (*const delete)(void *, size_t) = operator_named("_ZdlPvm");

	for (size_t i = 0; i < nr_sizes; i++) {
		void *p = new (sizes[i]);

		delete (p, sizes[i] + (i % 2 ? 1 : -(size_t)1));
		expect("size-mismatch", p, sizes[i], NONE, NONE, "new", "new");
		delete (new (sizes[i]), sizes[i]);
	}
}

/* Beyond the largest block every object is a mapping of its own. */
static void huge(void)
{
	static const size_t size[] = {
		(4 << 20) - 129, (4 << 20) - 128,   (4 << 20) - 64, (4 << 20) - 1,
		4 << 20,	 (4 << 20) + 1,	    5000000,	    (8 << 20) - 64,
		8 << 20,	 (16 << 20) + 4095, 20000000,
	};

	nr_sizes = NR(size);
	memcpy(sizes, size, sizeof(size));
	overflow();
	overflow_by_zero();
	underwrite();
	double_free();
	invalid_free();
	bad_realloc();
	family_mismatch();
	size_mismatch();
}

static const struct {
	const char *name;
	void (*fn)(void);
} classes[] = {
	{"overflow", overflow},
	{"overflow-by-zero", overflow_by_zero},
	{"underwrite", underwrite},
	{"aligned", aligned},
	{"resized", resized},
	{"use-after-free", use_after_free},
	{"double-free", double_free},
	{"invalid-free", invalid_free},
	{"bad-realloc", bad_realloc},
	{"family-mismatch", family_mismatch},
	{"size-mismatch", size_mismatch},
	{"huge", huge},
};

/* Push everything out of a quarantine of 128 MiB. */
static void flood(void)
{
	for (int i = 0; i < 1400; i++)
		free(malloc(100000));
}

int main(int argc, char **argv)
{
	static char buffer[1 << 16];

	setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
	make_sizes();
	when = argc == 3 ? argv[2] : "";
	for (size_t i = 0; argc == 3 && i < NR(classes); i++)
		if (!strcmp(argv[1], classes[i].name))
			classes[i].fn();
	printf("bugs %lu over %zu sizes\n", expected, nr_sizes);
	fflush(stdout);
	if (is_when("leave")) {
		flood();
		raise(SIGKILL); /* no last look at the heap: it must have been found already */
	}
	return 0;
}

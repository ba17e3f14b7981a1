/* SPDX-License-Identifier: MIT */
/*
 * pairs.c - nothing but pairs of an allocation and a free, for instructions.py to count.
 *
 *   pairs malloc PAIRS             malloc and free: of whichever library was preloaded
 *   pairs kmalloc PAIRS LIBRARY    qy_kmalloc() and qy_kfree()
 *   pairs page PAIRS LIBRARY       qy_alloc_pages() and qy_free_pages(), one page
 *
 * LIBRARY is a libquarry.so, loaded at run time: one program measures the libraries of any build.
 * All of it is on the default instance.
 */
#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <quarry/quarry.h>

enum { SIZE = 64 };

static struct qy_mm *mm;
static void *(*kmalloc)(struct qy_mm *mm, size_t size, qy_gfp_t gfp);
static void (*kfree)(struct qy_mm *mm, const void *p);
static struct qy_page *(*alloc_pages)(struct qy_mm *mm, qy_gfp_t gfp, unsigned int order);
static void (*free_pages)(struct qy_mm *mm, struct qy_page *page, unsigned int order);

/* The compiler must not see that nobody uses @p: it would take the pair away. */
static void use(void *p)
{
	if (!p)
		abort();
	__asm__ volatile("" : : "r"(p) : "memory");
}

static void malloc_pairs(unsigned long n)
{
	while (n--) {
		void *p = malloc(SIZE);

		use(p);
		free(p);
	}
}

static void kmalloc_pairs(unsigned long n)
{
	while (n--) {
		void *p = kmalloc(mm, SIZE, QY_GFP_KERNEL);

		use(p);
		kfree(mm, p);
	}
}

static void page_pairs(unsigned long n)
{
	while (n--) {
		struct qy_page *page = alloc_pages(mm, QY_GFP_KERNEL, 0);

		use(page);
		free_pages(mm, page, 0);
	}
}

static const struct kind {
	const char *name;
	void (*run)(unsigned long n);
	bool library; /* of its own, instead of a preloaded one */
} kinds[] = {
	{"malloc", malloc_pairs, false},
	{"kmalloc", kmalloc_pairs, true},
	{"page", page_pairs, true},
};

/* The address of a function, into the pointer at @to: ISO C has no cast from one to the other. */
static bool find(void *library, const char *name, void *to)
{
	void *address = dlsym(library, name);

	if (!address)
		return false;
	memcpy(to, &address, sizeof(address));
	return true;
}

static bool load(const char *path)
{
	struct qy_mm *(*mm_default)(void);
	void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);

	if (!library || !find(library, "qy_mm_default", &mm_default) ||
	    !find(library, "qy_kmalloc", &kmalloc) || !find(library, "qy_kfree", &kfree) ||
	    !find(library, "qy_alloc_pages", &alloc_pages) ||
	    !find(library, "qy_free_pages", &free_pages)) {
		fprintf(stderr, "pairs: %s\n", dlerror());
		return false;
	}
	mm = mm_default();
	return mm != NULL;
}

int main(int argc, char **argv)
{
	const struct kind *kind = NULL;
	unsigned long n = argc >= 3 ? strtoul(argv[2], NULL, 10) : 0;

	for (size_t i = 0; argc >= 2 && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(argv[1], kinds[i].name))
			kind = &kinds[i];
	if (!kind || !n || argc != (kind->library ? 4 : 3)) {
		fprintf(stderr, "usage: pairs malloc N | pairs kmalloc|page N libquarry.so\n");
		return 2;
	}
	if (kind->library && !load(argv[3]))
		return 1;
	kind->run(n);
	return 0;
}

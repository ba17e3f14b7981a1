/* SPDX-License-Identifier: MIT */
/*
 * test_compat.c - kernel-style code, as it would stand in a driver: compiles unchanged and works.
 */
#include <stdio.h>

#include <quarry/linux_compat.h>

struct node {
	struct node *next;
	int value;
};

static int failed;

static void expect(int ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "not true: %s\n", what);
	failed = 1;
}
#define EXPECT(x) expect(!!(x), #x)

static void set_up(void *object)
{
	((struct node *)object)->value = 42;
}

static void caches(void)
{
	struct kmem_cache *s =
		kmem_cache_create("node", sizeof(struct node), 0, SLAB_HWCACHE_ALIGN, set_up);
	struct node *head = NULL, *n;
	void *batch[32];

	EXPECT(s);
	for (int i = 0; i < 1000; i++) {
		n = (struct node *)kmem_cache_alloc(s, GFP_KERNEL);
		EXPECT(n && n->value == 42);
		n->next = head;
		head = n;
	}
	for (; head; head = n) {
		n = head->next;
		kmem_cache_free(s, head);
	}
	EXPECT(kmem_cache_alloc_bulk(s, GFP_KERNEL, 32, batch) == 32);
	kmem_cache_free_bulk(s, 32, batch);
	kmem_cache_destroy(s);
	kmem_cache_destroy(NULL);
}

static void by_size(void)
{
	char *p = (char *)kzalloc(100, GFP_KERNEL), *q;

	EXPECT(p && !p[0] && !p[99] && ksize(p) >= 100);
	p[99] = 7;
	p = (char *)krealloc(p, 5000, GFP_KERNEL);
	EXPECT(p && p[99] == 7);
	kfree(p);
	kfree(NULL);
	EXPECT(kmalloc(0, GFP_KERNEL) == ZERO_SIZE_PTR);
	kfree(ZERO_SIZE_PTR);
	EXPECT(!kmalloc_array((size_t)-1, 16, GFP_KERNEL));
	q = kstrdup("quarry", GFP_KERNEL);
	EXPECT(q && !strcmp(q, "quarry"));
	kfree(q);
	p = (char *)vmalloc(10000);
	EXPECT(p);
	memset(p, 1, 10000);
	vfree(p);
}

static void pages(void)
{
	struct page *page = alloc_pages(GFP_KERNEL, 2);
	unsigned long addr = __get_free_pages(GFP_KERNEL | __GFP_ZERO, 0);

	EXPECT(page && addr);
	memset(page_address(page), 1, 4 * qy_mm_page_size(qy_mm_default()));
	EXPECT(!*(char *)addr);
	__free_pages(page, 2);
	free_pages(addr, 0);
}

static void more_pages(void)
{
	size_t size = qy_mm_page_size(qy_mm_default());
	struct page *page = alloc_pages_node(NUMA_NO_NODE, GFP_HIGHUSER_MOVABLE | __GFP_COMP, 3);
	char *exact = (char *)alloc_pages_exact(9 * size, GFP_USER);
	unsigned long addr = get_zeroed_page(GFP_NOFS);

	EXPECT(page && exact && addr && !*(char *)addr);
	EXPECT(compound_head(virt_to_page((char *)page_address(page) + 5 * size)) == page);
	EXPECT(page_to_nid(page) == 0 && !alloc_pages_node(1, GFP_KERNEL, 0));
	EXPECT(page_to_pfn(virt_to_page(exact + size)) == page_to_pfn(virt_to_page(exact)) + 1);
	get_page(page);
	__free_pages(page, 3); /* one reference is left */
	memset(page_address(page), 1, 8 * size);
	put_page(page);
	memset(exact, 1, 9 * size);
	free_pages_exact(exact, 9 * size);
	free_page(addr);
	page = alloc_pages(GFP_KERNEL, 1);
	EXPECT(page);
	split_page(page, 1);
	__free_page(virt_to_page((char *)page_address(page) + size));
	__free_page(page);
	page = alloc_page(GFP_KERNEL);
	EXPECT(page);
	__free_page(page);
	drain_all_pages(NULL);
}

int main(void)
{
	caches();
	by_size();
	pages();
	more_pages();
	return failed;
}

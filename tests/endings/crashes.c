/* SPDX-License-Identifier: MIT */
/* crashes.c - accesses that the system refuses: argv[1] says which, run_crashes.py what is told. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

struct node {
	struct node *next;
	long a, b;
};

static size_t opaque(size_t n)
{
	volatile size_t v = n;

	return v;
}

static long walk_freed(void)
{
	struct node *head = calloc(1, sizeof(*head));
	long sum = 0;

	head->next = calloc(1, sizeof(*head));
	for (struct node *n = head; n; n = n->next) { /* reads what was freed */
		sum += n->a;
		free(n);
	}
	return sum;
}

static long follow_unwritten(void)
{
	struct node *volatile n = malloc(opaque(sizeof(*n)));

	return n->next->a;
}

static void write_behind(char *p, size_t size, size_t more)
{
	memset(p, 1, opaque(size + more));
}

/* A register may hold the filling: the address has nothing to do with it. */
static long follow_null(void)
{
	struct node *volatile n = malloc(opaque(sizeof(*n)));
	volatile uintptr_t filling = (uintptr_t)n->next;
	struct node *volatile none = (struct node *)opaque(0);

	return none->a + (long)filling;
}

int main(int argc, char **argv)
{
	const struct rlimit no_core = {0, 0};
	char *volatile p = malloc(opaque(6000000));
	const char *way = argc > 1 ? argv[1] : "";

	setrlimit(RLIMIT_CORE, &no_core);
	if (!strcmp(way, "freed-node"))
		return walk_freed() != 0;
	if (!strcmp(way, "unwritten"))
		return follow_unwritten() != 0;
	if (!strcmp(way, "null"))
		return follow_null() != 0;
	if (!strcmp(way, "guard"))
		write_behind(p, 6000000, 10000);
	if (!strcmp(way, "read-behind"))
		return p[opaque(6000000 + 4000)];
	if (!strcmp(way, "far-before"))
		p[-(ptrdiff_t)opaque(1000)] = 1;
	free(p);
	if (!strcmp(way, "freed-area"))
		p[opaque(100)] = 1;
	return 0;
}

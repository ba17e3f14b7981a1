/* SPDX-License-Identifier: MIT */
/*
 * invalid_free_mmap.c - a mapping of the program's own is given to free.
 *
 * expect: invalid-free size=0 alloc=-
 * found: free < drop < main
 */
#include <stdlib.h>
#include <sys/mman.h>

static void drop(char *p)
{
	free(p);
}

int main(void)
{
	char *p = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	drop(p);
	return 0;
}

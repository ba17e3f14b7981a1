/* SPDX-License-Identifier: MIT */
/*
 * overflow_before_underscore_exit.c - the program leaves through _exit(), which runs no
 * destructor.
 *
 * expect: heap-overflow offset=24 size=24 len=1 found=0x41 free=-
 * allocated: malloc < make < main
 * end: exit status 3
 */
#include <stdlib.h>
#include <unistd.h>

static volatile char *make(size_t size)
{
	return malloc(size);
}

int main(void)
{
	make(24)[24] = 'A';
	_exit(3);
}

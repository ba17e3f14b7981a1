/* SPDX-License-Identifier: MIT */
/*
 * use_after_free_large_100000.c - byte 50000 of a freed object of 100000 bytes.
 *
 * expect: use-after-free-write offset=50000 size=100000 len=1 found=0x41 free=-
 * allocated: malloc < open_session < main
 * freed: free < close_session < main
 */
#include <stdlib.h>

static volatile char *open_session(size_t size)
{
	return malloc(size);
}

static void close_session(volatile char *session)
{
	free((void *)session);
}

int main(void)
{
	volatile char *session = open_session(100000);

	close_session(session);
	session[50000] = 'A';
	return 0;
}

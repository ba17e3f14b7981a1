/* SPDX-License-Identifier: MIT */
/*
 * use_after_free_large_300000.c - byte 299999 of a freed object of 300000 bytes.
 *
 * expect: use-after-free-write offset=299999 size=300000 len=1 found=0x41 free=-
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
	volatile char *session = open_session(300000);

	close_session(session);
	session[299999] = 'A';
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * use_after_free_last_requested.c - the last byte that was asked for; the class is larger.
 *
 * expect: use-after-free-write offset=19 size=20 len=1 found=0x41 free=-
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
	volatile char *session = open_session(20);

	close_session(session);
	session[19] = 'A';
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * use_after_free_last.c - the last byte of a freed object, where the poison's end byte is.
 *
 * expect: use-after-free-write offset=63 size=64 len=1 found=0x41 free=-
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
	volatile char *session = open_session(64);

	close_session(session);
	session[63] = 'A';
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * overflow_in_thread.c - a thread damages an object of its own, the main thread frees it.
 *
 * expect: heap-overflow offset=33 size=33 len=1 found=0x41
 * allocated: malloc < in_thread
 * found: free < main
 */
#include <pthread.h>
#include <stdlib.h>

static void *in_thread(void *arg)
{
	volatile char *p = malloc(33);

	(void)arg;
	p[33] = 'A';
	return (void *)p;
}

int main(void)
{
	pthread_t thread;
	void *p;

	pthread_create(&thread, NULL, in_thread, NULL);
	pthread_join(thread, &p);
	free(p);
	return 0;
}

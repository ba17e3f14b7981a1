/* SPDX-License-Identifier: MIT */
/*
 * use_after_free_other_thread.c - one thread allocates, another frees, the first writes.
 *
 * expect: use-after-free-write offset=0 size=40 len=1 found=0x41 free=-
 * allocated: malloc < main
 * freed: free < in_thread
 */
#include <pthread.h>
#include <stdlib.h>

static void *in_thread(void *arg)
{
	free(arg);
	return NULL;
}

int main(void)
{
	volatile char *p = malloc(40);
	pthread_t thread;

	pthread_create(&thread, NULL, in_thread, (void *)p);
	pthread_join(thread, NULL);
	p[0] = 'A';
	return 0;
}

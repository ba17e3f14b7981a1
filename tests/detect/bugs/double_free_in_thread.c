/* SPDX-License-Identifier: MIT */
/*
 * double_free_in_thread.c - two threads free one object.
 *
 * expect: double-free size=32
 * allocated: malloc < main
 * freed: free < in_thread
 * found: free < main
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
	void *p = malloc(32);
	pthread_t thread;

	pthread_create(&thread, NULL, in_thread, p);
	pthread_join(thread, NULL);
	free(p);
	return 0;
}

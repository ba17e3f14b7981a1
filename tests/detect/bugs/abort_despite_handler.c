/* SPDX-License-Identifier: MIT */
/*
 * abort_despite_handler.c - a handler of the program's for SIGABRT is not called: it might use
 * the heap.
 *
 * options: --abort
 * expect: double-free size=20
 * allocated: malloc < main
 * freed: free < main
 * found: free < main
 * end: killed by signal 6 (Aborted)
 */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static void handler(int sig)
{
	(void)sig;
	_exit(0);
}

int main(void)
{
	void *p = malloc(20);

	signal(SIGABRT, handler);
	free(p);
	free(p);
	return 0;
}

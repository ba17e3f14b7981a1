/* SPDX-License-Identifier: MIT */
/*
 * overflow_in_child.c - each process looks at its own heap: the child damages, the parent stays
 * sound.
 *
 * expect: heap-overflow offset=48 size=48 len=1 found=0x41
 * allocated: malloc < make < in_child < main
 * found: free < in_child < main
 * end: exit status 7
 */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile char *make(size_t size)
{
	return malloc(size);
}

static void in_child(void)
{
	volatile char *p = make(48);

	p[48] = 'A';
	free((void *)p);
	exit(7);
}

int main(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		in_child();
	waitpid(pid, &status, 0);
	return WEXITSTATUS(status);
}

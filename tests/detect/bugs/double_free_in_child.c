/* SPDX-License-Identifier: MIT */
/*
 * double_free_in_child.c - the child of fork() frees what its parent had freed.
 *
 * expect: double-free size=32
 * allocated: malloc < main
 * freed: free < main
 * found: free < in_child < main
 */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void in_child(void *p)
{
	free(p);
	_exit(0);
}

int main(void)
{
	void *p = malloc(32);
	pid_t pid;

	free(p);
	pid = fork();
	if (pid == 0)
		in_child(p);
	waitpid(pid, NULL, 0);
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * overflow_of_parents_object_in_child.c - the child of fork() writes past an object its parent
 * made; its copy is damaged, not the parent's.
 *
 * expect: heap-overflow offset=48 size=48 len=2 found=0x41 free=-
 * allocated: malloc < make < main
 * end: exit status 0
 */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile char *make(size_t size)
{
	return malloc(size);
}

int main(void)
{
	volatile char *p = make(48);
	pid_t pid = fork();

	if (pid == 0) {
		p[48] = p[49] = 'A';
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	free((void *)p);
	return 0;
}

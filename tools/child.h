/* SPDX-License-Identifier: MIT */
/*
 * child.h - the program under the tool: started, watched, its signals handed on.
 */
#ifndef QUARRY_CHILD_H
#define QUARRY_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

struct child {
	pid_t pid;
	int signals;	/* signalfd */
	int exec_errno; /* why it could not be executed, or 0 */
	bool ended;
	int status; /* of waitpid(), once ended */
};

/*
 * Start @path with @argv and this process's environment. Signals that end a program are taken from
 * here on, and passed to it by child_wait().
 * Return: 0, or -errno (of the fork; the exec's error is in @child->exec_errno).
 */
int child_start(struct child *child, const char *path, char *const *argv);

/*
 * Wait until the program ended, @fd (or -1) is readable, or @timeout milliseconds passed.
 * Return: is @fd readable?
 */
bool child_wait(struct child *child, int fd, int timeout);

#endif

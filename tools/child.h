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
	int sigchld;	/* signalfd */
	int exec_errno; /* why it could not be executed, or 0 */
	bool ended;
	int status; /* of waitpid(), once ended */
};

/*
 * From here on signals that would end this process wait; a broken pipe is an error of the write.
 */
void child_prepare(struct child *child);
/*
 * Start @path with @argv and this process's environment, and the signals as they were before
 * child_prepare(). Signals, also those that waited, are passed to it at once, whatever this process
 * is doing; when it has ended, they end this process (cleanup_die()).
 * Return: 0, or -errno (of the fork; the exec's error is in @child->exec_errno).
 */
int child_start(struct child *child, const char *path, char *const *argv);

/*
 * Wait until the program ended, one of @fds (-1: none) is readable, or @timeout milliseconds
 * passed. Return: a bit for each of @fds that is readable.
 */
unsigned int child_wait(struct child *child, const int fds[2], int timeout);

#endif

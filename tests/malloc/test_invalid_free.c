/* SPDX-License-Identifier: MIT */
/*
 * test_invalid_free.c - a pointer into a small object is given to free(): it must not be handed out
 * again. The release build tells it and ends the program; the debug build is told to go on.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "check.h"

static void free_inside(size_t size, size_t offset)
{
	char *p = malloc(size), *q = p + opaque(offset);

	CHECK(p != NULL);
	free(q);
	for (int i = 0; i < 200; i++) {
		char *again = malloc(size);

		CHECK(again + size <= p || again >= p + size);
	}
}

/* All that comes, until the other end is closed. */
static size_t max_read(int fd, char *to, size_t size)
{
	size_t n = 0;
	ssize_t got;

	while (n < size && (got = read(fd, to + n, size - n)) > 0)
		n += (size_t)got;
	return n;
}

static void check_in_child(size_t size, size_t offset)
{
	int status, fd[2];
	char text[4096];
	pid_t child;

	CHECK(!pipe(fd));
	child = fork();
	CHECK(child >= 0);
	if (!child) {
		dup2(fd[1], STDERR_FILENO);
		free_inside(size, offset);
		_exit(0);
	}
	close(fd[1]);
	text[max_read(fd[0], text, sizeof(text) - 1)] = '\0';
	close(fd[0]);
	CHECK(waitpid(child, &status, 0) == child);
	if (is_debug_build) {
		CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
		return;
	}
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	CHECK(strstr(text, "Invalid object pointer"));
}

int main(int argc, char **argv)
{
	static const size_t sizes[] = {16, 24, 48, 64, 100, 300, 640, 1000, 3000, 8000};

	require_drop_in(argc, argv);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		check_in_child(sizes[i], 1);
		check_in_child(sizes[i], 8);
		check_in_child(sizes[i], sizes[i] - 1);
		if (sizes[i] > 16)
			check_in_child(sizes[i], 16);
		free(malloc(sizes[i])); /* and right pointers pass */
	}
	return 0;
}

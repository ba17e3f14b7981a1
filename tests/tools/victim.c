/* SPDX-License-Identifier: MIT */
/*
 * victim.c - a program with a bug of the heap, after it did what keeps reports from arriving. Each
 * argument is one step:
 *
 *   bug          one byte written behind a block, which is freed then
 *   setuid       becomes another user          chroot    sees an empty folder as the root
 *   fsize nofile no file may grow, none be opened
 *   closeall     closes all descriptors from 3 on
 *   taken=DIR    … and opens files of its own in their place, up to the limit and, where the limit
 *                can be raised, beyond; they are empty at the end
 *   stderr=FILE  closes standard error; FILE, which is opened next, becomes descriptor 2
 *   daemon       goes on in the background     fork      the rest is done by a child
 *   gone         all folders quarry-* in TMPDIR are removed
 *   sleep        half a second
 *   closed       0, 1 and 2 must be closed
 *   spawn=PROG   PROG is started by posix_spawn() and waited for; execl=PROG: by execl()
 *
 * Exit: 0; 9 when a step could not be done; 8 when a file of its own was written into.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <glob.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST_FDS 5000

extern char **environ;

static int first_taken, last_taken = -1;

static int bug(void)
{
	volatile size_t size = 10; /* the compiler shall not see it */
	volatile char *p = malloc(size);

	p[size] = 'x';
	free((void *)p);
	return 0;
}

static int limit(int what)
{
	const struct rlimit none = {0, 0};

	return setrlimit(what, &none);
}

static int take(const char *dir)
{
	char path[4096];
	struct rlimit most = {MOST_FDS, MOST_FDS};
	int fd;

	closefrom(3);
	getrlimit(RLIMIT_NOFILE, &most);
	most.rlim_cur = most.rlim_max < MOST_FDS ? most.rlim_max : MOST_FDS;
	setrlimit(RLIMIT_NOFILE, &most);
	snprintf(path, sizeof(path), "%s/own", dir);
	first_taken = fd = open(path, O_CREAT | O_RDWR | O_APPEND, 0600);
	while (fd >= 0) {
		last_taken = fd;
		fd = dup(fd);
	}
	return last_taken < 0;
}

/* Room for the report's way out is made by the last of them. */
static int check_taken(void)
{
	struct stat st;

	if (last_taken < 0)
		return 0;
	return fstat(first_taken, &st) == 0 && st.st_size == 0 ? 0 : 8;
}

static int gone(void)
{
	char pattern[4096];
	glob_t found;

	snprintf(pattern, sizeof(pattern), "%s/quarry-*", getenv("TMPDIR"));
	if (glob(pattern, 0, NULL, &found) != 0)
		return 9;
	for (size_t i = 0; i < found.gl_pathc; i++)
		if (rename(found.gl_pathv[i], "elsewhere") != 0)
			return 9;
	globfree(&found);
	return 0;
}

static int spawn(const char *path)
{
	char *argv[] = {(char *)path, NULL};
	int status;
	pid_t pid;

	if (posix_spawn(&pid, path, NULL, NULL, argv, environ) != 0)
		return 9;
	return waitpid(pid, &status, 0) != pid;
}

static int run_execl(const char *path)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		execl("/nonexistent/program", "x", (char *)NULL);
		execle(path, "x", "1", "2", (char *)NULL, environ);
		_exit(9);
	}
	return waitpid(pid, &status, 0) != pid;
}

static int new_stderr(const char *path)
{
	close(2);
	return open(path, O_CREAT | O_RDWR, 0600) != 2;
}

static int fork_here(void)
{
	int status;
	pid_t pid = fork();

	if (pid > 0) {
		waitpid(pid, &status, 0);
		exit(WEXITSTATUS(status));
	}
	return pid != 0;
}

static int closed(void)
{
	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			return 9;
	return 0;
}

static int step(const char *what)
{
	const char *value = strchr(what, '=');

	value = value ? value + 1 : "";
	switch (what[0] * 256 + what[1]) {
	case 'b' * 256 + 'u': return bug();
	case 's' * 256 + 'e': return setgid(65534) || setuid(65534);
	case 'c' * 256 + 'h': return chroot(getenv("TMPDIR"));
	case 'f' * 256 + 's': return limit(RLIMIT_FSIZE);
	case 'n' * 256 + 'o': return limit(RLIMIT_NOFILE);
	case 't' * 256 + 'a': return take(value);
	case 'd' * 256 + 'a': return daemon(1, 0);
	case 'f' * 256 + 'o': return fork_here();
	case 'g' * 256 + 'o': return gone();
	case 's' * 256 + 'l': return usleep(500000);
	case 's' * 256 + 't': return new_stderr(value);
	case 's' * 256 + 'p': return spawn(value);
	case 'e' * 256 + 'x': return run_execl(value);
	default: break;
	}
	if (strcmp(what, "closed") == 0)
		return closed();
	closefrom(3);
	return strcmp(what, "closeall") != 0;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (step(argv[i]) != 0)
			return 9;
	return check_taken();
}

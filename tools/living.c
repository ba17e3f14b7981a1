/* SPDX-License-Identifier: MIT */
/*
 * living.c - processes that go on, found in /proc: the dead leave no trace there, and the living of
 * another user are not readable.
 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tool.h"

#define ENVIRONMENT_SIZE (4u << 20)
#define NAMED 8 /* processes */

/* @what of a process; its length, 0: not to be had. */
static size_t read_proc(long pid, const char *what, char *text, size_t size)
{
	char *path = tool_printf("/proc/%ld/%s", pid, what);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t got = fd < 0 ? 0 : 1;

	for (; got > 0 && len<size; len += got> 0 ? (size_t)got : 0)
		got = read(fd, text + len, size - len);
	if (fd >= 0)
		close(fd);
	free(path);
	return len;
}

bool process_is_alive(long pid)
{
	char text[512];
	size_t len = read_proc(pid, "stat", text, sizeof(text) - 1);
	const char *end;

	text[len] = '\0';
	end = strrchr(text, ')'); /* the name may hold anything */
	if (!end)
		return false;
	return strncmp(end, ") Z", 3) != 0 && strncmp(end, ") X", 3) != 0;
}

static bool holds_socket(long pid, int fd, unsigned long inode)
{
	char *path = tool_printf("/proc/%ld/fd/%d", pid, fd);
	char *wanted = tool_printf("socket:[%lu]", inode);
	char found[64] = "";
	bool same = readlink(path, found, sizeof(found) - 1) > 0 && strcmp(found, wanted) == 0;

	free(path);
	free(wanted);
	return same;
}

static bool has_in_environment(long pid, const char *mark, char *buffer)
{
	size_t len = read_proc(pid, "environ", buffer, ENVIRONMENT_SIZE);

	return len && memmem(buffer, len, mark, strlen(mark));
}

static char *append_name(char *names, long pid)
{
	char name[32], *longer;
	size_t len = read_proc(pid, "comm", name, sizeof(name) - 1);

	name[len] = '\0';
	name[strcspn(name, "\n")] = '\0';
	longer = tool_printf("%s%s%ld (%s)", names ? names : "", names ? ", " : "", pid, name);
	free(names);
	return longer;
}

char *processes_living(const char *mark, int fd, unsigned long inode, unsigned int *nr)
{
	char *buffer = tool_alloc(ENVIRONMENT_SIZE), *names = NULL;
	DIR *dir = opendir("/proc");
	const struct dirent *entry;

	*nr = 0;
	while (dir && (entry = readdir(dir))) {
		long pid = isdigit((unsigned char)entry->d_name[0]) ? atol(entry->d_name) : 0;

		if (!pid || pid == getpid() ||
		    (!holds_socket(pid, fd, inode) && !has_in_environment(pid, mark, buffer)) ||
		    !process_is_alive(pid))
			continue;
		if ((*nr)++ < NAMED)
			names = append_name(names, pid);
	}
	if (dir)
		closedir(dir);
	free(buffer);
	return names;
}

/* SPDX-License-Identifier: MIT */
/*
 * cleanup.c - the folder of a run goes when the tool does, also by a signal.
 *
 * Called by the handler of child.c, too. It uses system calls alone: opendir() would ask malloc,
 * which the signal may have interrupted.
 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tool.h"

static char folder[PATH_MAX];

/* As the kernel gives it. */
struct entry {
	uint64_t inode;
	int64_t offset;
	uint16_t length;
	uint8_t type;
	char name[];
};

static void remove_files(int dir)
{
	char entries[4096] __attribute__((aligned(8)));
	long got;

	while ((got = syscall(SYS_getdents64, dir, entries, sizeof(entries))) > 0) {
		for (long at = 0; at < got;) {
			const struct entry *e = (const void *)(entries + at);

			unlinkat(dir, e->name, 0); /* "." and ".." are refused */
			at += e->length;
		}
	}
}

void cleanup_now(void)
{
	int dir = folder[0] ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (dir < 0)
		return;
	remove_files(dir);
	close(dir);
	rmdir(folder);
	folder[0] = '\0';
}

void cleanup_die(int signal_number)
{
	sigset_t set;

	cleanup_now();
	signal(signal_number, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, signal_number);
	raise(signal_number);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

void cleanup_folder(const char *path)
{
	if (strlen(path) < sizeof(folder))
		strcpy(folder, path);
}

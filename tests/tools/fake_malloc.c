/* SPDX-License-Identifier: MIT */
/*
 * fake_malloc.c - stands in for libquarry-malloc-debug.so: writes made-up reports at the end of the
 * process, where QUARRY_DEBUG says. FAKE_REPORTS holds numbers of equal reports, parted by blanks:
 *
 *   FAKE_REPORTS="5 1"   five of one origin, one of another
 *   FAKE_REPORTS="0"     only a line that is no report
 *   FAKE_REPORTS="-2"    two that break off
 *   FAKE_MOVES=1         each has other addresses
 *   FAKE_CALLER=1        all lie in one function, each origin has a caller of its own
 *   FAKE_ONLY=NAME       only the program of that name reports
 *
 * It announces itself over the channel as the real one does (lib/malloc/announce.c).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RULE "============================================================================="
#define THIN "-----------------------------------------------------------------------------"

static int sequence;

/* "… report=/dir/report.%p" with the process id put in. */
static int open_file(void)
{
	const char *debug = getenv("QUARRY_DEBUG");
	const char *item = debug ? strstr(debug, "report=/") : NULL;
	char path[4096];
	size_t len;

	if (!item)
		return -1;
	item += strlen("report=");
	len = strcspn(item, " ");
	if (len < 2 || len > 4000 || strncmp(item + len - 2, "%p", 2) != 0)
		return -1;
	snprintf(path, sizeof(path), "%.*s%d", (int)len - 2, item, (int)getpid());
	return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

__attribute__((constructor)) static void announce(void)
{
	const char *debug = getenv("QUARRY_DEBUG");
	const char *item = debug ? strstr(debug, "channel=") : NULL;
	char line[4200] = "QYM start ours ";
	size_t len = strlen(line);
	ssize_t path;

	if (!item)
		return;
	path = readlink("/proc/self/exe", line + len, 4096);
	len += path > 0 ? (size_t)path : 0;
	line[len++] = '\n';
	if (send(atoi(item + strlen("channel=")), line, len, MSG_NOSIGNAL) < 0)
		perror("fake_malloc");
}

static int compose(char *text, size_t size, int hash)
{
	int moved = getenv("FAKE_MOVES") ? sequence << 12 : 0;
	int place = getenv("FAKE_CALLER") ? 9 : hash;

	return snprintf(
		text, size,
		RULE
		"\nBUG kmalloc-32 (%s[%d]): Right Redzone overwritten\n" THIN "\n\n"
		"Quarry: heap overflow: 1 byte behind a 24-byte object was written\n"
		"QY seq=%d kind=heap-overflow cache=kmalloc-32 object=0x%x size=24 offset=24 "
		"len=1 expected=0xcc found=0x41 alloc=malloc free=- hash=0x%x\n"
		"Allocated age=5ms cpu=0 tid=%d\n    #0 0x5000 (/nowhere/libquarry-x.so+0x10)\n"
		"    #1 0x%x (/nowhere/prog+0x%d00)\n    #2 0x8000 (/nowhere/prog+0x%d20)\n"
		"Found at tid=%d\n    #0 0x7000 (/nowhere/prog+0x%d10)\n" RULE "\n",
		program_invocation_short_name, (int)getpid(), ++sequence, 0x1000 + moved,
		0xabc0 + hash + moved, (int)getpid(), 0x6000 + moved, place, hash, (int)getpid(),
		place);
}

static void write_reports(int fd, int count, int hash)
{
	char text[4096];
	int len;

	if (count == 0 && write(fd, "a line outside of reports\n", 26) != 26)
		return;
	for (int i = 0; i < abs(count); i++) {
		len = compose(text, sizeof(text), hash);
		if (count < 0)
			len -= 100;
		if (write(fd, text, (size_t)len) != len)
			return;
	}
}

__attribute__((destructor)) static void finish(void)
{
	const char *counts = getenv("FAKE_REPORTS");
	const char *only = getenv("FAKE_ONLY");
	int fd, hash = 1;
	char *end;

	if (!counts || (only && strcmp(only, program_invocation_short_name) != 0))
		return;
	fd = open_file();
	if (fd < 0)
		return;
	while (*counts) {
		write_reports(fd, (int)strtol(counts, &end, 10), hash++);
		counts = end + strspn(end, " ");
	}
	close(fd);
}

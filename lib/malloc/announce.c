/* SPDX-License-Identifier: MIT */
/*
 * announce.c - tells `quarry check` which processes it watches, and which it loses sight of.
 *
 *   QYM start ours|other PATH   the drop-in is in this program; whose malloc its calls reach
 *   QYM reached                 … other, but that one calls ours (at the end)
 *   QYM exec PATH               this process is about to become PATH …
 *   QYM stay                    … but could not
 *   QYM spawn PID PATH          a child was started that runs PATH
 *
 * Each a line of its own, sent as reports are. A process that became another program and does not
 * say "start" is not watched: static, setuid, of another machine, or without LD_PRELOAD. Only where
 * the tool listens (channel=), and in the debug build. A child of vfork() may call: all is on the
 * stack. errno stays.
 */
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdlib.h>
#include <unistd.h>

#include "debug/debug.h"
#include "malloc/malloc_internal.h"
#include "util/fmt.h"

#define LINE_SIZE 1200
#define PATH_SIZE 1024

static void send_line(const char *what, long pid, const char *path)
{
	char text[LINE_SIZE];
	struct qy__buf buf = {.p = text, .cap = sizeof(text) - 1};
	int saved = errno;
	size_t from, end;

	qy__fmt(&buf, "QYM %s ", what);
	if (pid)
		qy__fmt(&buf, "%ld ", pid);
	from = buf.len;
	qy__fmt(&buf, "%.*s", PATH_SIZE, path);
	end = buf.len < buf.cap ? buf.len : buf.cap - 1;
	for (size_t i = from; i < end; i++)
		if (text[i] == '\n')
			text[i] = '?';
	text[end++] = '\n';
	qy__out_tool(text, end);
	errno = saved;
}

/*
 * Does a call of malloc from the program reach the drop-in? A program that was linked at a fixed
 * address may have an entry for malloc that only leads to the one meant: no definition.
 */
static bool is_ours(void)
{
	void *at = dlsym(RTLD_DEFAULT, "malloc");
	ElfW(Sym) *symbol = NULL;
	Dl_info info;

	if ((uintptr_t)at == (uintptr_t)malloc)
		return true;
	return at && dladdr1(at, &info, (void **)&symbol, RTLD_DL_SYMENT) && symbol &&
	       symbol->st_shndx == SHN_UNDEF;
}

static void read_exe(char *path, size_t size)
{
	long len = readlink("/proc/self/exe", path, size - 1);

	path[len > 0 ? len : 0] = '\0';
}

/* Grows with the calls that arrive: each call has a stack, each free is kept back. */
static uint64_t traces(void)
{
	const struct qy_mm *mm = qy__malloc_mm;

	return mm && mm->debug ? mm->debug->depot.nr_stacks + mm->debug->quarantine.count : 0;
}

static bool other;
static uint64_t traces_then;

void qy__announce_start(void)
{
	char path[PATH_SIZE];

	if (!qy__out_has_channel())
		return;
	read_exe(path, sizeof(path));
	other = !is_ours();
	dlerror(); /* a failure is ours: the program shall not read it */
	send_line(other ? "start other" : "start ours", 0, path);
	traces_then = traces();
}

/* A malloc of the program may only count, or log, and call the next one. */
__attribute__((destructor(101))) static void finish(void)
{
	if (other && traces() > traces_then)
		send_line("reached", 0, "");
}

void qy__announce_exec(const char *path)
{
	if (qy__out_has_channel())
		send_line("exec", 0, path ? path : "");
}

void qy__announce_stay(void)
{
	if (qy__out_has_channel())
		send_line("stay", 0, "");
}

void qy__announce_spawn(long pid, const char *path)
{
	if (qy__out_has_channel())
		send_line("spawn", pid, path ? path : "");
}

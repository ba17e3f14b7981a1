/* SPDX-License-Identifier: MIT */
/*
 * target.c - the program to be run: where it is, and whether a library can be preloaded into it.
 *
 * The dynamic loader drops a preload without a word (a setuid program) or is not there at all (a
 * static program): "no reports" would then be a lie, so both are refused beforehand. Of the
 * program's children the same is told afterwards.
 */
#include "tool.h"

#include <ctype.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define MAX_INTERPRETERS 5 /* as many as the kernel follows */

/* 0: a file that may be executed; else what the shells' exit code for it is. */
static int judge(const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return errno == EACCES ? TOOL_NOT_EXECUTABLE : TOOL_NOT_FOUND;
	if (S_ISDIR(st.st_mode)) {
		errno = EISDIR;
		return TOOL_NOT_EXECUTABLE;
	}
	return access(path, X_OK) == 0 ? 0 : TOOL_NOT_EXECUTABLE;
}

static int search_path(const char *name, char **path)
{
	const char *dirs = getenv("PATH");
	int verdict = TOOL_NOT_FOUND;

	if (!dirs)
		dirs = "/usr/local/bin:/usr/bin:/bin";
	for (;;) {
		size_t len = strcspn(dirs, ":");
		char *candidate = len ? tool_printf("%.*s/%s", (int)len, dirs, name)
				      : tool_printf("./%s", name);
		int v = judge(candidate);

		if (v == 0) {
			*path = candidate;
			return 0;
		}
		if (v == TOOL_NOT_EXECUTABLE)
			verdict = v;
		free(candidate);
		if (!dirs[len])
			return verdict;
		dirs += len + 1;
	}
}

int target_find(const char *who, const char *name, char **path)
{
	bool has_slash = strchr(name, '/');
	int verdict;

	if (!*name) {
		tool_error(who, "the program's name is empty");
		return TOOL_NOT_FOUND;
	}
	verdict = has_slash ? judge(name) : search_path(name, path);
	if (verdict == 0) {
		if (has_slash)
			*path = tool_dup(name);
		return 0;
	}
	if (verdict == TOOL_NOT_EXECUTABLE)
		tool_error(who, "cannot execute '%s': %s", name,
			   strerror(has_slash ? errno : EACCES));
	else
		tool_error(who, "program not found: '%s'%s", name, has_slash ? "" : " (in PATH)");
	return verdict;
}

static bool gains_privileges(const char *path, int fd)
{
	struct stat st;
	char capability[64];

	if (fstat(fd, &st) != 0)
		return false;
	if ((st.st_mode & S_ISUID) && st.st_uid != getuid())
		return true;
	if ((st.st_mode & S_ISGID) && (st.st_mode & S_IXGRP) && st.st_gid != getgid())
		return true;
	return getuid() != 0 &&
	       getxattr(path, "security.capability", capability, sizeof(capability)) > 0;
}

/* The dynamic loader that the program names; NULL: none, it is static. */
static char *loader(int fd, const Elf64_Ehdr *ehdr)
{
	for (unsigned int i = 0; i < ehdr->e_phnum; i++) {
		off_t at = (off_t)(ehdr->e_phoff + (uint64_t)i * ehdr->e_phentsize);
		char name[256] = "";
		Elf64_Phdr phdr;

		if (pread(fd, &phdr, sizeof(phdr), at) != (ssize_t)sizeof(phdr))
			return NULL;
		if (phdr.p_type != PT_INTERP)
			continue;
		if (pread(fd, name, sizeof(name) - 1, (off_t)phdr.p_offset) < 0)
			name[0] = '\0';
		return tool_dup(name);
	}
	return NULL;
}

static bool read_ehdr(const char *path, Elf64_Ehdr *ehdr)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool ok = fd >= 0 && pread(fd, ehdr, sizeof(*ehdr), 0) == (ssize_t)sizeof(*ehdr);

	if (fd >= 0)
		close(fd);
	return ok && memcmp(ehdr->e_ident, ELFMAG, SELFMAG) == 0;
}

/* ---- why not ---- */

/* What stands in the way, for a sentence that begins with the program's name; what to do. */
struct obstacle {
	char *reason; /* NULL: nothing */
	const char *more;
};

static struct obstacle obstacle(const char *reason, const char *more)
{
	return (struct obstacle){.reason = tool_dup(reason), .more = more};
}

static struct obstacle judge_loader(int fd, const Elf64_Ehdr *ehdr)
{
	struct obstacle found = {0};
	char *name = loader(fd, ehdr);

	if (!name) {
		found = obstacle("is statically linked",
				 "without the dynamic loader no library can be preloaded, so its "
				 "malloc cannot be replaced. Link it dynamically, or link "
				 "libquarry-debug into it");
	} else if (strncmp(tool_basename(name), "ld-musl", strlen("ld-musl")) == 0) {
		found = obstacle("is linked to musl, another C library",
				 "a library that was built for this system's cannot be preloaded "
				 "into it. Link libquarry-debug into it");
	}
	free(name);
	return found;
}

static struct obstacle judge_elf(const char *path, const char *library, int fd,
				 const Elf64_Ehdr *ehdr)
{
	struct obstacle found;
	Elf64_Ehdr lib;

	if (read_ehdr(library, &lib) &&
	    (ehdr->e_ident[EI_CLASS] != lib.e_ident[EI_CLASS] || ehdr->e_machine != lib.e_machine))
		return obstacle("is built for another machine or word size",
				"the library cannot be preloaded into it");
	found = judge_loader(fd, ehdr);
	if (found.reason)
		return found;
	if (gains_privileges(path, fd))
		return obstacle(
			"runs with privileges of another user (setuid, setgid or "
			"capabilities)",
			"the dynamic loader ignores LD_PRELOAD for it. Check a copy without "
			"them");
	if (target_has_symbol(path, "__asan_init", true))
		return obstacle("is built with -fsanitize=address",
				"it brings its own malloc. Check a build without it");
	return found;
}

/* The "#!" line's interpreter, or NULL. */
static char *interpreter(const char *head, size_t len)
{
	size_t from = 2, to;

	if (len < 3 || head[0] != '#' || head[1] != '!')
		return NULL;
	while (from < len && (head[from] == ' ' || head[from] == '\t'))
		from++;
	for (to = from; to < len && !isspace((unsigned char)head[to]); to++)
		;
	return to > from ? tool_printf("%.*s", (int)(to - from), head + from) : NULL;
}

/* @at: the file that stands in the way, of those that a script leads to; to be freed. */
static struct obstacle judge_file(const char *path, const char *library, unsigned int depth,
				  char **at)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char head[sizeof(Elf64_Ehdr) + 192];
	struct obstacle found = {0};
	Elf64_Ehdr ehdr;
	char *next;
	ssize_t len;

	/* Executable but not readable: nothing can be said, the kernel will judge. */
	if (fd < 0)
		return found;
	len = pread(fd, head, sizeof(head), 0);
	if (len >= (ssize_t)sizeof(ehdr) && memcmp(head, ELFMAG, SELFMAG) == 0) {
		memcpy(&ehdr, head, sizeof(ehdr));
		found = judge_elf(path, library, fd, &ehdr);
		*at = found.reason ? tool_dup(path) : NULL;
	} else {
		next = len > 0 ? interpreter(head, (size_t)len) : NULL;
		if (next && depth < MAX_INTERPRETERS)
			found = judge_file(next, library, depth + 1, at);
		free(next);
	}
	close(fd);
	return found;
}

int target_check(const char *who, const char *path, const char *library)
{
	struct obstacle found;
	Elf64_Ehdr lib;
	char *at = NULL;

	if (!read_ehdr(library, &lib)) {
		tool_error(who, "'%s' is no shared library", library);
		return TOOL_FAILED;
	}
	found = judge_file(path, library, 0, &at);
	if (!found.reason)
		return 0;
	tool_error(who, "'%s' %s: %s", at, found.reason, found.more);
	free(found.reason);
	free(at);
	return TOOL_USAGE;
}

char *target_obstacle(const char *name, const char *library)
{
	bool has_slash = strchr(name, '/');
	struct obstacle found = {0};
	char *path = NULL, *at = NULL;

	if (has_slash ? judge(name) == 0 : *name && search_path(name, &path) == 0)
		found = judge_file(path ? path : name, library, 0, &at);
	free(path);
	free(at);
	return found.reason;
}

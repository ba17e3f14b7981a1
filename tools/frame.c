/* SPDX-License-Identifier: MIT */
/*
 * frame.c - reads a line of a stack and tells whose code it is; see frame.h.
 */
#include "frame.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"

/* A function of a wrapper's name that is longer than this does more than to call malloc. */
#define WRAPPER_MAX_BYTES 192
#define MAX_ADDED 64

static const char *added[MAX_ADDED];
static unsigned int nr_added;

/* "(MODULE+0xOFF)"; a module's name may hold blanks, '+' and parentheses. */
static bool parse_place(const char *open, struct raw_frame *frame)
{
	const char *plus = NULL;
	char *end;

	if (*open != '(')
		return false;
	for (const char *next = open; (next = strstr(next, "+0x")); next++)
		plus = next;
	if (!plus)
		return false;
	frame->offset = strtoull(plus + 1, &end, 16);
	if (strcmp(end, ")") != 0)
		return false;
	frame->module = tool_printf("%.*s", (int)(plus - open - 1), open + 1);
	return true;
}

bool frame_parse(const char *line, struct raw_frame *frame)
{
	int len = 0;

	memset(frame, 0, sizeof(*frame));
	line += strspn(line, " \t");
	if (sscanf(line, "#%u %19s%n", &frame->number, frame->pc, &len) != 2 || len == 0)
		return false;
	if (strncmp(frame->pc, "0x", 2) != 0 ||
	    frame->pc[2 + strspn(frame->pc + 2, "0123456789abcdef")])
		return false;
	line += len;
	line += strspn(line, " ");
	return !*line || parse_place(line, frame);
}

static bool begins(const char *s, const char *with)
{
	return strncmp(s, with, strlen(with)) == 0;
}

static bool is_one_of(const char *s, const char *const *list, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (strcmp(s, list[i]) == 0)
			return true;
	return false;
}

#define IS_ONE_OF(s, list) is_one_of(s, list, sizeof(list) / sizeof((list)[0]))

enum frame_owner frame_module_owner(const struct raw_frame *frame)
{
	static const char *const libraries[] = {
		"libc.so",  "libc-",	   "libstdc++.so",  "libc++.so", "libc++abi.so",
		"libm.so",  "libgcc_s.so", "libpthread.so", "libdl.so",	 "librt.so",
		"ld-linux", "ld-musl",	   "libpthread-",   "ld-2.",	 "libc.musl",
		"[vdso]",   "linux-vdso",
	};
	const char *name = frame->module ? tool_basename(frame->module) : "";

	if (begins(name, "libquarry"))
		return FRAME_OURS;
	for (size_t i = 0; i < sizeof(libraries) / sizeof(libraries[0]); i++)
		if (begins(name, libraries[i]))
			return FRAME_LIBRARY;
	return FRAME_USER;
}

/* Inline functions of the C and C++ libraries' headers. */
static bool is_library_file(const char *file)
{
	return strstr(file, "/include/c++/") ||
	       (begins(file, "/usr/include/") && strstr(file, "/bits/"));
}

/* What comes behind the prefix in "node_malloc", "my_calloc". */
static bool has_wrapper_suffix(const char *name)
{
	static const char *const suffixes[] = {
		"malloc", "calloc",  "realloc", "zalloc",   "reallocarray",
		"strdup", "strndup", "memdup",	"memalign", "aligned_alloc",
	};
	const char *last = strrchr(name, '_');

	return last && last != name && IS_ONE_OF(last + 1, suffixes);
}

/*
 * A name that everyone knows, one that the user gave, or one that ends like malloc's family and
 * whose function is too short for more than a call and a test.
 */
static bool is_wrapper(const struct sym_frame *sym)
{
	static const char *const names[] = {
		"xmalloc",     "xcalloc",      "xrealloc",	"xzalloc",	 "xstrdup",
		"xstrndup",    "xmemdup",      "xnmalloc",	"xnrealloc",	 "x2realloc",
		"x2nrealloc",  "xcharalloc",   "xpalloc",	"xfree",	 "emalloc",
		"ecalloc",     "erealloc",     "estrdup",	"efree",	 "zmalloc",
		"zcalloc",     "zrealloc",     "zstrdup",	"zfree",	 "ckmalloc",
		"g_malloc",    "g_malloc0",    "g_malloc_n",	"g_malloc0_n",	 "g_realloc",
		"g_realloc_n", "g_try_malloc", "g_try_realloc", "g_strdup",	 "g_strndup",
		"g_memdup",    "g_memdup2",    "g_free",	"g_slice_alloc", "safe_malloc",
		"safe_calloc", "safe_realloc", "safe_strdup",	"safe_free",
	};
	char name[64];

	/* C++: without the arguments. */
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(sym->function, "("), sym->function);
	if (is_one_of(name, added, nr_added) || IS_ONE_OF(name, names))
		return true;
	return sym->size && sym->size <= WRAPPER_MAX_BYTES && has_wrapper_suffix(name);
}

enum frame_owner frame_owner(const struct raw_frame *frame, const struct sym_frame *sym)
{
	enum frame_owner owner = frame_module_owner(frame);

	if (owner != FRAME_USER || !sym || !sym->function)
		return owner;
	if (begins(sym->function, "qy_") || begins(sym->function, "operator new") ||
	    begins(sym->function, "operator delete"))
		return FRAME_OURS;
	if (sym->standard || (sym->file && is_library_file(sym->file)))
		return FRAME_LIBRARY;
	return is_wrapper(sym) ? FRAME_WRAPPER : FRAME_USER;
}

void frame_add_wrapper(const char *name)
{
	if (nr_added < MAX_ADDED)
		added[nr_added++] = name;
}

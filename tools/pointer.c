/* SPDX-License-Identifier: MIT */
/*
 * pointer.c - see pointer.h.
 */
#include "pointer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"

#define BEGIN "Pointer 0x"

/* "(MODULE+0xOFF)" at the line's end. */
static char *explain_module(const char *line, const char *open, struct symbolizer *symbols)
{
	const char *plus = strrchr(open, '+');
	char *module, *name, *text;
	bool is_code;

	if (!plus || !symbols)
		return NULL;
	module = tool_printf("%.*s", (int)(plus - open - 1), open + 1);
	name = symbolizer_variable(symbols, module, strtoull(plus + 1, NULL, 16), &is_code);
	if (name)
		text = tool_printf("%.*s: in the %s %s %s", (int)(open - 1 - line), line,
				   is_code ? "code of the function" : "global variable", name,
				   open);
	else
		text = tool_printf("%.*s: in %s, not in a variable that has a name %s",
				   (int)(open - 1 - line), line, tool_basename(module), open);
	free(module);
	free(name);
	return text;
}

static const char *words_of(const char *name, const char *rights)
{
	if (strcmp(name, "[heap]") == 0)
		return "in the C library's own heap (break)";
	if (strncmp(name, "[stack", 6) == 0)
		return "on the stack of the process's first thread";
	if (name[0])
		return "in a mapping of ";
	return rights[0] == '-' ? "in a mapping that cannot be accessed"
				: "in memory mapped by mmap(), or the stack of another thread";
}

/* The line of /proc/PID/maps that holds @at. The process may be gone, then nothing is said. */
static char *explain_mapping(const char *line, long pid, unsigned long at)
{
	char *path = tool_printf("/proc/%ld/maps", pid), *text = NULL, *map = NULL;
	FILE *maps = fopen(path, "re");
	bool any = false;
	size_t size = 0;

	free(path);
	if (!maps)
		return NULL;
	while (!text && getline(&map, &size, maps) > 0) {
		unsigned long start, end;
		char rights[8];
		int name = 0;

		if (sscanf(map, "%lx-%lx %7s %*s %*s %*s %n", &start, &end, rights, &name) < 3)
			continue;
		any = true;
		if (at < start || at >= end || !name)
			continue;
		map[strcspn(map, "\n")] = '\0';
		text = tool_printf("%s: %s%s", line, words_of(map + name, rights),
				   map[name] && map[name] != '[' ? map + name : "");
	}
	if (any && !text)
		text = tool_printf("%s: no memory is mapped there", line);
	free(map);
	fclose(maps);
	return text;
}

char *pointer_explain(const char *line, long pid, struct symbolizer *symbols)
{
	unsigned long at;
	char *end;

	if (strncmp(line, BEGIN, strlen(BEGIN)) != 0)
		return NULL;
	at = strtoul(line + strlen(BEGIN), &end, 16);
	if (strncmp(end, " (", 2) == 0)
		return explain_module(line, end + 1, symbols);
	return !*end && pid ? explain_mapping(line, pid, at) : NULL;
}

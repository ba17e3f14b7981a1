/* SPDX-License-Identifier: MIT */
/*
 * watch.c - see watch.h.
 */
#include "watch.h"

#include <stdlib.h>
#include <string.h>

#include "tool.h"

#define NR_BUCKETS 4096u
#define NAMED 8 /* processes */

enum state { NONE, EXPECTED, WATCHED, OTHER };

struct process {
	struct process *next;
	long pid;
	enum state state, before; /* before: the exec that may fail */
	char *path, *path_before;
};

/* Programs whose symbols were looked at already. */
struct program {
	struct program *next;
	char *path;
	bool brings_malloc;
};

struct watch {
	struct process *bucket[NR_BUCKETS];
	struct program *programs;
	char *library;
};

struct watch *watch_new(const char *library)
{
	struct watch *w = tool_alloc(sizeof(*w));

	w->library = tool_dup(library);
	return w;
}

static struct process *find(const struct watch *w, long pid)
{
	struct process *p;

	for (p = w->bucket[(unsigned long)pid % NR_BUCKETS]; p; p = p->next)
		if (p->pid == pid)
			break;
	return p;
}

static struct process *get(struct watch *w, long pid)
{
	struct process **bucket = &w->bucket[(unsigned long)pid % NR_BUCKETS];
	struct process *p = find(w, pid);

	if (p)
		return p;
	p = tool_alloc(sizeof(*p));
	p->pid = pid;
	p->path = tool_dup("");
	p->next = *bucket;
	*bucket = p;
	return p;
}

static void enter(struct process *p, enum state state, const char *path)
{
	p->before = p->state;
	p->state = state;
	free(p->path_before);
	p->path_before = p->path;
	p->path = tool_dup(path);
}

/* The dynamic linker may know of no malloc but ours where the program has one for itself. */
static bool brings_malloc(struct watch *w, const char *path)
{
	struct program *program;

	for (program = w->programs; program; program = program->next)
		if (strcmp(program->path, path) == 0)
			return program->brings_malloc;
	program = tool_alloc(sizeof(*program));
	program->path = tool_dup(path);
	program->brings_malloc = target_has_symbol(path, "malloc", false);
	program->next = w->programs;
	w->programs = program;
	return program->brings_malloc;
}

void watch_expect(struct watch *w, long pid, const char *path)
{
	enter(get(w, pid), EXPECTED, path);
}

static void stay(struct process *p)
{
	if (p->state != EXPECTED || !p->path_before)
		return;
	p->state = p->before;
	free(p->path);
	p->path = p->path_before;
	p->path_before = NULL;
}

/* Its own malloc passes the calls on. */
static void reached(struct process *p)
{
	if (p && p->state == OTHER)
		p->state = WATCHED;
}

/* The child may have spoken before its parent did. */
static void spawn(struct watch *w, const char *arguments)
{
	char *path;
	long pid = strtol(arguments, &path, 10);
	const struct process *p = find(w, pid);

	if (*path == ' ' && (!p || p->state == NONE))
		watch_expect(w, pid, path + 1);
}

static const char *after(const char *line, const char *word)
{
	size_t len = strlen(word);

	return strncmp(line, word, len) == 0 ? line + len : NULL;
}

void watch_line(struct watch *w, long pid, const char *line)
{
	char *text = tool_printf("%.*s", (int)strcspn(line, "\n"), line);
	const char *what = after(text, WATCH_MARK), *rest;

	if (!what)
		what = text;
	if ((rest = after(what, "start ours ")))
		enter(get(w, pid), brings_malloc(w, rest) ? OTHER : WATCHED, rest);
	else if ((rest = after(what, "start other ")))
		enter(get(w, pid), OTHER, rest);
	else if (after(what, "reached"))
		reached(find(w, pid));
	else if ((rest = after(what, "exec ")))
		watch_expect(w, pid, rest);
	else if (after(what, "stay"))
		stay(get(w, pid));
	else if ((rest = after(what, "spawn ")))
		spawn(w, rest);
	free(text);
}

bool watch_is_watched(const struct watch *w, long pid)
{
	const struct process *p = find(w, pid);

	return p && p->state == WATCHED;
}

unsigned int watch_nr_watched(const struct watch *w)
{
	unsigned int nr = 0;

	for (unsigned int i = 0; i < NR_BUCKETS; i++)
		for (const struct process *p = w->bucket[i]; p; p = p->next)
			nr += p->state == WATCHED;
	return nr;
}

static void tell(const struct watch *w, const struct process *p, const char *who, FILE *out)
{
	char *reason = p->state == OTHER ? tool_dup("brings its own malloc")
					 : target_obstacle(p->path, w->library);

	if (!reason)
		reason = tool_dup("did not load the library (was it started without LD_PRELOAD?)");
	fprintf(out, "%s: %s[%ld] %s: not checked\n", who, tool_basename(p->path), p->pid, reason);
	free(reason);
}

static bool is_unchecked(const struct process *p)
{
	return p->state == OTHER || (p->state == EXPECTED && !process_is_alive(p->pid));
}

char *watch_unchecked(const struct watch *w, const char *who, FILE *out)
{
	char *names = NULL;
	unsigned int nr = 0;

	for (unsigned int i = 0; i < NR_BUCKETS; i++) {
		for (const struct process *p = w->bucket[i]; p; p = p->next) {
			char *longer;

			if (!is_unchecked(p) || nr++ >= NAMED)
				continue;
			if (out)
				tell(w, p, who, out);
			longer = tool_printf("%s%s%s[%ld]", names ? names : "", names ? ", " : "",
					     tool_basename(p->path), p->pid);
			free(names);
			names = longer;
		}
	}
	if (nr > NAMED) {
		char *longer = tool_printf("%s and %u more", names, nr - NAMED);

		free(names);
		names = longer;
	}
	return names;
}

void watch_free(struct watch *w)
{
	for (unsigned int i = 0; i < NR_BUCKETS; i++) {
		for (struct process *p = w->bucket[i], *next; p; p = next) {
			next = p->next;
			free(p->path);
			free(p->path_before);
			free(p);
		}
	}
	for (struct program *program = w->programs, *next; program; program = next) {
		next = program->next;
		free(program->path);
		free(program);
	}
	free(w->library);
	free(w);
}

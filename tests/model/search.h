/* SPDX-License-Identifier: MIT */
/*
 * search.h - a program that searches: its arguments, its scopes by name, signals.
 *
 *   model_… [-t] [SCOPE...]   -t: hold to the time limits, where there are some
 *   model_… -p                prove that the search finds planted faults ("planted" variant)
 */
#ifndef TESTS_MODEL_SEARCH_H
#define TESTS_MODEL_SEARCH_H

#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "plants.h"

struct searches {
	size_t nr; /* scopes */
	const char *(*name)(size_t i);
	void (*run)(size_t i, int id); /* @id: with this planted fault */
	void (*on_signal)(int sig);    /* the library did not come back */
	bool *hold_limits;	       /* NULL: there are none */
	/* For -p: the faults that must be found, and the scopes that are enough for that. */
	const int *wanted;
	size_t nr_wanted;
	const char *const *quick;
	size_t nr_quick;
};

static const struct searches *of_program;

static inline double cpu_seconds(void)
{
	return (double)clock() / CLOCKS_PER_SEC;
}

static inline size_t find_scope(const struct searches *s, const char *name)
{
	for (size_t i = 0; i < s->nr; i++)
		if (!strcmp(s->name(i), name))
			return i;
	printf("there is no scope %s\n", name);
	exit(2);
}

static inline void search_quickly(int id)
{
	for (size_t i = 0; i < of_program->nr_quick; i++)
		of_program->run(find_scope(of_program, of_program->quick[i]), id);
}

/* The program's exit status. A search that finds something exits with 1. */
static inline int search_main(const struct searches *s, int argc, char **argv)
{
	int at = 1;

	of_program = s;
	signal(SIGSEGV, s->on_signal);
	signal(SIGBUS, s->on_signal);
	signal(SIGALRM, s->on_signal);
	if (argc > 1 && !strcmp(argv[1], "-p"))
		return find_plants(s->wanted, s->nr_wanted, search_quickly);
	if (s->hold_limits && at < argc && !strcmp(argv[at], "-t")) {
		*s->hold_limits = true;
		at++;
	}
	for (int i = at; i < argc; i++)
		s->run(find_scope(s, argv[i]), 0);
	for (size_t i = 0; at == argc && i < s->nr; i++)
		s->run(i, 0);
	return 0;
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * plants.h - the proof that a search can fail: with each fault that is planted in its part of the
 * library it must, and without one it must not.
 */
#ifndef TESTS_MODEL_PLANTS_H
#define TESTS_MODEL_PLANTS_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../harness/patience.h"
#include "util/plant.h"

#define PLANT(number, name, target, file, what) {number, #target "/" #name, what},
static const struct plant {
	int id;
	const char *name, *what;
} plants[] = {
#include "util/plants.def"
};

/* From here on, 0: none; does nothing where no fault can be planted. */
static inline void plant(int id)
{
#if QY_CONFIG_PLANT
	qy__plant_id = id ? id : QY_CONFIG_PLANT_ID;
#else
	(void)id;
#endif
}

/* Exit status of a process of its own that searches with this fault in the library; -1: killed. */
static inline int search_with(int id, void (*search)(int id))
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		exit(2);
	if (!pid) {
		patient_limits(120);
		search(id);
		exit(0);
	}
	if (waitpid(pid, &status, 0) != pid)
		exit(2);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* The program's exit status. A search that finds something exits with 1. */
static inline int find_plants(const int *wanted, size_t n, void (*search)(int id))
{
	size_t found = 0;

	if (!QY_CONFIG_PLANT) {
		printf("faults can only be planted in the planted variant\n");
		return 2;
	}
	if (search_with(0, search)) {
		printf("FAILED: a violation where nothing is planted\n");
		return 1;
	}
	for (size_t i = 0; i < n; i++) {
		const struct plant *p = plants;

		while (p->id != wanted[i])
			p++;
		printf("\nplant %d, %s: %s\n", p->id, p->name, p->what);
		if (search_with(p->id, search) == 1)
			found++;
		else
			printf("FAILED: no violation found\n");
	}
	printf("\n%zu of %zu planted faults found\n", found, n);
	return found == n ? 0 : 1;
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * plants.c - which planted fault is meant: --plant N, or QUARRY_PLANT=N of the environment. A
 * number that no fault has would pass every test that wants to see one fail: it is refused.
 *
 * Called by the programs; calls harness.c.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "harness.h"

static const int known[] = {
	0, /* none */
#define PLANT(number, name, target, file, what) (number),
#include "util/plants.def"
};

bool fz_choose_plant(const char *text)
{
	char *end;
	long id;

	errno = 0;
	id = strtol(text, &end, 10);
	for (size_t i = 0; !errno && end != text && !*end && i < sizeof(known) / sizeof(known[0]);
	     i++) {
		if (known[i] != id)
			continue;
		fz_set_plant((int)id);
		return true;
	}
	fprintf(stderr, "there is no planted fault \"%s\" (lib/util/plants.def)\n", text);
	return false;
}

void fz_require_plant(const char *text)
{
	if (!fz_choose_plant(text))
		exit(2);
}

void fz_plant_from_env(void)
{
	const char *text = getenv("QUARRY_PLANT");

	if (text)
		fz_require_plant(text);
}

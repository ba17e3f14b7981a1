/* SPDX-License-Identifier: MIT */
/*
 * overflow_by_1_nul.c - a string copied into room for its letters only: the zero byte is one
 * too many.
 *
 * expect: heap-overflow offset=16 size=16 len=1 found=0x00
 * allocated: malloc < copy_name < main
 * found: free < main
 */
#include <stdlib.h>
#include <string.h>

static char *copy_name(const char *name)
{
	char *copy = malloc(strlen(name));

	return strcpy(copy, name);
}

int main(void)
{
	char *name = copy_name("sixteen letters.");

	free(name);
	return 0;
}

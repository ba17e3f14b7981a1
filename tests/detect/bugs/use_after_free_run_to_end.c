/* SPDX-License-Identifier: MIT */
/*
 * use_after_free_run_to_end.c - a freed object is cleared whole: one report, to its last byte.
 *
 * expect: use-after-free-write offset=0 size=64 len=64 found=0x00 free=-
 * allocated: malloc < main
 * freed: free < main
 */
#include <stdlib.h>
#include <string.h>

int main(void)
{
	char *p = malloc(64);

	free(p);
	memset(p, 0, 64);
	return 0;
}

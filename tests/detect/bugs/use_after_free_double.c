/* SPDX-License-Identifier: MIT */
/*
 * use_after_free_double.c - a sum in freed memory: a double that is far too large would not change.
 *
 * expect: use-after-free-write offset=0 size=8 len=8 found=0x00 free=-
 * allocated: malloc < main
 * freed: free < main
 */
#include <stdlib.h>

int main(void)
{
	double *sum = malloc(sizeof(*sum));

	free(sum);
	*sum += 1.0;
	return 0;
}

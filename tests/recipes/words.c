/* SPDX-License-Identifier: MIT */
/* A program to be checked: says how many words its arguments have. With -DBUG it is off by one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef BUG
#define END 0
#else
#define END 1 /* the byte that ends a string */
#endif

static char *copy(const char *text)
{
	size_t len = strlen(text);
	char *to = malloc(len + END);

	if (!to)
		abort();
	for (size_t i = 0; i <= len; i++)
		to[i] = text[i];
	return to;
}

static int count_words(const char *text)
{
	char *line = copy(text);
	int n = 0;

	for (char *word = strtok(line, " "); word; word = strtok(NULL, " "))
		n++;
	free(line);
	return n;
}

int main(int argc, char **argv)
{
	int n = 0;

	for (int i = 1; i < argc; i++)
		n += count_words(argv[i]);
	printf("%d words\n", n);
	return n == 0;
}

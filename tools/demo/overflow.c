/* SPDX-License-Identifier: MIT */
/*
 * overflow.c - a user record with a name; the copy forgets that a string ends with a zero byte.
 *
 * The C library rounds 5 bytes up to 24, so the program works, until a name has 24 letters.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct user {
	char *name;
	int age;
};

static char *copy_name(const char *name)
{
	char *copy = malloc(strlen(name)); /* bug: no room for the terminator */

	if (copy)
		strcpy(copy, name);
	return copy;
}

static struct user *make_user(const char *name, int age)
{
	struct user *user = malloc(sizeof(*user));

	if (!user)
		return NULL;
	user->name = copy_name(name);
	user->age = age;
	return user;
}

static void free_user(struct user *user)
{
	free(user->name);
	free(user);
}

int main(void)
{
	struct user *user = make_user("Alice", 42);

	if (!user)
		return 1;
	printf("%s is %d\n", user->name, user->age);
	free_user(user);
	return 0;
}

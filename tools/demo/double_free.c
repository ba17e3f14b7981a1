/* SPDX-License-Identifier: MIT */
/*
 * double_free.c - an error path frees a buffer, and so does the caller's clean-up.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct message {
	size_t length;
	char *body;
};

static int parse(struct message *message, const char *text)
{
	message->length = strlen(text);
	message->body = malloc(200);
	if (!message->body)
		return -1;
	memcpy(message->body, text, message->length);
	if (message->body[0] != '{') {
		free(message->body); /* bug: message->body still points there */
		return -1;
	}
	return 0;
}

static void destroy(struct message *message)
{
	free(message->body);
}

int main(void)
{
	struct message message;

	if (parse(&message, "hello") != 0)
		puts("not a message");
	destroy(&message);
	return 0;
}

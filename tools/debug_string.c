/* SPDX-License-Identifier: MIT */
/*
 * debug_string.c - QUARRY_DEBUG of the checked program.
 */
#include <stdlib.h>
#include <string.h>

#include <quarry/debug.h>

#include "tool.h"

#define SEPARATORS " \t\n:"

/* Items that the command line can say, what it says, and what holds if nobody says anything. */
struct setting {
	const char *key, *said, *otherwise;
	bool by_user;
};

#define NR_SETTINGS 5

static void fill(struct setting *s, const struct debug_items *items)
{
	s[0] = (struct setting){"slab_debug", items->slab_debug, "FZPU", false};
	s[1] = (struct setting){"quarantine", items->quarantine, "64M", false};
	s[2] = (struct setting){"red_zone", items->red_zone, "64", false};
	s[3] = (struct setting){"policy", items->policy, "report", false};
	s[4] = (struct setting){"validate", items->validate, NULL, false};
}

static bool has_key(const char *item, const char *key)
{
	size_t len = strlen(key);

	return strncmp(item, key, len) == 0 && (item[len] == '=' || !item[len]);
}

/* NULL: it is taken; else why not. "" : the command line says otherwise, which needs no word. */
static const char *judge(struct setting *settings, const char *item)
{
	if (has_key(item, "report") || has_key(item, "channel"))
		return "the reports come to this tool; see --output";
	if (qy_debug_string_check(item, NULL) != 0)
		return "not understood";
	for (unsigned int i = 0; i < NR_SETTINGS; i++) {
		struct setting *s = &settings[i];

		if (!has_key(has_key(item, "slub_debug") ? "slab_debug" : item, s->key))
			continue;
		if (s->said)
			return "";
		s->by_user = true;
	}
	return NULL;
}

static void append(char **text, const char *item)
{
	char *longer = tool_printf("%s%s%s", *text, **text ? " " : "", item);

	free(*text);
	*text = longer;
}

/* The user's items that are taken. */
static char *take_user(const char *who, struct setting *settings, const char *user)
{
	char *copy = tool_dup(user), *at = copy, *item, *taken = tool_dup("");

	while ((item = strsep(&at, SEPARATORS))) {
		const char *why;

		if (!*item)
			continue;
		why = judge(settings, item);
		if (!why)
			append(&taken, item);
		else if (*why)
			tool_error(who, "\"%s\" of QUARRY_DEBUG is left out: %s", item, why);
	}
	free(copy);
	return taken;
}

static char *put_together(const struct setting *settings, const char *user, const char *ours)
{
	char *text = tool_dup("");

	for (unsigned int i = 0; i < NR_SETTINGS; i++) {
		const struct setting *s = &settings[i];
		const char *value = s->said ? s->said : s->by_user ? NULL : s->otherwise;
		char *item;

		if (!value)
			continue;
		item = tool_printf("%s=%s", s->key, value);
		append(&text, item);
		free(item);
	}
	if (*user)
		append(&text, user);
	append(&text, ours);
	return text;
}

char *debug_string(const char *who, const struct debug_items *items, const char *user,
		   const char *ours)
{
	struct setting settings[NR_SETTINGS];
	char *taken, *text;

	fill(settings, items);
	taken = take_user(who, settings, user ? user : "");
	text = put_together(settings, taken, ours);
	if (*taken && qy_debug_string_check(text, NULL) != 0) {
		tool_error(who, "QUARRY_DEBUG is too long to be taken, all of it is left out");
		free(text);
		fill(settings, items);
		text = put_together(settings, "", ours);
	}
	free(taken);
	return text;
}

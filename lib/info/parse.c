/* SPDX-License-Identifier: MIT */
/*
 * parse.c - lines and their words, for the parsers of all formats.
 *
 * The text is the caller's and may be anything: no byte outside [text, text + len) is read, none is
 * taken for an end.
 */
#include <errno.h>
#include <string.h>

#include "info/info.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static void skip_blanks(struct qy__scan *s)
{
	while (s->at < s->eol && is_blank(*s->at))
		s->at++;
}

int qy__scan_line(struct qy__scan *s)
{
	if (s->next == s->end) {
		s->line++;
		return 0;
	}
	s->line++;
	s->at = s->next;
	s->eol = memchr(s->at, '\n', (size_t)(s->end - s->at));
	if (!s->eol)
		return -EINVAL;
	s->next = s->eol + 1;
	return 1;
}

bool qy__scan_word(struct qy__scan *s, const char *word)
{
	const char *at;
	size_t len;

	word += strspn(word, " ");
	len = strlen(word);
	while (len && word[len - 1] == ' ')
		len--;
	skip_blanks(s);
	at = s->at;
	if ((size_t)(s->eol - at) < len || memcmp(at, word, len))
		return false;
	if (at + len < s->eol && !is_blank(at[len]))
		return false;
	s->at = at + len;
	return true;
}

bool qy__scan_char(struct qy__scan *s, char c)
{
	skip_blanks(s);
	if (s->at == s->eol || *s->at != c)
		return false;
	s->at++;
	return true;
}

bool qy__scan_u64(struct qy__scan *s, uint64_t *x)
{
	const char *start;
	uint64_t n = 0;

	skip_blanks(s);
	for (start = s->at; s->at < s->eol && *s->at >= '0' && *s->at <= '9'; s->at++) {
		unsigned int digit = (unsigned int)(*s->at - '0');

		if (n > (QY_INFO_NONE - 1 - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	if (s->at == start)
		return false;
	if (s->at < s->eol && !is_blank(*s->at) && *s->at != ',' && *s->at != ')')
		return false;
	*x = n;
	return true;
}

bool qy__scan_uint(struct qy__scan *s, unsigned int *x)
{
	uint64_t n;

	if (!qy__scan_u64(s, &n) || n > INT32_MAX)
		return false;
	*x = (unsigned int)n;
	return true;
}

bool qy__scan_name(struct qy__scan *s, char *name, size_t size)
{
	const char *start;
	size_t len;

	skip_blanks(s);
	for (start = s->at; s->at<s->eol && * s->at> ' ' && *s->at <= '~' && *s->at != ',';)
		s->at++;
	len = (size_t)(s->at - start);
	if (!len || len >= size || (s->at < s->eol && !is_blank(*s->at) && *s->at != ','))
		return false;
	memset(name, 0, size);
	memcpy(name, start, len);
	return true;
}

int qy__scan_zone(struct qy__scan *s, unsigned int *node, char name[12])
{
	if (!qy__scan_word(s, "Node"))
		return 0;
	if (!qy__scan_uint(s, node) || !qy__scan_char(s, ',') || !qy__scan_word(s, "zone") ||
	    !qy__scan_name(s, name, 12))
		return -EINVAL;
	return 1;
}

bool qy__scan_done(struct qy__scan *s)
{
	skip_blanks(s);
	return s->at == s->eol;
}

void qy__figures_clear(const struct qy__figure *table, unsigned int nr, void *to)
{
	for (unsigned int i = 0; i < nr; i++)
		*qy__figure_at(&table[i], to) = QY_INFO_NONE;
}

int qy__figures_scan(struct qy__scan *s, const struct qy__figure *table, unsigned int nr, void *to,
		     const char *unit)
{
	for (unsigned int i = 0; i < nr; i++) {
		uint64_t *figure = qy__figure_at(&table[i], to), x;

		if (!qy__scan_word(s, table[i].prefix))
			continue;
		if (*figure != QY_INFO_NONE || !qy__scan_u64(s, &x))
			return -EINVAL;
		if ((unit && !qy__scan_word(s, unit)) || !qy__scan_done(s))
			return -EINVAL;
		*figure = x;
		return 1;
	}
	return 0;
}

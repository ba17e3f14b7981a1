/* SPDX-License-Identifier: MIT */
/*
 * origins.c - tells reports apart and counts them; see origins.h.
 */
#include "origins.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"

#define FNV_START UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x100000001b3)

struct origin {
	struct origin *next;
	uint64_t key;
	long pid;		      /* of the process that reported it first … */
	unsigned long long first_seq; /* … and its number there */
	unsigned long long count;
	char kind[40];
	char *place[TEXT_NR_STACKS]; /* NULL: not known */
};

struct origins {
	struct origin *first, **end;
};

struct origins *origins_new(void)
{
	struct origins *o = tool_alloc(sizeof(*o));

	o->end = &o->first;
	return o;
}

void origins_free(struct origins *o)
{
	struct origin *next;

	for (struct origin *p = o->first; p; p = next) {
		next = p->next;
		for (int i = 0; i < TEXT_NR_STACKS; i++)
			free(p->place[i]);
		free(p);
	}
	free(o);
}

/* ---- one report ---- */

/* The value of "key=value" in the report's QY line; @value becomes "" if it is not there. */
static void get_item(const char *report, const char *key, char *value, size_t size)
{
	const char *line = strstr(report, "\nQY ");
	const char *end, *p;
	size_t len = strlen(key);

	value[0] = '\0';
	if (!line)
		return;
	line++;
	end = line + strcspn(line, "\n");
	for (p = line; p < end; p += strcspn(p, " \n") + 1) {
		if (strncmp(p, key, len) == 0 && p[len] == '=') {
			p += len + 1;
			snprintf(value, size, "%.*s", (int)strcspn(p, " \n"), p);
			return;
		}
	}
}

static uint64_t add_text(uint64_t key, const char *s)
{
	for (; *s; s++)
		key = (key ^ (unsigned char)*s) * FNV_PRIME;
	return (key ^ 0xff) * FNV_PRIME; /* "a", "b" is not "ab" */
}

static uint64_t add_frame(uint64_t key, const struct raw_frame *frame)
{
	char offset[24];

	if (frame_module_owner(frame) != FRAME_USER)
		return key;
	if (!frame->module) /* generated code: only that there was some */
		return add_text(key, "?");
	snprintf(offset, sizeof(offset), "%llx", (unsigned long long)frame->offset);
	return add_text(add_text(key, frame->module), offset);
}

/* Where no stacks were kept: the object as far as it is the same in each run. */
static uint64_t add_object(uint64_t key, const char *report)
{
	static const char *const items[] = {"cache", "size", "offset"};
	char value[40];

	for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++) {
		get_item(report, items[i], value, sizeof(value));
		key = add_text(key, value);
	}
	return key;
}

static uint64_t make_key(const char *kind, const char *report)
{
	uint64_t key = add_text(FNV_START, kind);
	bool allocated = false;
	struct raw_frame frame;

	for (const char *p = report; *p;) {
		size_t len = strcspn(p, "\n");
		char *line = tool_printf("%.*s", (int)len, p);
		enum text_stack stack = text_stack_of(line);

		if (stack != TEXT_NONE) {
			key = add_text(key, "stack");
			key = add_text(key, stack == TEXT_FREED ? "freed" : "");
			allocated |= stack == TEXT_ALLOCATED;
		} else if (frame_parse(line, &frame)) {
			key = add_frame(key, &frame);
			free(frame.module);
		}
		free(line);
		p += len + (p[len] == '\n');
	}
	return allocated ? key : add_object(key, report);
}

struct origin *origins_note(struct origins *o, long pid, const char *report, bool *is_new)
{
	char kind[sizeof(o->first->kind)], seq[32];
	struct origin *p;
	uint64_t key;

	get_item(report, "kind", kind, sizeof(kind));
	key = make_key(kind, report);
	for (p = o->first; p; p = p->next)
		if (p->key == key)
			break;
	*is_new = !p;
	if (!p) {
		p = tool_alloc(sizeof(*p));
		get_item(report, "seq", seq, sizeof(seq));
		p->key = key;
		p->pid = pid;
		p->first_seq = strtoull(seq, NULL, 0);
		memcpy(p->kind, kind, sizeof(kind));
		*o->end = p;
		o->end = &p->next;
	}
	p->count++;
	return p;
}

void origin_set_places(struct origin *origin, char *place[TEXT_NR_STACKS])
{
	memcpy(origin->place, place, sizeof(origin->place));
	memset(place, 0, sizeof(origin->place));
}

/* ---- sums ---- */

void origins_print_rest(const struct origins *o, FILE *out)
{
	for (const struct origin *p = o->first; p; p = p->next)
		if (p->count > 1)
			fprintf(out, "… and %llu more like number %llu of process %ld (%s)\n",
				p->count - 1, p->first_seq, p->pid, p->kind);
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool reads_the_same(const struct origin *a, const struct origin *b)
{
	if (strcmp(a->kind, b->kind) != 0)
		return false;
	for (int i = 0; i < TEXT_NR_STACKS; i++)
		if (!same_text(a->place[i], b->place[i]))
			return false;
	return true;
}

static bool is_first_line(const struct origins *o, const struct origin *p)
{
	for (const struct origin *other = o->first; other != p; other = other->next)
		if (reads_the_same(other, p))
			return false;
	return true;
}

unsigned int origins_different(const struct origins *o, bool by_line)
{
	unsigned int nr = 0;

	for (const struct origin *p = o->first; p; p = p->next)
		nr += !by_line || is_first_line(o, p);
	return nr;
}

void origins_print_table(const struct origins *o, const char *who, FILE *out)
{
	for (const struct origin *p = o->first; p; p = p->next) {
		unsigned long long count = 0;

		if (!is_first_line(o, p))
			continue;
		for (const struct origin *other = p; other; other = other->next)
			count += reads_the_same(p, other) ? other->count : 0;
		fprintf(out, "%s: %6llu x %s", who, count, p->kind);
		if (p->place[TEXT_ALLOCATED])
			fprintf(out, ", allocated in %s", p->place[TEXT_ALLOCATED]);
		if (p->place[TEXT_FREED])
			fprintf(out, ", freed in %s", p->place[TEXT_FREED]);
		if (p->place[TEXT_FOUND])
			fprintf(out, ", found in %s", p->place[TEXT_FOUND]);
		fputc('\n', out);
	}
}

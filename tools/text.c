/* SPDX-License-Identifier: MIT */
/*
 * text.c - a small state machine over the lines of a report; see text.h.
 */
#include "text.h"

#include <stdlib.h>
#include <string.h>

#include "tool.h"

struct raw_frame {
	unsigned int number;
	char pc[20]; /* as it was written */
	char *module;
	uint64_t offset;
};

void text_init(struct text *t, FILE *out, struct symbolizer *symbols)
{
	*t = (struct text){.out = out, .symbols = symbols};
}

void text_flush(struct text *t)
{
	size_t word;

	if (!t->header)
		return;
	fclose(t->frames);
	word = strcspn(t->header, " ");
	if (t->name)
		fprintf(t->out, "%.*s in %s%s\n", (int)word, t->header, t->name, t->header + word);
	else
		fprintf(t->out, "%s\n", t->header);
	fwrite(t->frames_text, 1, t->frames_len, t->out);
	free(t->frames_text);
	free(t->header);
	free(t->name);
	t->header = t->name = t->frames_text = NULL;
	t->frames = NULL;
}

void text_end(struct text *t)
{
	text_flush(t);
	for (int i = 0; i < TEXT_NR_STACKS; i++)
		free(t->place[i]);
	memset(t->place, 0, sizeof(t->place));
	t->stack = TEXT_NONE;
}

/* "    #N 0xPC (MODULE+0xOFF)"; a module's name may hold blanks, '+' and parentheses. */
static bool parse_frame(const char *line, struct raw_frame *frame)
{
	const char *open, *plus, *next;
	int len = 0;
	char *end;

	line += strspn(line, " \t");
	if (sscanf(line, "#%u %19s %n", &frame->number, frame->pc, &len) != 2 || len == 0)
		return false;
	open = line + len;
	if (strncmp(frame->pc, "0x", 2) != 0 || *open != '(')
		return false;
	plus = NULL;
	for (next = open; (next = strstr(next, "+0x")); next++)
		plus = next;
	if (!plus)
		return false;
	frame->offset = strtoull(plus + 1, &end, 16);
	if (strcmp(end, ")") != 0)
		return false;
	frame->module = tool_printf("%.*s", (int)(plus - open - 1), open + 1);
	return true;
}

/* Frames of the allocator itself; the reader wants to know who called it. */
static bool is_allocator(const struct raw_frame *frame, const char *function)
{
	static const char *const prefixes[] = {"qy_", "operator new", "operator delete"};

	if (strncmp(tool_basename(frame->module), "libquarry", 9) == 0)
		return true;
	for (size_t i = 0; function && i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (strncmp(function, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return false;
}

static void note_place(struct text *t, const struct raw_frame *raw, const struct sym_frame *frame)
{
	const char *function = frame ? frame->function : NULL;

	if (t->stack == TEXT_NONE || t->place[t->stack] || is_allocator(raw, function))
		return;
	if (!function)
		t->place[t->stack] = tool_printf("%s+0x%llx", tool_basename(raw->module),
						 (unsigned long long)raw->offset);
	else if (frame->file)
		t->place[t->stack] = tool_printf("%s %s:%d", function, frame->file, frame->line);
	else
		t->place[t->stack] = tool_printf("%s (%s)", function, tool_basename(raw->module));
	if (t->header && !t->name && function)
		t->name = tool_dup(function);
}

static void print_frame(FILE *out, const struct raw_frame *raw, const struct sym_frame *frame,
			bool inlined)
{
	fprintf(out, "    #%u %s in %s", raw->number, raw->pc,
		frame->function ? frame->function : "??");
	if (!inlined)
		fprintf(out, "+0x%llx", (unsigned long long)frame->offset);
	if (frame->file)
		fprintf(out, " %s:%d", frame->file, frame->line);
	if (inlined)
		fputs(" (inlined)\n", out);
	else
		fprintf(out, " (%s+0x%llx)\n", raw->module, (unsigned long long)raw->offset);
}

static void print_frames(struct text *t, FILE *out, const char *line, const struct raw_frame *raw)
{
	struct sym_frame frames[SYM_MAX_FRAMES];
	unsigned int nr = 0;

	if (t->symbols)
		nr = symbolizer_resolve(t->symbols, raw->module, raw->offset, frames);
	if (nr == 0) {
		note_place(t, raw, NULL);
		fprintf(out, "%s\n", line);
		return;
	}
	for (unsigned int i = 0; i < nr; i++) {
		note_place(t, raw, &frames[i]);
		print_frame(out, raw, &frames[i], i + 1 < nr);
	}
	symbolizer_release(frames, nr);
}

static bool begins(const char *line, const char *word)
{
	return strncmp(line, word, strlen(word)) == 0;
}

void text_line(struct text *t, const char *line)
{
	struct raw_frame raw;

	if (parse_frame(line, &raw)) {
		print_frames(t, t->header ? t->frames : t->out, line, &raw);
		free(raw.module);
		return;
	}
	text_flush(t);
	t->stack = TEXT_NONE;
	if (begins(line, "Found at")) {
		t->stack = TEXT_FOUND;
	} else if (begins(line, "Allocated age=") || begins(line, "Freed age=")) {
		t->stack = line[0] == 'A' ? TEXT_ALLOCATED : TEXT_FREED;
		t->header = tool_dup(line);
		t->frames = open_memstream(&t->frames_text, &t->frames_len);
		if (!t->frames) {
			fprintf(t->out, "%s\n", line);
			free(t->header);
			t->header = NULL;
		}
		return;
	}
	fprintf(t->out, "%s\n", line);
}

/* SPDX-License-Identifier: MIT */
/*
 * text.c - a small state machine over the lines of a report; see text.h.
 */
#include "text.h"

#include <stdlib.h>
#include <string.h>

#include "pointer.h"
#include "tool.h"

void text_init(struct text *t, FILE *out, struct symbolizer *symbols)
{
	*t = (struct text){.out = out, .symbols = symbols};
}

static const struct {
	const char *begin; /* of the line above the frames */
	const char *named; /* what it becomes when the function is known */
} headers[TEXT_NR_STACKS] = {
	[TEXT_ALLOCATED] = {"Allocated", "Allocated in "},
	[TEXT_FREED] = {"Freed", "Freed in "},
	[TEXT_FOUND] = {"Found at", "Found at "},
};

void text_flush(struct text *t)
{
	if (!t->header)
		return;
	fclose(t->frames);
	if (t->name)
		fprintf(t->out, "%s%s%s\n", headers[t->stack].named, t->name,
			t->header + strlen(headers[t->stack].begin));
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
	memset(t->named_by, 0, sizeof(t->named_by));
	t->stack = TEXT_NONE;
}

/* "function file:line", or as much of it as is known. */
static char *place_of(const struct raw_frame *raw, const struct sym_frame *frame)
{
	if (!frame || !frame->function)
		return tool_printf("%s+0x%llx", tool_basename(raw->module),
				   (unsigned long long)raw->offset);
	if (frame->file)
		return tool_printf("%s %s:%d", frame->function, frame->file, frame->line);
	return tool_printf("%s (%s)", frame->function, tool_basename(raw->module));
}

/* The first frame of the user's names the stack; if there is none, the first that is not ours. */
static void note_place(struct text *t, const struct raw_frame *raw, const struct sym_frame *frame)
{
	enum frame_owner owner;

	if (t->stack == TEXT_NONE || !raw->module)
		return;
	owner = frame_owner(raw, frame);
	if (owner == FRAME_OURS || owner <= t->named_by[t->stack])
		return;
	t->named_by[t->stack] = owner;
	free(t->place[t->stack]);
	t->place[t->stack] = place_of(raw, frame);
	free(t->name);
	t->name = frame && frame->function ? tool_dup(frame->function) : NULL;
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
	const struct sym_frame *frames = NULL;
	unsigned int nr = 0;

	if (t->symbols && raw->module)
		nr = symbolizer_resolve(t->symbols, raw->module, raw->offset, &frames);
	if (nr == 0) {
		note_place(t, raw, NULL);
		fprintf(out, "%s\n", line);
		return;
	}
	for (unsigned int i = 0; i < nr; i++) {
		note_place(t, raw, &frames[i]);
		print_frame(out, raw, &frames[i], i + 1 < nr);
	}
}

/* Nothing, or "key=value" items, stand behind the words. */
enum text_stack text_stack_of(const char *line)
{
	for (int i = TEXT_NONE + 1; i < TEXT_NR_STACKS; i++) {
		size_t len = strlen(headers[i].begin);
		const char *rest = line + len;

		if (strncmp(line, headers[i].begin, len) != 0)
			continue;
		if (i == TEXT_FOUND ? !*rest || strncmp(rest, " tid=", 5) == 0
				    : strncmp(rest, " age=", 5) == 0)
			return (enum text_stack)i;
	}
	return TEXT_NONE;
}

static void print_line(struct text *t, const char *line)
{
	char *explained = pointer_explain(line, t->pid, t->symbols);

	fprintf(t->out, "%s\n", explained ? explained : line);
	free(explained);
}

void text_line(struct text *t, const char *line)
{
	struct raw_frame raw;

	if (frame_parse(line, &raw)) {
		print_frames(t, t->header ? t->frames : t->out, line, &raw);
		free(raw.module);
		return;
	}
	text_flush(t);
	t->stack = text_stack_of(line);
	if (t->stack != TEXT_NONE)
		t->frames = open_memstream(&t->frames_text, &t->frames_len);
	if (t->stack != TEXT_NONE && t->frames)
		t->header = tool_dup(line);
	else
		print_line(t, line);
}

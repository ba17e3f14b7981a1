/* SPDX-License-Identifier: MIT */
/*
 * svg.h - just enough of SVG for curves over an x axis: panels with axes, ticks, legend and title.
 * All texts are the program's own; nothing is escaped.
 */
#ifndef QY_BENCH_SVG_H
#define QY_BENCH_SVG_H

#include <stddef.h>
#include <stdio.h>

#define SVG_FONT "font-family=\"sans-serif\" font-size="

struct svg_curve {
	const char *name, *colour;
	const double *x, *y;
	size_t nr; /* points */
};

struct svg_panel {
	const char *title, *x_label, *y_label;
	double x_max, y_max; /* both axes begin at 0 */
	const struct svg_curve *curve;
	size_t nr_curves;
	double left, top, width, height; /* of the area inside the axes */
};

/* The picture's size and its headline. */
static inline void svg_begin(FILE *f, double width, double height, const char *title)
{
	fprintf(f, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
	fprintf(f,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" "
		"viewBox=\"0 0 %.0f %.0f\">\n",
		width, height, width, height);
	fprintf(f, "<title>%s</title>\n", title);
	fprintf(f, "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n");
	fprintf(f,
		"<text x=\"%.1f\" y=\"26\" text-anchor=\"middle\" " SVG_FONT "\"17\">%s</text>\n",
		width / 2, title);
}

static inline void svg_end(FILE *f)
{
	fprintf(f, "</svg>\n");
}

static inline void svg_line(FILE *f, double x1, double y1, double x2, double y2, const char *colour)
{
	fprintf(f, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\"/>\n", x1,
		y1, x2, y2, colour);
}

static inline void svg_text(FILE *f, double x, double y, const char *anchor, const char *text)
{
	fprintf(f, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" " SVG_FONT "\"12\">%s</text>\n",
		x, y, anchor, text);
}

/* Both axes with five ticks each, and what is written beside them. */
static inline void svg_axes(FILE *f, const struct svg_panel *p)
{
	double bottom = p->top + p->height;
	char text[32];

	for (int i = 0; i <= 5; i++) {
		double x = p->left + p->width * i / 5, y = bottom - p->height * i / 5;

		svg_line(f, p->left, y, p->left + p->width, y, "#dddddd");
		svg_line(f, x, bottom, x, bottom + 5, "black");
		svg_line(f, p->left - 5, y, p->left, y, "black");
		snprintf(text, sizeof(text), "%g", p->x_max * i / 5);
		svg_text(f, x, bottom + 19, "middle", text);
		snprintf(text, sizeof(text), "%g", p->y_max * i / 5);
		svg_text(f, p->left - 9, y + 4, "end", text);
	}
	svg_line(f, p->left, bottom, p->left + p->width, bottom, "black");
	svg_line(f, p->left, p->top, p->left, bottom, "black");
	svg_text(f, p->left + p->width / 2, bottom + 38, "middle", p->x_label);
	fprintf(f,
		"<text transform=\"translate(%.1f,%.1f) rotate(-90)\" "
		"text-anchor=\"middle\" " SVG_FONT "\"12\">%s</text>\n",
		p->left - 48, p->top + p->height / 2, p->y_label);
	fprintf(f, "<text x=\"%.1f\" y=\"%.1f\" " SVG_FONT "\"14\">%s</text>\n", p->left,
		p->top - 10, p->title);
}

static inline void svg_curve(FILE *f, const struct svg_panel *p, const struct svg_curve *c)
{
	fprintf(f, "<polyline fill=\"none\" stroke-width=\"1.6\" stroke=\"%s\" points=\"",
		c->colour);
	for (size_t i = 0; i < c->nr; i++)
		fprintf(f, "%s%.1f,%.1f", i ? " " : "", p->left + p->width * c->x[i] / p->x_max,
			p->top + p->height * (1 - c->y[i] / p->y_max));
	fprintf(f, "\"/>\n");
}

/* Axes, curves, and right of them the legend: a stroke and a name for each curve. */
static inline void svg_panel(FILE *f, const struct svg_panel *p)
{
	double x = p->left + p->width + 14;

	svg_axes(f, p);
	for (size_t i = 0; i < p->nr_curves; i++) {
		double y = p->top + 12 + 20 * (double)i;

		svg_curve(f, p, &p->curve[i]);
		fprintf(f,
			"<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\" "
			"stroke-width=\"3\"/>\n",
			x, y, x + 24, y, p->curve[i].colour);
		svg_text(f, x + 30, y + 4, "start", p->curve[i].name);
	}
}

#endif

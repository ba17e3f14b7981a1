/* SPDX-License-Identifier: MIT */
/*
 * symbolize.c - symbols and lines by libdw (elfutils).
 *
 * One Dwfl session per module: a report gives offsets into files, not addresses of a process, and
 * each file is then alone in its own address space.
 */
#include "symbolize.h"

#include <dlfcn.h>
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "functions.h"
#include "progress.h"
#include "symbols.h"
#include "tool.h"

#define MAX_SCOPES 64 /* functions and blocks inside each other */
#define NR_BUCKETS 4096

struct module {
	struct module *next;
	char *path;
	Dwfl *dwfl;
	Dwfl_Module *mod; /* NULL: cannot be opened; remembered so that it is tried once */
	GElf_Addr bias;	  /* Dwfl's addresses minus those of the file */
	struct functions *functions;
	struct symbols *symbols; /* NULL: not asked for yet */
};

/* Most frames come again: the callers of a function that is often called. */
struct answer {
	struct answer *next; /* in its bucket */
	const struct module *module;
	uint64_t offset;
	unsigned int nr;
	struct sym_frame frames[];
};

struct symbolizer {
	struct module *modules;
	struct answer *answers[NR_BUCKETS];
	char cwd[PATH_MAX];
	void *libstdcxx; /* holds the demangler; NULL: names stay mangled */
	char *(*demangle)(const char *name, char *buf, size_t *len, int *status);
};

struct symbolizer *symbolizer_new(void)
{
	struct symbolizer *s = tool_alloc(sizeof(*s));

	if (!getcwd(s->cwd, sizeof(s->cwd)))
		s->cwd[0] = '\0';
	/* Not linked: the tool is C, and C++ programs bring the library along. */
	s->libstdcxx = dlopen("libstdc++.so.6", RTLD_LAZY | RTLD_LOCAL);
	if (s->libstdcxx)
		*(void **)&s->demangle = dlsym(s->libstdcxx, "__cxa_demangle");
	return s;
}

static void free_frames(struct sym_frame *frames, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++) {
		free(frames[i].function);
		free(frames[i].file);
	}
}

static void free_answers(struct symbolizer *s)
{
	struct answer *next;

	for (int i = 0; i < NR_BUCKETS; i++) {
		for (struct answer *a = s->answers[i]; a; a = next) {
			next = a->next;
			free_frames(a->frames, a->nr);
			free(a);
		}
	}
}

void symbolizer_free(struct symbolizer *s)
{
	struct module *m, *next;

	free_answers(s);
	for (m = s->modules; m; m = next) {
		next = m->next;
		functions_free(m->functions);
		symbols_free(m->symbols);
		if (m->dwfl)
			dwfl_end(m->dwfl);
		free(m->path);
		free(m);
	}
	if (s->libstdcxx)
		dlclose(s->libstdcxx);
	free(s);
}

static void open_module(struct module *m)
{
	static const Dwfl_Callbacks callbacks = {
		.find_elf = dwfl_build_id_find_elf,
		.find_debuginfo = dwfl_standard_find_debuginfo,
		.section_address = dwfl_offline_section_address,
	};

	/* "[vdso]", "?" and the like are no files. */
	if (m->path[0] != '/' && m->path[0] != '.')
		return;
	m->dwfl = dwfl_begin(&callbacks);
	if (!m->dwfl)
		return;
	m->mod = dwfl_report_offline(m->dwfl, m->path, m->path, -1);
	dwfl_report_end(m->dwfl, NULL, NULL);
	if (m->mod && !dwfl_module_getelf(m->mod, &m->bias))
		m->mod = NULL;
}

static struct module *get_module(struct symbolizer *s, const char *path)
{
	struct module *m;

	for (m = s->modules; m; m = m->next)
		if (strcmp(m->path, path) == 0)
			return m;
	m = tool_alloc(sizeof(*m));
	m->path = tool_dup(path);
	open_module(m);
	m->next = s->modules;
	s->modules = m;
	return m;
}

static char *demangled(const struct symbolizer *s, const char *name)
{
	char *plain;
	int status;

	if (!name)
		return NULL;
	if (!s->demangle || strncmp(name, "_Z", 2) != 0)
		return tool_dup(name);
	plain = s->demangle(name, NULL, NULL, &status);
	return plain ? plain : tool_dup(name);
}

/*
 * _ZSt…, _ZNSt…, _ZNKSt…, the short forms of std::string & co., and __gnu_cxx. The mangled name is
 * asked: a demangled one may begin with the type that the function returns.
 */
static bool is_standard(const char *name)
{
	static const char *const inner[] = {"St", "Ss", "Sa",	      "Sb",	     "Si",
					    "So", "Sd", "9__gnu_cxx", "10__cxxabiv1"};

	if (!name || strncmp(name, "_Z", 2) != 0)
		return false;
	name += 2;
	if (*name == 'N')
		name++;
	while (*name == 'K' || *name == 'V' || *name == 'r' || *name == 'R' || *name == 'O')
		name++;
	for (size_t i = 0; i < sizeof(inner) / sizeof(inner[0]); i++)
		if (strncmp(name, inner[i], strlen(inner[i])) == 0)
			return true;
	return false;
}

static void set_function(const struct symbolizer *s, struct sym_frame *frame, const char *name)
{
	frame->function = demangled(s, name);
	frame->standard = is_standard(name);
}

/* Takes "." and ".." out of an absolute path, in place. Symbolic links are not looked at. */
static void normalise(char *path)
{
	char *in = path, *out = path;

	while (*in) {
		size_t len;

		while (*in == '/')
			in++;
		len = strcspn(in, "/");
		if (len == 2 && in[0] == '.' && in[1] == '.') {
			while (out > path && *--out != '/')
				;
		} else if (len && !(len == 1 && in[0] == '.')) {
			*out++ = '/';
			memmove(out, in, len);
			out += len;
		}
		in += len;
	}
	*out = '\0';
}

/* What an editor opens from here: relative below the current directory, else absolute. */
static char *source_path(const struct symbolizer *s, Dwarf_Die *cu, const char *file)
{
	size_t cwd_len = strlen(s->cwd);
	Dwarf_Attribute attr;
	const char *dir;
	char *path, *below;

	if (!file)
		return NULL;
	dir = dwarf_formstring(dwarf_attr(cu, DW_AT_comp_dir, &attr));
	if (file[0] == '/')
		path = tool_dup(file);
	else if (dir && dir[0] == '/')
		path = tool_printf("%s/%s", dir, file);
	else
		return tool_dup(file);
	normalise(path);
	if (cwd_len < 2 || strncmp(path, s->cwd, cwd_len) != 0 || path[cwd_len] != '/')
		return path;
	below = tool_dup(path + cwd_len + 1);
	free(path);
	return below;
}

/*
 * The compilation unit of @addr. Compilers that write no .debug_aranges (clang, rustc) leave
 * dwfl_module_addrdie() without an answer: then the units' own ranges are asked.
 */
static Dwarf_Die *find_unit(Dwfl_Module *mod, Dwarf_Addr addr, Dwarf_Addr *bias)
{
	Dwarf_Die *cu = dwfl_module_addrdie(mod, addr, bias);

	if (cu)
		return cu;
	while ((cu = dwfl_module_nextcu(mod, cu, bias)))
		if (dwarf_haspc(cu, addr - *bias) == 1)
			return cu;
	return NULL;
}

static const char *linkage_name(Dwarf_Die *die)
{
	Dwarf_Attribute attr;
	const char *name;

	name = dwarf_formstring(dwarf_attr_integrate(die, DW_AT_linkage_name, &attr));
	return name ? name : dwarf_formstring(dwarf_attr_integrate(die, DW_AT_name, &attr));
}

/* Where the function @die was inlined: the position in the function around it. */
static void call_site(const struct symbolizer *s, Dwarf_Die *cu, Dwarf_Die *die,
		      struct sym_frame *frame)
{
	Dwarf_Attribute attr;
	Dwarf_Files *files;
	Dwarf_Word value;

	if (dwarf_formudata(dwarf_attr(die, DW_AT_call_line, &attr), &value) == 0)
		frame->line = (int)value;
	if (dwarf_getsrcfiles(cu, &files, NULL) == 0 &&
	    dwarf_formudata(dwarf_attr(die, DW_AT_call_file, &attr), &value) == 0)
		frame->file = source_path(s, cu, dwarf_filesrc(files, value, NULL, NULL));
}

/*
 * Fills in functions and call sites around @pc, from the innermost inlined one outwards;
 * frames[0] already has its file and line. Return: number of frames, at least 1.
 */
static unsigned int walk_scopes(const struct symbolizer *s, struct module *m, Dwarf_Die *cu,
				Dwarf_Addr pc, struct sym_frame *frames)
{
	Dwarf_Die scopes[MAX_SCOPES], function;
	unsigned int nr = 0, n;

	if (!functions_find(&m->functions, cu, pc, &function))
		return 1;
	n = functions_scopes(&function, pc, scopes, MAX_SCOPES);
	for (unsigned int i = n; i-- > 0;) {
		int tag = dwarf_tag(&scopes[i]);

		if (tag != DW_TAG_inlined_subroutine && tag != DW_TAG_subprogram)
			continue;
		set_function(s, &frames[nr], linkage_name(&scopes[i]));
		if (tag == DW_TAG_subprogram || nr + 1 == SYM_MAX_FRAMES)
			break;
		nr++;
		call_site(s, cu, &scopes[i], &frames[nr]);
	}
	return nr + 1;
}

/* Return: how many of @frames (SYM_MAX_FRAMES) were filled in. */
static unsigned int resolve(const struct symbolizer *s, struct module *m, uint64_t offset,
			    struct sym_frame *frames)
{
	struct sym_frame *last;
	Dwarf_Addr addr, bias;
	unsigned int nr = 1;
	const char *symbol;
	Dwarf_Line *line;
	Dwarf_Die *cu;
	uint64_t into, size;
	int number;

	memset(frames, 0, SYM_MAX_FRAMES * sizeof(*frames));
	if (!m->mod || offset == 0)
		return 0;
	addr = offset - 1 + m->bias;
	cu = find_unit(m->mod, addr, &bias);
	if (cu) {
		line = dwarf_getsrc_die(cu, addr - bias);
		if (line && dwarf_lineno(line, &number) == 0) {
			frames[0].file = source_path(s, cu, dwarf_linesrc(line, NULL, NULL));
			frames[0].line = number;
		}
		nr = walk_scopes(s, m, cu, addr - bias, frames);
	}
	last = &frames[nr - 1];
	if (!m->symbols)
		m->symbols = symbols_new(m->mod);
	symbol = symbols_find(m->symbols, addr, &into, &size);
	if (symbol) {
		/* The symbol table says what the linker made of it, and where it begins. */
		free(last->function);
		set_function(s, last, symbol);
		last->offset = into + 1;
		last->size = size;
	}
	if (nr == 1 && !last->function) {
		free_frames(frames, nr);
		return 0;
	}
	return nr;
}

unsigned int symbolizer_resolve(struct symbolizer *s, const char *module, uint64_t offset,
				const struct sym_frame **frames)
{
	struct module *m = get_module(s, module);
	struct answer **bucket = &s->answers[(offset ^ offset >> 12) % NR_BUCKETS], *a;
	struct sym_frame found[SYM_MAX_FRAMES];
	unsigned int nr;

	for (a = *bucket; a; a = a->next)
		if (a->module == m && a->offset == offset)
			break;
	if (!a) {
		progress_step(module);
		nr = resolve(s, m, offset, found);
		a = tool_alloc(sizeof(*a) + nr * sizeof(a->frames[0]));
		a->module = m;
		a->offset = offset;
		a->nr = nr;
		memcpy(a->frames, found, nr * sizeof(found[0]));
		a->next = *bucket;
		*bucket = a;
	}
	*frames = a->frames;
	return a->nr;
}

char *symbolizer_variable(struct symbolizer *s, const char *module, uint64_t offset, bool *is_code)
{
	struct module *m = get_module(s, module);
	char *plain, *name;
	const char *symbol;
	GElf_Off into;
	GElf_Sym sym;

	if (!m->mod)
		return NULL;
	symbol = dwfl_module_addrinfo(m->mod, offset + m->bias, &into, &sym, NULL, NULL, NULL);
	/* Labels without a size, as "__bss_start" and "_end", name nothing. */
	if (!symbol || into >= sym.st_size)
		return NULL;
	*is_code = GELF_ST_TYPE(sym.st_info) == STT_FUNC;
	plain = demangled(s, symbol);
	name = into ? tool_printf("%s+0x%llx", plain, (unsigned long long)into) : tool_dup(plain);
	free(plain);
	return name;
}

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

#include "tool.h"

struct module {
	struct module *next;
	char *path;
	Dwfl *dwfl;
	Dwfl_Module *mod; /* NULL: cannot be opened; remembered so that it is tried once */
	GElf_Addr bias;	  /* Dwfl's addresses minus those of the file */
};

struct symbolizer {
	struct module *modules;
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

void symbolizer_free(struct symbolizer *s)
{
	struct module *m, *next;

	for (m = s->modules; m; m = next) {
		next = m->next;
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
static unsigned int walk_scopes(const struct symbolizer *s, Dwarf_Die *cu, Dwarf_Addr pc,
				struct sym_frame *frames)
{
	Dwarf_Die *scopes = NULL, *parents = NULL, innermost;
	unsigned int nr = 0;
	int n = dwarf_getscopes(cu, pc, &scopes);

	if (n <= 0)
		return 1;
	/*
	 * Behind an inlined function dwarf_getscopes() goes on with the place of its definition;
	 * the parents in the tree are the callers.
	 */
	innermost = scopes[0];
	n = dwarf_getscopes_die(&innermost, &parents);
	for (int i = 0; i < n; i++) {
		int tag = dwarf_tag(&parents[i]);

		if (tag != DW_TAG_inlined_subroutine && tag != DW_TAG_subprogram)
			continue;
		set_function(s, &frames[nr], linkage_name(&parents[i]));
		if (tag == DW_TAG_subprogram || nr + 1 == SYM_MAX_FRAMES)
			break;
		nr++;
		call_site(s, cu, &parents[i], &frames[nr]);
	}
	free(parents);
	free(scopes);
	return nr + 1;
}

unsigned int symbolizer_resolve(struct symbolizer *s, const char *module, uint64_t offset,
				struct sym_frame *frames)
{
	struct module *m = get_module(s, module);
	struct sym_frame *last;
	Dwarf_Addr addr, bias;
	unsigned int nr = 1;
	const char *symbol;
	Dwarf_Line *line;
	Dwarf_Die *cu;
	GElf_Off into;
	GElf_Sym sym;
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
		nr = walk_scopes(s, cu, addr - bias, frames);
	}
	last = &frames[nr - 1];
	symbol = dwfl_module_addrinfo(m->mod, addr, &into, &sym, NULL, NULL, NULL);
	if (symbol) {
		/* The symbol table says what the linker made of it, and where it begins. */
		free(last->function);
		set_function(s, last, symbol);
		last->offset = into + 1;
		last->size = sym.st_size;
	}
	if (nr == 1 && !last->function) {
		symbolizer_release(frames, nr);
		return 0;
	}
	return nr;
}

void symbolizer_release(struct sym_frame *frames, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++) {
		free(frames[i].function);
		free(frames[i].file);
	}
}

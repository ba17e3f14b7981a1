/* SPDX-License-Identifier: MIT */
/*
 * options.c - the debug string: "slab_debug=FZ;PU,kmalloc-* quarantine=64M".
 *
 * Items are parted by blanks or colons. Within slab_debug the rules are the kernel's (linux-mm.md
 * 2.7): blocks parted by ';', letters, then names; a block without names is global, the last one
 * wins; of blocks with names the first that matches a cache wins and replaces the global letters
 * for it.
 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "debug/debug.h"
#include "page/mm.h"

#define ALL_LETTERS                                                                                \
	(QY_SLAB_CONSISTENCY_CHECKS | QY_SLAB_RED_ZONE | QY_SLAB_POISON | QY_SLAB_STORE_USER)

static bool is_separator(char ch)
{
	return ch == ' ' || ch == ':' || ch == '\t' || ch == '\n';
}

static bool key_is(const char *s, const char *eq, const char *key)
{
	return (size_t)(eq - s) == strlen(key) && !memcmp(s, key, (size_t)(eq - s));
}

/* One letter into @flags. false: no such letter. */
static bool parse_letter(char ch, qy_slab_flags_t *flags)
{
	switch (ch | 0x20) {
	case 'f': *flags |= QY_SLAB_CONSISTENCY_CHECKS; return true;
	case 'z': *flags |= QY_SLAB_RED_ZONE; return true;
	case 'p': *flags |= QY_SLAB_POISON; return true;
	case 'u': *flags |= QY_SLAB_STORE_USER; return true;
	case 't': *flags |= QY_SLAB_TRACE; return true;
	case 'a': /* failslab's mark and the order switch: known, no effect here */
	case 'o': return true;
	default:
		if (ch == '-')
			*flags = 0;
		return ch == '-';
	}
}

/* letters[,names] in [s, end). */
static int parse_block(struct qy__debug_config *cfg, const char *s, const char *end,
		       const char **bad)
{
	const char *names = memchr(s, ',', (size_t)(end - s));
	const char *stop = names ? names : end;
	qy_slab_flags_t flags = stop == s ? ALL_LETTERS : 0;

	for (; s < stop; s++) {
		if (!parse_letter(*s, &flags)) {
			*bad = s;
			return -EINVAL;
		}
	}
	if (!names) {
		cfg->global = flags;
		return 0;
	}
	if (cfg->nr_blocks == QY__DEBUG_BLOCKS || names + 1 == end) {
		*bad = names;
		return -EINVAL;
	}
	cfg->block[cfg->nr_blocks].flags = flags;
	cfg->block[cfg->nr_blocks].names = (uint16_t)(names + 1 - cfg->text);
	cfg->block[cfg->nr_blocks].names_len = (uint16_t)(end - names - 1);
	cfg->nr_blocks++;
	return 0;
}

static int parse_slab_debug(struct qy__debug_config *cfg, const char *s, const char *end,
			    const char **bad)
{
	if (s == end)
		cfg->global = ALL_LETTERS;
	while (s < end) {
		const char *semi = memchr(s, ';', (size_t)(end - s));
		const char *stop = semi ? semi : end;
		int err = parse_block(cfg, s, stop, bad);

		if (err)
			return err;
		s = semi ? semi + 1 : end;
	}
	return 0;
}

static int parse_bytes(const char *s, const char *end, size_t *out)
{
	size_t value = 0;

	if (s == end || *s < '0' || *s > '9')
		return -EINVAL;
	for (; s < end && *s >= '0' && *s <= '9'; s++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (size_t)(*s - '0'), &value))
			return -EINVAL;
	if (s < end) {
		unsigned int shift;

		switch (*s++ | 0x20) {
		case 'k': shift = 10; break;
		case 'm': shift = 20; break;
		case 'g': shift = 30; break;
		default: return -EINVAL;
		}
		if (value > SIZE_MAX >> shift)
			return -EINVAL;
		value <<= shift;
	}
	if (s != end)
		return -EINVAL;
	*out = value;
	return 0;
}

static int parse_policy(const char *s, const char *end, int *policy)
{
	if (end - s == 5 && !memcmp(s, "abort", 5))
		*policy = QY_POLICY_ABORT;
	else if (end - s == 6 && !memcmp(s, "report", 6))
		*policy = QY_POLICY_REPORT;
	else
		return -EINVAL;
	return 0;
}

/* @value in [s, end): "1", "on", "y", "0", "off", "n", or without "=" at all: on. */
static int parse_switch(const char *s, const char *end, bool said, bool *on)
{
	static const char *const words[] = {"0", "1", "off", "on", "n", "y"};

	*on = true;
	if (!said)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (!key_is(s, end, words[i]))
			continue;
		*on = i & 1;
		return 0;
	}
	return -EINVAL;
}

/* An item that is a switch of the page floor. false: it is none. */
static bool parse_page_switch(struct qy__debug_config *cfg, const char *s, const char *key_end,
			      const char *end, int *err)
{
	static const struct {
		const char *key;
		unsigned int flag;
	} table[] = {
		{"init_on_alloc", QY_PAGE_INIT_ON_ALLOC},
		{"init_on_free", QY_PAGE_INIT_ON_FREE},
		{"page_poison", QY_PAGE_POISON},
		{"debug_pagealloc", QY_PAGE_UNMAP},
		{"page_owner", QY_PAGE_OWNER},
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		bool said = key_end < end, on = false;

		if (!key_is(s, key_end, table[i].key))
			continue;
		*err = parse_switch(key_end + said, end, said, &on);
		cfg->page_on = on ? cfg->page_on | table[i].flag : cfg->page_on & ~table[i].flag;
		cfg->page_off = on ? cfg->page_off & ~table[i].flag : cfg->page_off | table[i].flag;
		return true;
	}
	return false;
}

static int parse_path(struct qy__debug_config *cfg, const char *s, const char *end)
{
	size_t len = (size_t)(end - s);

	if (!len || len >= sizeof(cfg->report_path))
		return -EINVAL;
	memcpy(cfg->report_path, s, len);
	cfg->report_path[len] = 0;
	return 0;
}

/* A whole decimal number below @limit at @s; where it ends, or NULL. */
static const char *parse_decimal(const char *s, const char *end, uint64_t limit, uint64_t *out)
{
	const char *from = s;

	for (*out = 0; s < end && *s >= '0' && *s <= '9'; s++) {
		if (*out >= limit / 10)
			return NULL;
		*out = *out * 10 + (uint64_t)(*s - '0');
	}
	return s > from ? s : NULL;
}

/* FD.INODE */
static int parse_channel(struct qy__debug_config *cfg, const char *s, const char *end)
{
	uint64_t fd, inode;

	s = parse_decimal(s, end, INT32_MAX, &fd);
	if (!s || s == end || *s != '.' || parse_decimal(s + 1, end, UINT64_MAX, &inode) != end)
		return -EINVAL;
	cfg->channel_fd = (int)fd;
	cfg->channel_inode = inode;
	return 0;
}

static int parse_any_switch(struct qy__debug_config *cfg, const char *key, const char *key_end,
			    const char *end)
{
	bool has_value = key_end < end, on = true;
	int err = -EINVAL;

	if (key_is(key, key_end, "signals")) {
		err = parse_switch(has_value ? key_end + 1 : end, end, has_value, &on);
		cfg->no_signals = !on;
	} else {
		parse_page_switch(cfg, key, key_end, end, &err);
	}
	return err;
}

static int parse_item(struct qy__debug_config *cfg, const char *s, const char *end,
		      const char **bad)
{
	const char *eq = memchr(s, '=', (size_t)(end - s));
	const char *key_end = eq ? eq : end, *value = eq ? eq + 1 : end;
	size_t n = 0;
	int err = -EINVAL;

	*bad = s;
	if (key_is(s, key_end, "slab_debug") || key_is(s, key_end, "slub_debug"))
		return parse_slab_debug(cfg, value, end, bad);
	if (key_is(s, key_end, "quarantine")) {
		err = parse_bytes(value, end, &cfg->quarantine);
	} else if (key_is(s, key_end, "red_zone")) {
		err = parse_bytes(value, end, &n);
		if (n < 8 || n > 4096)
			err = -EINVAL;
		cfg->red_zone = (unsigned int)n;
	} else if (key_is(s, key_end, "validate")) {
		err = parse_bytes(value, end, &n);
		if (n > UINT32_MAX)
			err = -EINVAL;
		cfg->validate_every = (unsigned int)n;
	} else if (key_is(s, key_end, "policy")) {
		err = parse_policy(value, end, &cfg->policy);
	} else if (key_is(s, key_end, "report")) {
		err = parse_path(cfg, value, end);
	} else if (key_is(s, key_end, "channel")) {
		err = parse_channel(cfg, value, end);
	} else if (key_is(s, key_end, "debug_guardpage_minorder")) {
		err = parse_bytes(value, end, &n);
		if (n > QY_CONFIG_MAX_ORDER_LIMIT)
			err = -EINVAL;
		cfg->guardpage_minorder = (int)n;
	} else {
		err = parse_any_switch(cfg, s, key_end, end);
	}
	return err;
}

int qy__debug_parse(struct qy__debug_config *cfg, const char *string, const char **bad)
{
	const char *s = cfg->text, *end;

	memset(cfg, 0, sizeof(*cfg));
	cfg->policy = cfg->guardpage_minorder = cfg->channel_fd = -1;
	*bad = string;
	if (!string)
		return 0;
	if (strlen(string) >= sizeof(cfg->text))
		return -EINVAL;
	strcpy(cfg->text, string);
	while (*s) {
		int err;

		if (is_separator(*s)) {
			s++;
			continue;
		}
		for (end = s; *end && !is_separator(*end); end++)
			;
		err = parse_item(cfg, s, end, bad);
		if (err) {
			*bad = string + (*bad - cfg->text);
			return err;
		}
		s = end;
	}
	return 0;
}

/* Does @name match one of the names in [s, end), each with an optional '*' at its end? */
static bool match_names(const char *s, const char *end, const char *name)
{
	while (s < end) {
		const char *comma = memchr(s, ',', (size_t)(end - s));
		const char *stop = comma ? comma : end;
		size_t len = (size_t)(stop - s);

		if (len && s[len - 1] == '*') {
			if (!strncmp(name, s, len - 1))
				return true;
		} else if (strlen(name) == len && !memcmp(name, s, len)) {
			return true;
		}
		s = comma ? comma + 1 : end;
	}
	return false;
}

qy_slab_flags_t qy__debug_cache_flags(const struct qy__debug_config *cfg, const char *name,
				      qy_slab_flags_t flags)
{
	qy_slab_flags_t add = cfg->global;

	for (unsigned int i = 0; i < cfg->nr_blocks; i++) {
		const char *names = cfg->text + cfg->block[i].names;

		if (match_names(names, names + cfg->block[i].names_len, name)) {
			add = cfg->block[i].flags;
			break;
		}
	}
	flags |= add;
	return (flags & ~QY_SLAB_DEBUG_FLAGS) | (flags & QY__DEBUG_MASK);
}

/* What the string says of the page floor goes before the configuration. */
static void set_page_debug(struct qy_mm *mm, const struct qy_mm_config *cfg)
{
	const struct qy__debug_config *said = &mm->debug->config;

	mm->page_debug.on = (cfg->page_debug & ~said->page_off) | said->page_on;
	mm->page_debug.guard_minorder = said->guardpage_minorder >= 0
						? (uint32_t)said->guardpage_minorder
						: cfg->guardpage_minorder;
}

int qy__debug_config_init(struct qy_mm *mm, const struct qy_mm_config *cfg)
{
	const char *bad;

	mm->debug = qy__mm_boot_alloc(mm, sizeof(*mm->debug), 64);
	if (!mm->debug)
		return -ENOMEM;
	if (qy__debug_parse(&mm->debug->config, cfg->debug, &bad))
		return -EINVAL;
	if (!mm->debug->config.red_zone)
		mm->debug->config.red_zone = cfg->red_zone ? cfg->red_zone : 8;
	set_page_debug(mm, cfg);
	if (mm->debug->config.policy >= 0)
		mm->report.policy = (enum qy_policy)mm->debug->config.policy;
	return 0;
}

int qy_debug_string_check(const char *string, size_t *where)
{
	struct qy__debug_config cfg;
	const char *bad;
	int err = qy__debug_parse(&cfg, string, &bad);

	if (err && where)
		*where = (size_t)(bad - string);
	return err;
}

const char *qy_build_debug_letters(void)
{
	static const char *const all[16] = {"",	 "F",  "Z",  "FZ",  "P",  "FP",	 "ZP",	"FZP",
					    "U", "FU", "ZU", "FZU", "PU", "FPU", "ZPU", "FZPU"};
	qy_slab_flags_t known = QY__DEBUG_MASK;

	return all[(known & QY_SLAB_CONSISTENCY_CHECKS ? 1 : 0) +
		   (known & QY_SLAB_RED_ZONE ? 2 : 0) + (known & QY_SLAB_POISON ? 4 : 0) +
		   (known & QY_SLAB_STORE_USER ? 8 : 0)];
}

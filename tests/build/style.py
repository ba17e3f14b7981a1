#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The part of the style that a machine can judge.

style.py ROOT         check the tree
style.py --self-test  prove that each rule can fail

    columns   no line beyond 100 columns (tabs of 8)
    blanks    no blank at the end of a line; the file ends with one newline
    licence   the first line (the second behind #!) names the licence
    if        no #if in lib/**/*.c outside osif_*.c and per-architecture files
    length    no file above 800 lines
    function  none above 40 lines from brace to brace (tests, which may hold a table or a text: 70)
"""
import os
import re
import sys

FOLDERS = ["lib", "include", "fuzz", "tools", "tests"]
SOURCES = (".c", ".h", ".cc", ".def", ".in", ".map", ".py", ".sh", "meson.build")
COLUMNS = 100
LINES = 800
# Lines of a function by folder, both braces counted.
FUNCTION_LINES = {"lib": 40, "include": 40, "fuzz": 40, "tools": 40, "tests": 70}
# The longer ones: (file, function): its lines. No new ones: flat tables and switches at most.
LONG_FUNCTIONS = {
    ("fuzz/fuzz_cache.c", "do_cache_create"): 44,
    ("fuzz/fuzz_errors.c", "do_stale_write"): 43,
    ("fuzz/fuzz_page_reclaim.c", "do_shrinker"): 42,
    ("fuzz/fuzz_page_runs.c", "do_declare"): 43,
    ("fuzz/page_start.c", "fzp_spoil"): 43,
    ("fuzz/stress_main.c", "main"): 48,
}
LICENCE = "SPDX-License-Identifier: MIT"
CONDITIONAL = re.compile(r"^\s*#\s*(if|ifdef|ifndef|elif)\b")
MAY_CONDITION = re.compile(r"^(osif_.*|.*_(x86_64|aarch64))\.c$")
# A function's first line begins at the left edge; its name stands before the first parenthesis.
FUNCTION = re.compile(r"^[A-Za-z_][^(;=]*?([A-Za-z_]\w*)\(")


def is_script(path):
    """A file without a suffix that starts with #! (tools/try, tools/test, …)."""
    if "." in os.path.basename(path):
        return False
    with open(path, "rb") as f:
        return f.read(2) == b"#!"


def functions(lines):
    """(line of the opening brace, name, lines from brace to brace) of each C function."""
    name, start = "?", 0
    for number, line in enumerate(lines, 1):
        head = FUNCTION.match(line)
        if head:
            name = head.group(1)
        if line == "{":
            start = number
        elif line.startswith("}") and start:
            yield start, name, number - start + 1
            start = 0


def judge_functions(path, lines):
    most = FUNCTION_LINES.get(path.split("/")[0], min(FUNCTION_LINES.values()))
    for number, name, count in functions(lines):
        allowed = LONG_FUNCTIONS.get((path, name), most)
        if count > allowed:
            yield number, "function", "%s: %d lines, %d at most" % (name, count, allowed)


def judge(path, text):
    """Findings in one file; @path is relative to the root, with slashes."""
    bad = []
    lines = text.split("\n")
    if lines[-1] != "" or (len(lines) > 1 and lines[-2] == ""):
        bad.append((len(lines), "blanks", "the file ends with one newline"))
    lines = lines[:-1] if lines[-1] == "" else lines

    head = 1 if lines and lines[0].startswith("#!") else 0
    if len(lines) <= head or LICENCE not in lines[head]:
        bad.append((head + 1, "licence", "the first line is " + LICENCE))
    if len(lines) > LINES:
        bad.append((LINES, "length", "%d lines, %d at most" % (len(lines), LINES)))

    if path.endswith((".c", ".cc", ".h")):
        bad.extend(judge_functions(path, lines))

    plain = path.startswith("lib/") and path.endswith(".c") \
        and not MAY_CONDITION.match(os.path.basename(path))
    for number, line in enumerate(lines, 1):
        width = len(line.expandtabs(8))
        if width > COLUMNS:
            bad.append((number, "columns", "%d columns" % width))
        if line != line.rstrip():
            bad.append((number, "blanks", "blank at the end"))
        if plain and CONDITIONAL.match(line):
            bad.append((number, "if", "options are values: test them with if"))
    return bad


def tree(root):
    for folder in FOLDERS:
        for base, folders, files in os.walk(os.path.join(root, folder)):
            folders[:] = sorted(f for f in folders if not f.startswith((".", "__")))
            for name in sorted(files):
                path = os.path.join(base, name)
                if name.endswith(SOURCES) or is_script(path):
                    yield path


def check(root):
    count = bad = 0
    longest = {folder: (0, "", "") for folder in FOLDERS}
    for path in tree(root):
        name = os.path.relpath(path, root).replace(os.sep, "/")
        count += 1
        try:
            with open(path, encoding="utf-8", newline="") as f:
                text = f.read()
            found = judge(name, text)
            folder = name.split("/")[0]
            if name.endswith((".c", ".cc", ".h")):
                longest[folder] = max([longest[folder]] + [
                    (lines, name, function) for _, function, lines in functions(text.split("\n"))])
        except UnicodeDecodeError:
            found = [(1, "blanks", "not UTF-8")]
        for number, rule, why in found:
            bad += 1
            print("%s:%d: %s: %s" % (name, number, rule, why))
    for folder in FOLDERS:
        print("longest function of %s/: %d lines, %s: %s" % ((folder,) + longest[folder]))
    print("%d files, %d findings" % (count, bad))
    return 1 if bad or count == 0 else 0


def self_test():
    spdx = "/* %s */\n" % LICENCE
    cases = [
        ("lib/page/a.c", spdx + "int x;\n", []),
        ("lib/page/a.c", spdx + "\t" * 12 + "12345\n", ["columns"]),
        ("lib/page/a.c", spdx + "\t" * 12 + "1234\n", []),
        ("lib/page/a.c", "int x;\n", ["licence"]),
        ("tools/a.py", "#!/usr/bin/python3\n# %s\n" % LICENCE, []),
        ("tools/a.py", "#!/usr/bin/python3\n", ["licence"]),
        ("lib/page/a.c", spdx + "#if X\n#endif\n", ["if"]),
        ("lib/page/a.c", spdx + "# ifdef X\n#endif\n", ["if"]),
        ("lib/page/a.h", spdx + "#if X\n#endif\n", []),
        ("lib/osif/osif_linux.c", spdx + "#if X\n#endif\n", []),
        ("lib/page/a.c", spdx + "int x; \n", ["blanks"]),
        ("lib/page/a.c", spdx + "int x;", ["blanks"]),
        ("lib/page/a.c", spdx + "x\n" * 800, ["length"]),
        ("lib/page/a.c", spdx + "int f(int a,\n\tint b)\n{\n" + "\tg();\n" * 38 + "}\n", []),
        ("lib/page/a.c", spdx + "int f(int a,\n\tint b)\n{\n" + "\tg();\n" * 39 + "}\n",
         ["function"]),
        ("lib/page/a.c", spdx + "int x[] = {\n" + "\t1,\n" * 50 + "};\n", []),
        ("tests/unit/a.c", spdx + "int f(void)\n{\n" + "\tg();\n" * 68 + "}\n", []),
        ("tests/unit/a.c", spdx + "int f(void)\n{\n" + "\tg();\n" * 69 + "}\n", ["function"]),
        ("fuzz/stress_main.c", spdx + "int main(void)\n{\n" + "\tg();\n" * 46 + "}\n", []),
        ("fuzz/stress_main.c", spdx + "int f(void)\n{\n" + "\tg();\n" * 46 + "}\n",
         ["function"]),
    ]
    wrong = 0
    for path, text, rules in cases:
        found = [rule for _, rule, _ in judge(path, text)]
        if found != rules:
            wrong += 1
            print("%s %r: found %s, not %s" % (path, text[-40:], found, rules))
    print("%d cases, %d wrong" % (len(cases), wrong))
    return 1 if wrong else 0


def main():
    return self_test() if sys.argv[1:] == ["--self-test"] else check(sys.argv[1])


if __name__ == "__main__":
    sys.exit(main())

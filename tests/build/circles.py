#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the linker sees: circles between the files of a folder, and calls up the floors of lib/.

circles.py BUILD       check the object files of a build folder: the debug library's, which has
                       every source of lib/, and the fuzz library's where it was built
circles.py --self-test prove that circles and calls upwards are found

A file needs another one if it calls a function (or takes the address of one) that the other one
defines. Files that all need each other, directly or by way of others, form a circle: they can only
be understood, tested and changed together. Not counted: what is inlined from a header, since no
symbol tells of it; and data, for a table of functions is how a circle is opened. Upwards, data
counts, too.
"""
import io
import os
import re
import subprocess
import sys

# Files in circles, at most: (group, its folders, files). A figure may only become smaller.
GROUPS = [
    ("util/", ["util"], 0),
    ("report/", ["report"], 0),
    ("osif/", ["osif"], 0),
    ("early/", ["early"], 3),
    ("page/", ["page"], 4),
    ("debug+slab", ["debug", "slab"], 0),
    ("kmalloc/", ["kmalloc"], 0),
    ("vmalloc/", ["vmalloc"], 0),
    ("check/", ["check"], 0),
    ("info/", ["info"], 0),
    ("fuzz/", ["fuzz"], 0),
]

# Lowest first; "." are the files of lib/ itself, which put an instance together.
FLOORS = ["util", "osif", "report", "early", "page", "slab", "kmalloc", "vmalloc", "."]
# debug/ stands beside slab … vmalloc.
BESIDE = "debug"
# Nobody below needs the roof; info/ reads with check/'s walks.
ROOF = ["check", "info"]
ROOF_DOORS = [("info", "check")]
# Calls upwards that there are, and why: (file, the file it needs): reason.
UPWARDS = {}

# What nm calls a function: in the text, weak, indirect.
FUNCTION = "TWi"
MEMBER = re.compile(r"^(?:.*\[)?([^\[\]]+\.o)\]?:$")


def source_of(member):
    """lib/'s name of an object's source: page_buddy.c.o → page/buddy.c; instance.c stays itself."""
    name = member[:-len(".o")]
    folder, _, rest = name.partition("_")
    return "%s/%s" % (folder, rest) if rest and folder in FLOORS + [BESIDE] + ROOF else name


def read_nm(lines, name_of):
    """name → ({defined symbol: its type}, {needed symbols}) of each member of an archive."""
    files, current = {}, None
    for line in lines:
        member = MEMBER.match(line.rstrip())
        words = line.split()
        if member:
            name = name_of(os.path.basename(member.group(1)))
            current = files.setdefault(name, ({}, set()))
        elif len(words) >= 2 and words[1] in "Uwv":
            current[1].add(words[0])
        elif len(words) >= 2:
            current[0][words[0]] = words[1]
    return files


def symbols(archive, name_of):
    text = subprocess.run(["nm", "-g", "--format=posix", archive], check=True,
                          stdout=subprocess.PIPE, text=True).stdout
    return read_nm(io.StringIO(text), name_of)


def graph(files, types=None):
    """name → {needed file: its symbols}; of all symbols or of some types."""
    home = {symbol: name for name in sorted(files) for symbol, kind in files[name][0].items()
            if types is None or kind in types}
    edges = {name: {} for name in files}
    for name, (_, needed) in files.items():
        for symbol in needed:
            if symbol in home and home[symbol] != name:
                edges[name].setdefault(home[symbol], set()).add(symbol)
    return edges


def reach(edges, start, names):
    """Files that @start needs, directly or by way of others, all of them in @names."""
    seen, todo = set(), [start]
    while todo:
        for target in edges[todo.pop()]:
            if target in names and target not in seen:
                seen.add(target)
                todo.append(target)
    return seen


def circles(edges, names):
    """The circles between @names, each a sorted list of files; the largest first."""
    reached = {name: reach(edges, name, names) for name in names}
    found = {tuple(sorted(other for other in reached[name] if name in reached[other]))
             for name in names if name in reached[name]}
    return sorted((list(circle) for circle in found), key=lambda c: (-len(c), c))


def folder_of(name):
    return name.split("/")[0] if "/" in name else "."


def upwards(name, target):
    """Why lib/<name> may not need lib/<target>; None when it may."""
    here, there = folder_of(name), folder_of(target)
    if here == there or (here in ROOF and there not in ROOF) or (here, there) in ROOF_DOORS:
        return None
    if there in ROOF:
        return "%s/ is the roof" % there
    if there == BESIDE:
        low = here in FLOORS[:FLOORS.index("slab")]
        return "%s/ lies below debug/" % here if low else None
    if here == BESIDE:
        here = "vmalloc"
    return "%s lies above %s" % (there, here) if FLOORS.index(there) > FLOORS.index(here) else None


def check_floors(edges, exceptions):
    """Calls upwards that are not excepted, and exceptions that nothing needs any more."""
    bad, used = [], set()
    for name in sorted(edges):
        for target in sorted(edges[name]):
            why = upwards(name, target)
            if why and (name, target) in exceptions:
                used.add((name, target))
            elif why:
                text = " ".join(sorted(edges[name][target]))
                bad.append("%s needs %s (%s): %s" % (name, target, text, why))
    return bad + ["%s no longer needs %s: take the exception away" % key
                  for key in sorted(exceptions) if key not in used]


def check_group(edges, group, folders, most):
    """Print the circles of a group; what is wrong with their number."""
    names = {name for name in edges if folder_of(name) in folders}
    found = circles(edges, names)
    count = sum(map(len, found))
    print("%-10s %2d of %2d files in circles%s" %
          (group, count, len(names), ": " + "+".join(str(len(c)) for c in found) if found else ""))
    for circle in found:
        print("    " + " ".join(circle))
    if not names:
        return ["%s: no object files" % group]
    if count < most:
        print("    it is time to write %d instead of %d into circles.py" % (count, most))
    if count > most:
        return ["%s: %d files in circles, %d at most" % (group, count, most)]
    return []


def check(build):
    lib = symbols(os.path.join(build, "lib", "libquarry-debug.a"), source_of)
    bad = check_floors(graph(lib), UPWARDS)
    edges = graph(lib, FUNCTION)
    fuzz = os.path.join(build, "fuzz", "libfuzz.a")
    if os.path.exists(fuzz):
        found = symbols(fuzz, lambda member: "fuzz/" + member[:-len(".o")])
        edges.update(graph(found, FUNCTION))
    for group, folders, most in GROUPS:
        if group != "fuzz/" or os.path.exists(fuzz):
            bad += check_group(edges, group, folders, most)
    for line in bad:
        print("error: " + line)
    return 1 if bad else 0


# What nm says of five objects: a and b call each other, c calls a; d and e share data only.
CIRCLE = """
lib.a[page_a.c.o]:
a T 0 1
b U
memset U

lib.a[page_b.c.o]:
b T 0 1
a U
libfuzz.a.p/page_c.c.o:
c T 0 1
a U
lib.a[page_d.c.o]:
table D 0 8
e U
lib.a[page_e.c.o]:
e T 0 1
table U
"""
# (file, file it needs, is it allowed?)
FLOOR_CASES = [
    ("util/a.c", "osif/b.c", False),
    ("osif/a.c", "util/b.c", True),
    ("page/a.c", "slab/b.c", False),
    ("page/a.c", "report/report.c", True),
    ("page/a.c", "debug/layout.c", False),
    ("osif/a.c", "report/report.c", False),
    ("slab/a.c", "debug/layout.c", True),
    ("slab/a.c", "instance.c", False),
    ("instance.c", "vmalloc/b.c", True),
    ("debug/a.c", "vmalloc/b.c", True),
    ("debug/a.c", "instance.c", False),
    ("report/report.c", "page/b.c", False),
    ("info/a.c", "check/b.c", True),
    ("slab/a.c", "check/b.c", False),
    ("instance.c", "info/b.c", False),
    ("check/a.c", "instance.c", True),
    ("check/a.c", "info/b.c", False),
]


def self_test():
    wrong = []
    files = read_nm(CIRCLE.splitlines(), source_of)
    edges = graph(files, FUNCTION)
    found = circles(edges, set(edges))
    if found != [["page/a.c", "page/b.c"]]:
        wrong.append("circles: %s" % found)
    if circles(graph(files), set(files)) != [["page/a.c", "page/b.c"], ["page/d.c", "page/e.c"]]:
        wrong.append("data makes no circle where it is counted")
    for most, count in ((1, 1), (2, 0), (3, 0)):
        if len(check_group(edges, "page/", ["page"], most)) != count:
            wrong.append("2 files in circles, %d at most: %d findings expected" % (most, count))
    if not check_group(edges, "slab/", ["slab"], 0):
        wrong.append("a group without files passes")
    for name, target, allowed in FLOOR_CASES:
        calls = {name: {target: {"f"}}, target: {}}
        if bool(check_floors(calls, {})) == allowed:
            wrong.append("%s needs %s: %s" % (name, target, "found" if allowed else "not found"))
    call = {"page/a.c": {"slab/b.c": {"f"}}, "slab/b.c": {}}
    if check_floors(call, {("page/a.c", "slab/b.c"): "why"}):
        wrong.append("an exception does not help")
    if not check_floors({"page/a.c": {}}, {("page/a.c", "slab/b.c"): "why"}):
        wrong.append("an exception that nothing needs is not found")
    for line in wrong:
        print("wrong: " + line)
    print("%d cases wrong" % len(wrong))
    return 1 if wrong else 0


def main():
    return self_test() if sys.argv[1:] == ["--self-test"] else check(sys.argv[1])


if __name__ == "__main__":
    sys.exit(main())

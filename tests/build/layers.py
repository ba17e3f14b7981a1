#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Includes between the floors of lib/ go down only.

layers.py ROOT        check the tree
layers.py --self-test prove that bad includes are found
"""
import os
import re
import sys
import tempfile

# Lowest first. A file may include its own folder and the ones before it. "." are the files of lib/
# itself: they put the floors of an instance together.
FLOORS = ["util", "osif", "report", "early", "page", "slab", "kmalloc", "vmalloc", ".", "malloc"]
# debug/ stands beside slab … vmalloc and sees them all. They see one door of it: the hooks.
DEBUG_DOOR = "debug/debug.h"
# The roof sees everything; nobody looks at the roof. But info/ reads an instance as check/ does, by
# its walks.
ROOF = ["check", "info"]
ROOF_DOORS = {"info": ["check"]}
ALL = FLOORS + ["debug"] + ROOF

# Headers of lib/ itself.
ROOT_HEADERS = ["instance.h"]
# Made by the build; lib/util/compiler.h is the one that includes it.
GENERATED = ["qy_config.h"]

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
# Headers the model of the fuzzers may use: it must not know how the library works.
MODEL_PUBLIC = ["quarry/types.h", "quarry/config.h"]


def floor_of(name):
    """The folder of lib/ that an include names."""
    return name.split("/")[0] if "/" in name else "."


def verdict(path, kind, name):
    """Why lib/<path> may not include this; None when it may."""
    folder = floor_of(path)
    if kind == "<":
        if name.startswith("quarry/") and "linux_compat" in name:
            return "the kernel's names are for users"
        target = name.split("/")[0]
        if "/" in name and target in ALL and name.endswith(".h"):
            return "internal headers are included with quotes"
        return None
    if name in GENERATED:
        return None
    if ".." in name.split("/"):
        return "paths start at lib/"
    target = floor_of(name)
    if target == "." and name not in ROOT_HEADERS:
        return 'write "%s/%s"' % (folder, name)
    if target not in ALL:
        return "no folder of lib/"
    if target == folder:
        return None
    if target in ROOF:
        if target in ROOF_DOORS.get(folder, []):
            return None
        return "nobody includes %s/" % target
    if folder in ROOF:
        return None
    if target == "debug":
        if FLOORS.index(folder) < FLOORS.index("slab"):
            return "%s/ lies below debug/" % folder
        return None if name == DEBUG_DOOR else "from here, debug/ is " + DEBUG_DOOR
    if folder == "debug":
        folder = "vmalloc"
    if FLOORS.index(target) > FLOORS.index(folder):
        return "%s/ lies above %s/" % (target, folder)
    return None


def includes(path):
    with open(path, encoding="utf-8", errors="replace") as f:
        for number, line in enumerate(f, 1):
            match = INCLUDE.match(line)
            if match:
                yield number, match.group(1), match.group(2)


def check_lib(root):
    bad, seen = [], 0
    lib = os.path.join(root, "lib")
    for folder in sorted(os.listdir(lib)):
        if os.path.isdir(os.path.join(lib, folder)) and folder not in ALL + ["config"]:
            bad.append("lib/%s/: not a floor; add it to tests/build/layers.py" % folder)
    for base, _, files in os.walk(lib):
        for name in sorted(files):
            if not name.endswith((".c", ".h", ".cc", ".def")):
                continue
            path = os.path.relpath(os.path.join(base, name), lib).replace(os.sep, "/")
            if floor_of(path) not in ALL:
                continue
            for number, kind, target in includes(os.path.join(base, name)):
                seen += 1
                why = verdict(path, kind, target)
                if why:
                    bad.append("lib/%s:%d: includes %s: %s" % (path, number, target, why))
    return bad, seen


def check_public(root):
    """Public headers include each other and the C library, never lib/."""
    bad = []
    where = os.path.join(root, "include", "quarry")
    for name in sorted(os.listdir(where)):
        if not name.endswith((".h", ".in")):
            continue
        for number, kind, target in includes(os.path.join(where, name)):
            if kind == '"':
                bad.append("include/quarry/%s:%d: includes %s: public headers are included "
                           "with <quarry/…>" % (name, number, target))
    return bad


def check_model(root):
    bad = []
    for name in ("model.c", "model.h"):
        path = os.path.join(root, "fuzz", name)
        if not os.path.exists(path):
            continue
        for number, kind, target in includes(path):
            foreign = target.split("/")[0] in ALL or target in GENERATED
            private = target.startswith("quarry/") and target not in MODEL_PUBLIC
            if foreign or private:
                bad.append("fuzz/%s:%d: includes %s: the model is independent of the library" %
                           (name, number, target))
    return bad


def check(root):
    bad, seen = check_lib(root)
    return bad + check_public(root) + check_model(root), seen


# (file, include line, is it allowed?)
SELF_TEST = [
    ("lib/page/a.c", '#include "slab/slab.h"', False),
    ("lib/page/a.c", '#include "util/list.h"', True),
    ("lib/page/a.c", '#include "page/page.h"', True),
    ("lib/page/a.c", '#include "page.h"', False),
    ("lib/page/a.c", '#include "../slab/slab.h"', False),
    ("lib/page/a.c", '# include "report/report.h"', True),
    ("lib/page/a.c", '#include "debug/debug.h"', False),
    ("lib/slab/a.c", '#include "debug/debug.h"', True),
    ("lib/report/report.h", '#include "page/page.h"', False),
    ("lib/report/report.h", '#include "osif/osif.h"', True),
    ("lib/osif/a.c", '#include "report/report.h"', False),
    ("lib/a.c", '#include "vmalloc/vmap_area.h"', True),
    ("lib/a.c", '#include "malloc/malloc.h"', False),
    ("lib/a.c", '#include "check/check.h"', False),
    ("lib/malloc/a.c", '#include "instance.h"', True),
    ("lib/slab/a.c", '#include "instance.h"', False),
    ("lib/slab/a.c", '#include "debug/track.h"', False),
    ("lib/early/a.c", '#include "debug/debug.h"', False),
    ("lib/debug/a.c", '#include "slab/slab.h"', True),
    ("lib/debug/a.c", '#include "malloc/malloc.h"', False),
    ("lib/util/a.h", '#include "osif/osif.h"', False),
    ("lib/malloc/a.cc", '#include "vmalloc/vmap_area.h"', True),
    ("lib/malloc/a.c", '#include "check/check.h"', False),
    ("lib/debug/a.c", '#include "info/json.h"', False),
    ("lib/check/a.c", '#include "malloc/malloc.h"', True),
    ("lib/check/a.c", '#include "info/json.h"', False),
    ("lib/info/a.c", '#include "check/walk.h"', True),
    ("lib/info/a.c", '#include <check/walk.h>', False),
    ("lib/kmalloc/a.c", '#include <slab/slab.h>', False),
    ("lib/kmalloc/a.c", '#include <quarry/linux_compat.h>', False),
    ("lib/kmalloc/a.c", '#include <quarry/check.h>', True),
    ("lib/attic/a.c", '#include "util/list.h"', False),
    ("include/quarry/a.h", '#include "util/list.h"', False),
    ("include/quarry/a.h", '#include <quarry/types.h>', True),
    ("fuzz/model.c", '#include "page/page.h"', False),
    ("fuzz/model.c", '#include <quarry/page.h>', False),
    ("fuzz/model.c", '#include "model.h"', True),
]


def self_test():
    failed = 0
    for path, line, allowed in SELF_TEST:
        with tempfile.TemporaryDirectory() as root:
            for folder in ("lib", "include/quarry", "fuzz", os.path.dirname(path)):
                os.makedirs(os.path.join(root, folder), exist_ok=True)
            with open(os.path.join(root, path), "w") as f:
                f.write("/* x */\n%s\n" % line)
            found = check(root)[0]
        if bool(found) == allowed:
            failed += 1
            print("%s in %s: %s" % (line, path, found or "not noticed"))
    print("%d cases, %d wrong" % (len(SELF_TEST), failed))
    return 1 if failed else 0


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    bad, seen = check(sys.argv[1])
    print("\n".join(bad + ["%d includes in lib/, %d bad" % (seen, len(bad))]))
    return 1 if bad or seen == 0 else 0


if __name__ == "__main__":
    sys.exit(main())

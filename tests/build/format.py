#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every C and C++ file is as clang-format 14 leaves it: no look is a matter of taste.

format.py ROOT        check the tree
format.py --self-test prove that a badly formatted file is found

Other versions of clang-format lay some lines out in another way: without version 14 the check is
skipped (exit code 77).
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

FOLDERS = ["lib", "include", "fuzz", "tests", "tools"]
SOURCES = (".c", ".h", ".cc")
VERSION = 14
SKIPPED = 77


def version_of(program):
    text = subprocess.run([program, "--version"], check=True, stdout=subprocess.PIPE, text=True)
    found = re.search(r"version (\d+)\.", text.stdout)
    return int(found.group(1)) if found else 0


def find():
    """clang-format of the right version, and what was found instead of it."""
    seen = []
    for name in ("clang-format-%d" % VERSION, "clang-format"):
        program = shutil.which(name)
        if program and version_of(program) == VERSION:
            return program, seen
        if program:
            seen.append("%s is version %d" % (program, version_of(program)))
    return None, seen


def sources(root):
    for folder in FOLDERS:
        for base, folders, files in os.walk(os.path.join(root, folder)):
            folders[:] = sorted(f for f in folders if not f.startswith((".", "__")))
            for name in sorted(files):
                if name.endswith(SOURCES):
                    yield os.path.join(base, name)


def check(program, root):
    """Is every file as it should be? clang-format says what is not."""
    files = list(sources(root))
    done = subprocess.run([program, "--dry-run", "-Werror", "--style=file"] + files, check=False)
    print("%d files: %s" % (len(files), "run clang-format -i" if done.returncode else "in order"))
    return bool(files) and done.returncode == 0


def self_test(program, style):
    """A file in order passes; the same file with a blank too many does not."""
    wrong = 0
    for text, good in (("int f(int a)\n{\n\treturn a;\n}\n", True),
                       ("int f(int a)\n{\n\treturn  a;\n}\n", False),
                       ("int f(int a) {\n\treturn a;\n}\n", False)):
        with tempfile.TemporaryDirectory() as root:
            os.makedirs(os.path.join(root, "lib", "page"))
            shutil.copy(style, root)
            with open(os.path.join(root, "lib", "page", "a.c"), "w") as f:
                f.write(text)
            if check(program, root) != good:
                wrong += 1
                print("%r: %s" % (text, "refused" if good else "passed"))
    print("%d cases wrong" % wrong)
    return wrong == 0


def main():
    program, seen = find()
    if not program:
        print("skipped: clang-format %d is needed: %s" %
              (VERSION, "; ".join(seen) or "there is none"))
        return SKIPPED
    if sys.argv[1:] == ["--self-test"]:
        here = os.path.dirname(os.path.abspath(__file__))
        good = self_test(program, os.path.join(here, "..", "..", ".clang-format"))
    else:
        good = check(program, sys.argv[1])
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())

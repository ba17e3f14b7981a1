#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every public header compiles alone, twice in a row, under strict flags.

headers.py c11|c++17 INCLUDE_DIR... -- COMPILER [ARG...]
"""
import os
import subprocess
import sys
import tempfile

STRICT = ["-pedantic", "-Wall", "-Wextra", "-Wundef", "-Werror", "-fsyntax-only"]


def public_headers(include_dirs):
    names = set()
    for folder in include_dirs:
        path = os.path.join(folder, "quarry")
        if os.path.isdir(path):
            names.update(n for n in os.listdir(path) if n.endswith(".h"))
    return sorted(names)


def main():
    split = sys.argv.index("--")
    standard, include_dirs = sys.argv[1], sys.argv[2:split]
    compiler = sys.argv[split + 1:]
    suffix = ".cc" if standard.startswith("c++") else ".c"
    flags = ["-std=" + standard] + STRICT + ["-I" + d for d in include_dirs]

    names = public_headers(include_dirs)
    if "config.h" not in names or "quarry.h" not in names:
        print("headers.py: no quarry.h or config.h in", include_dirs)
        return 1

    bad = []
    with tempfile.TemporaryDirectory() as scratch:
        for name in names:
            source = os.path.join(scratch, "alone" + suffix)
            with open(source, "w") as f:
                f.write("#include <quarry/%s>\n#include <quarry/%s>\nint alone;\n" % (name, name))
            if subprocess.run(compiler + flags + [source]).returncode != 0:
                bad.append(name)
    print("%d headers, not clean alone: %s" % (len(names), ", ".join(bad) or "none"))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Instructions that a pair of an allocation and a free takes, counted by valgrind --tool=callgrind.

instructions.py PAIRS BUILD...

PAIRS is the program tests/bench/pairs of any build, BUILD a build folder whose libraries are
measured; several give a column each. A program is run with so many pairs that everything is warm
(the quarantine of the debug build full), and again with N more of them: the difference, by N, is
what a pair takes. It includes the loop around the pair, about five instructions. Unlike time the
figure is the same at each run and on a loaded machine.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

# Name, kind of pairs.c, library of the build, debug string (None: the library's own), pairs before.
CASES = [
    ("malloc+free", "malloc", "libquarry-malloc.so", None, 1000),
    ("kmalloc+kfree", "kmalloc", "libquarry.so", None, 1000),
    ("page pair, order 0", "page", "libquarry.so", None, 1000),
    ("malloc+free, debug", "malloc", "libquarry-malloc-debug.so", None, 100000),
    ("malloc+free, slab_debug=FZP", "malloc", "libquarry-malloc-debug.so", "slab_debug=FZP", 1000),
]
MORE = 10000
COLLECTED = re.compile(r"Collected : (\d+)")


def count(pairs, kind, library, debug, number):
    """Instructions of a whole run with @number pairs."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("QUARRY_")}
    command = [pairs, kind, str(number)]
    if kind == "malloc":
        env["LD_PRELOAD"] = library
    else:
        command.append(library)
    if debug:
        env["QUARRY_DEBUG"] = debug
    with tempfile.NamedTemporaryFile("r") as log:
        done = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
                               "--log-file=" + log.name] + command, env=env, check=False)
        text = log.read()
    found = COLLECTED.search(text)
    if done.returncode or not found:
        sys.exit("%s\n%s: exit code %d" % (text, " ".join(command), done.returncode))
    return int(found.group(1))


def measure(pairs, build, kind, name, debug, warm):
    library = os.path.abspath(os.path.join(build, "lib", name))
    if not os.path.exists(library):
        sys.exit("%s is missing: ninja -C %s" % (library, build))
    first = count(pairs, kind, library, debug, warm)
    return (count(pairs, kind, library, debug, warm + MORE) - first) / MORE


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    if not shutil.which("valgrind"):
        sys.exit("instructions.py: valgrind is not installed (Debian: apt-get install valgrind)")
    pairs, builds = os.path.abspath(sys.argv[1]), sys.argv[2:]
    print("%-28s %s" % ("instructions per pair", " ".join("%12s" % b[-12:] for b in builds)))
    for name, kind, library, debug, warm in CASES:
        figures = [measure(pairs, build, kind, library, debug, warm) for build in builds]
        print("%-28s %s" % (name, " ".join("%12.1f" % figure for figure in figures)), flush=True)


if __name__ == "__main__":
    main()

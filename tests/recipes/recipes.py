#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""recipes.py NAME - follow a recipe of this folder, word for word, in a scratch copy.

Each is followed twice: a sound program must pass, and one with a planted bug (-DBUG) must fail with
a report that names it. Environment: QUARRY, the program; BUILD, the build folder; CC. Without the
recipe's own tool the test is skipped (77).
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.abspath(os.environ["BUILD"])
CC = os.environ.get("CC", "cc")
NET = 1800  # seconds: for what hangs, no verdict
SKIP = 77
WORDS_BUG = " kind=heap-overflow "
failures = []


def expect(what, condition, output):
    if not condition:
        failures.append(what)
        print("---- not as expected: %s\n%s" % (what, output[-6000:]))


def need(*tools):
    for tool in tools:
        if not shutil.which(tool):
            print("there is no", tool)
            sys.exit(SKIP)


class Kitchen:
    """A copy of the folder; with @bug the planted bug is compiled in."""

    def __init__(self, scratch, recipe, bug):
        self.top = os.path.join(scratch, "bug" if bug else "sound")
        shutil.copytree(HERE, self.top)
        self.folder = os.path.join(self.top, recipe)
        self.bug = bug
        self.flags = ["-DBUG"] if bug else []
        self.env = dict(os.environ, CC=CC, CFLAGS=" ".join(["-g", "-O1"] + self.flags),
                        PATH=os.path.dirname(os.environ["QUARRY"]) + ":" + os.environ["PATH"],
                        PKG_CONFIG_PATH=os.path.join(BUILD, "meson-uninstalled"), LC_ALL="C")
        for name in ("QUARRY_DEBUG", "LD_PRELOAD", "MAKEFLAGS", "DESTDIR"):
            self.env.pop(name, None)

    def run(self, command):
        done = subprocess.run(["sh", "-c", command], cwd=self.folder, env=self.env, check=False,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=NET)
        return done.returncode, done.stdout.decode(errors="replace")

    def prepare(self, command):
        code, output = self.run(command)
        expect(command, code == 0, output)

    def judge(self, command, report=WORDS_BUG, log=None):
        """Fails with a report if there is a bug, else passes without one. @log: more output."""
        code, output = self.run(command)
        if log:
            output += self.run("cat " + log)[1]
        expect("%s: exit code %d, %s" % (command, code, "bug" if self.bug else "sound"),
               (code != 0) == self.bug, output)
        expect("%s: %s" % (command, "the report" if self.bug else "no report"),
               (report in output) == self.bug, output)


def make(kitchen):
    kitchen.prepare("make words")
    kitchen.prepare("make check")
    kitchen.judge('make check RUN="quarry check --"')


def meson(kitchen):
    kitchen.prepare("meson setup build")
    kitchen.prepare("ninja -C build")
    kitchen.prepare("meson test -C build --no-rebuild")
    kitchen.judge("meson test -C build --no-rebuild --setup quarry --print-errorlogs")


def ctest(kitchen):
    kitchen.prepare("cmake -B build && cmake --build build && ctest --test-dir build")
    kitchen.prepare("cmake -B build -DQUARRY=ON")
    kitchen.judge("ctest --test-dir build --output-on-failure")


def cmocka(kitchen):
    compile_line = "$CC $CFLAGS test_array.c $(pkg-config --cflags --libs quarry-debug cmocka)"
    # As if it were installed; meson's own .pc for that lacks the headers' folder.
    kitchen.env["LD_LIBRARY_PATH"] = os.path.join(BUILD, "lib")
    kitchen.env["CPATH"] = ":".join(os.path.join(top, "include") for top in
                                    (os.path.join(HERE, "..", ".."), BUILD))
    kitchen.prepare(compile_line)
    kitchen.judge("./a.out")


def pytest(kitchen):
    kitchen.prepare("$CC $CFLAGS -shared -fPIC $(python3-config --includes) table.c -o table.so")
    if not kitchen.bug:  # which ends Python at once, or later, or never
        kitchen.prepare("python3 -m pytest -q -p no:cacheprovider")
    kitchen.judge("PYTHONMALLOC=malloc quarry check -- python3 -m pytest -q -p no:cacheprovider")


def gdb(kitchen):
    """As a reader types it, but for a script's end in place of a prompt."""
    drop_in = os.path.join(BUILD, "lib", "libquarry-malloc-debug.so")
    kitchen.prepare("$CC $CFLAGS ../words.c -o words")
    code, output = kitchen.run(
        "gdb -batch -nx -x report.gdb -ex 'set exec-wrapper env LD_PRELOAD=%s "
        "QUARRY_DEBUG=policy=report' -ex run -ex backtrace -ex finish -ex 'echo end of session\\n' "
        "--args ./words 'one two three'" % drop_in)
    if re.search(r"ptrace: Operation not permitted|Could not trace the inferior", output):
        print("gdb may trace nothing here")
        sys.exit(SKIP)
    stopped = re.search(r"Breakpoint [\d.]+, qy__report_emit", output) is not None
    expect("gdb: it stops if there is a bug", stopped == kitchen.bug, output)
    if kitchen.bug:
        expect("gdb: the backtrace reaches the program", re.search(
            r"in count_words .*words\.c:\d+", output), output)
        expect("gdb: finish writes the report", WORDS_BUG in output and code == 0 and
               "end of session" in output, output)
    else:
        expect("gdb: it runs to its end", "3 words" in output and "exited normally" in output,
               output)


def github(kitchen):
    """Of the workflow: it is a workflow, and its step with `quarry check` does what it should."""
    with open(os.path.join(HERE, "github", "quarry.yml"), encoding="utf-8") as file:
        text = file.read()
    blocks = [re.sub(r"(?m)^ {10}", "", block)
              for block in re.findall(r"(?m)^        run: \|\n((?: {10}.*\n)+)", text)]
    expect("github: two steps that run", len(blocks) == 2, text)
    options = re.findall(r"-D(\w+)=(\w+)", blocks[0])
    with open(os.path.join(HERE, "..", "..", "meson_options.txt"), encoding="utf-8") as file:
        known = re.findall(r"^option\('(\w+)'", file.read(), re.M)
    expect("github: options that there are", options and all(o in known for o, _ in options), text)
    kitchen.prepare("cp ../words.c .")
    step = blocks[1].replace("cc -g", "$CC $CFLAGS -g")
    kitchen.judge("set -e\n" + step, log="reports.txt")


def use_python_with_pytest():
    """The first of the machine's Pythons that has it comes first in PATH."""
    for folder in os.environ["PATH"].split(":"):
        python = os.path.join(folder, "python3")
        if os.path.exists(python + "-config") and subprocess.run(
                [python, "-c", "import pytest"], stderr=subprocess.DEVNULL,
                check=False).returncode == 0:
            os.environ["PATH"] = folder + ":" + os.environ["PATH"]
            return True
    return False


RECIPES = {
    "make": (make, ["make"]),
    "meson": (meson, ["meson", "ninja"]),
    "ctest": (ctest, ["cmake", "ctest"]),
    "cmocka": (cmocka, ["pkg-config"]),
    "pytest": (pytest, ["python3-config"]),
    "gdb": (gdb, ["gdb"]),
    "github": (github, []),
}


def main():
    name = sys.argv[1]
    recipe, tools = RECIPES[name]
    need(*tools)
    if name == "pytest" and not use_python_with_pytest():
        print("there is no pytest")
        return SKIP
    with tempfile.TemporaryDirectory() as scratch:
        for bug in (False, True):
            recipe(Kitchen(scratch, name, bug))
    print("%s: %s" % (name, "; ".join(failures) or "as it says"))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())

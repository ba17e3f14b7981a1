#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`quarry symbolize` on made-up reports whose frames lie in a program of known lines."""
import os
import re
import shutil
import subprocess
import tempfile
import unittest

import tool
from tool import quarry

FRAMES = os.environ["FRAMES"]
SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "frames.c")


def line_of(mark):
    with open(SOURCE, encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            if "/* line: %s */" % mark in line:
                return number
    raise AssertionError(mark)


def frame(program=FRAMES):
    """The raw frame that the program prints about itself."""
    return subprocess.run([program], stdout=subprocess.PIPE, check=True,
                          timeout=tool.NET).stdout.decode()


def symbolize(text):
    r = quarry("symbolize", stdin=text.encode())
    assert r.code == 0 and r.err == "", (r.code, r.err)
    return r.out


class Symbolize(unittest.TestCase):
    def test_other_lines_pass_unchanged(self):
        text = "some text\n\n    #0 nonsense\n#1 0x12 prog\n    #2 0x1 (+0x)\n  tail ünïcode"
        self.assertEqual(symbolize(text + "\n"), text + "\n")
        self.assertEqual(symbolize(""), "")

    def test_frame_with_inlined_function(self):
        raw = frame()
        pc, place = re.match(r"    #0 (0x\S+) (\(.*\))", raw).groups()
        inner, outer = symbolize(raw).splitlines()
        self.assertRegex(inner, r"^    #0 %s in inlined_caller \S*frames\.c:%d \(inlined\)$"
                         % (pc, line_of("inner")))
        self.assertRegex(outer, r"^    #0 %s in real_caller\+0x[0-9a-f]+ \S*frames\.c:%d %s$"
                         % (pc, line_of("outer"), re.escape(place)))

    def test_header_names_first_frame_outside_the_allocator(self):
        own = "    #0 0x5000 (/lib/libquarry-malloc-debug.so+0x1234)\n"
        raw = frame().replace("#0", "#1")
        for word in ("Allocated", "Freed"):
            out = symbolize("%s age=5 cpu=0 pid=1\n%s%srest\n" % (word, own, raw)).splitlines()
            self.assertEqual(out[0], "%s in inlined_caller age=5 cpu=0 pid=1" % word)
            self.assertEqual(out[1], own[:-1])
            self.assertEqual(out[-1], "rest")

    def test_header_without_frames(self):
        text = "Allocated age=5 cpu=0 pid=1\nFreed age=1 cpu=0 pid=1\n"
        self.assertEqual(symbolize(text), text)

    def test_unknown_module(self):
        for module in ("/nonexistent/a b (1)+0x2", "[vdso]", "/etc/passwd", "/dev/null", "?"):
            text = "    #3 0x7fff00 (%s+0x12f)\n" % module
            self.assertEqual(symbolize(text), text)

    def test_offset_outside_of_the_module(self):
        for offset in ("0x0", "0x1", "0xffffffffffff", "0xffffffffffffffff"):
            text = "    #0 0x1 (%s+%s)\n" % (FRAMES, offset)
            self.assertIn("0x1 ", symbolize(text))

    def test_path_with_blanks_and_parentheses(self):
        with tempfile.TemporaryDirectory() as dir:
            copy = os.path.join(dir, "a (b)+0x1 c")
            shutil.copy(FRAMES, copy)
            self.assertIn("in real_caller+", symbolize(frame(copy)))

    @unittest.skipUnless(shutil.which("objcopy"), "needs binutils")
    def test_separate_debug_file(self):
        with tempfile.TemporaryDirectory() as dir:
            copy = os.path.join(dir, "prog")
            shutil.copy(FRAMES, copy)
            for args in (["--only-keep-debug", FRAMES, copy + ".debug"],
                         ["--strip-all", copy],
                         ["--add-gnu-debuglink=" + copy + ".debug", copy]):
                subprocess.run(["objcopy", *args], check=True, timeout=tool.NET)
            out = symbolize(frame(copy))
            self.assertIn("in inlined_caller ", out)
            self.assertIn("frames.c:%d" % line_of("outer"), out)

    @unittest.skipUnless(shutil.which("objcopy"), "needs binutils")
    def test_stripped_program_keeps_its_frames(self):
        with tempfile.TemporaryDirectory() as dir:
            copy = os.path.join(dir, "prog")
            shutil.copy(FRAMES, copy)
            subprocess.run(["objcopy", "--strip-all", copy], check=True, timeout=tool.NET)
            raw = frame(copy)
            self.assertEqual(symbolize(raw), raw)


class Languages(unittest.TestCase):
    """Compilers differ in the debug information they write: clang leaves out .debug_aranges."""

    def build(self, compiler, text, suffix, *flags):
        if not shutil.which(compiler):
            self.skipTest("needs " + compiler)
        source = os.path.join(self.dir, "source" + suffix)
        program = os.path.join(self.dir, "program")
        with open(source, "w") as f:
            f.write(text)
        subprocess.run([compiler, "-g", *flags, source, "-o", program], check=True,
                       timeout=tool.NET)
        return program

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.dir = folder.name

    def test_each_compiler_gives_lines(self):
        with open(SOURCE, encoding="utf-8") as f:
            text = f.read()
        for compiler in ("gcc", "clang"):
            for flags in (["-O2"], ["-O2", "-no-pie"], ["-O2", "-gdwarf-4"]):
                out = symbolize(frame(self.build(compiler, text, ".c", *flags)))
                self.assertIn("in inlined_caller ", out, (compiler, flags))
                self.assertRegex(out, r"source\.c:%d \(" % line_of("inner"))
                self.assertRegex(out, r"in real_caller\+0x\w+ \S*source\.c:%d \("
                                 % line_of("outer"))

    def test_cxx_names_are_demangled(self):
        with open(SOURCE, encoding="utf-8") as f:
            text = f.read().replace("real_caller(const char *module)",
                                    "real_caller(const char *module, Ns::Type<int> = {})")
        text = "namespace Ns { template <class T> struct Type {}; }\n" + text
        out = symbolize(frame(self.build("g++", text, ".cc", "-O2")))
        self.assertIn("in real_caller(char const*, Ns::Type<int>)", out)


if __name__ == "__main__":
    tool.main()

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`quarry symbolize` on made-up reports whose frames lie in a program of known lines."""
import os
import pty
import re
import resource
import shutil
import subprocess
import tempfile
import time
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
            out = symbolize("%s age=5us cpu=0 tid=1\n%s%srest\n" % (word, own, raw)).splitlines()
            self.assertEqual(out[0], "%s in inlined_caller age=5us cpu=0 tid=1" % word)
            self.assertEqual(out[1], own[:-1])
            self.assertEqual(out[-1], "rest")

    def test_found_at_names_its_frame_and_thread(self):
        out = symbolize("Found at tid=7\n" + frame() + "rest\n").splitlines()
        self.assertEqual(out[0], "Found at inlined_caller tid=7")
        self.assertEqual(out[-1], "rest")
        self.assertEqual(symbolize("Found at\n" + frame()).splitlines()[0],
                         "Found at inlined_caller")

    def test_code_of_no_file_stays_in_its_stack(self):
        out = symbolize("Freed age=1us cpu=0 tid=1\n    #0 0x7f0012345678\n" + frame())
        self.assertEqual(out.splitlines()[:2], ["Freed in inlined_caller age=1us cpu=0 tid=1",
                                                "    #0 0x7f0012345678"])

    def test_header_without_frames(self):
        text = "Allocated age=5us cpu=0 tid=1\nFreed age=1us cpu=0 tid=1\n"
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

    def test_long_work_is_shown_on_a_terminal_alone(self):
        for terminal in (True, False):
            ours, theirs = pty.openpty() if terminal else os.pipe()
            with subprocess.Popen([tool.QUARRY, "symbolize"], stdin=subprocess.PIPE,
                                  stdout=subprocess.DEVNULL, stderr=theirs) as p:
                os.close(theirs)
                for i in range(20): # each frame another one: they are looked up
                    p.stdin.write(b"    #0 0x1 (%s+0x%x)\n" % (FRAMES.encode(), 0x1200 + i))
                    p.stdin.flush()
                    time.sleep(0.1)
                p.stdin.close()
                shown = b""
                try:
                    while piece := os.read(ours, 4096):
                        shown += piece
                except OSError: # the terminal's other side is closed
                    pass
                os.close(ours)
                self.assertEqual(p.wait(timeout=60), 0)
            if terminal:
                self.assertIn(b"looking up names, ", shown)
                self.assertTrue(shown.endswith(b"\r\x1b[K"), shown)
            else:
                self.assertEqual(shown, b"")


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

    def test_unit_of_many_functions(self):
        # Time is the processor's, with a wide margin: a walk over the whole unit, or over the whole
        # symbol table, for each frame takes many times as much.
        many = 10000
        text = "".join("int f%d(int x)\n{\n\treturn x + %d;\n}\n" % (i, i) for i in range(many))
        program = self.build("gcc", text + "int main(void) { return 0; }\n", ".c", "-O0")
        symbols = subprocess.run(["nm", program], stdout=subprocess.PIPE, check=True, timeout=60)
        places = re.findall(r"^([0-9a-f]+) T f(\d+)$", symbols.stdout.decode(), re.M)
        self.assertEqual(len(places), many)
        raw = "".join("    #0 0x1 (%s+0x%x)\n" % (program, int(at, 16) + 5) for at, _ in places)
        done = subprocess.run([tool.QUARRY, "symbolize"], input=raw.encode(), check=False,
                              stdout=subprocess.PIPE, timeout=600, preexec_fn=lambda:
                              resource.setrlimit(resource.RLIMIT_CPU, (5, 5)))
        self.assertEqual(done.returncode, 0)
        for line, (_, number) in zip(done.stdout.decode().splitlines(), places):
            self.assertRegex(line, r"in f%s\+0x5 \S*source\.c:%d \("
                             % (number, 4 * int(number) + 2))


class Names(unittest.TestCase):
    """Which frame names a report: neither the C++ library's nor a wrapper's."""

    SOURCE = """
        #include <algorithm>
        #include <cstdio>
        #include <execinfo.h>
        #include <link.h>
        #include <unistd.h>
        #include <vector>

        static unsigned long bias;
        static char self[4096];

        extern "C" __attribute__((noinline)) int WRAPPER(int n)
        {
            void *pc[64];
            int nr = backtrace(pc, 64);

            puts("Allocated age=1us cpu=0 tid=1");
            for (int i = 0; i < nr; i++)
                printf("    #%d %p (%s+0x%lx)\\n", i, pc[i], self, (unsigned long)pc[i] - bias);
            BALLAST
            return n + nr;
        }

        struct Element {
            Element() { WRAPPER(1); }
            Element(const Element &) {}
        };

        __attribute__((noinline)) std::vector<Element> make_elements()
        {
            std::vector<Element> v;

            v.resize(1);
            return v;
        }

        int main()
        {
            self[readlink("/proc/self/exe", self, sizeof(self) - 1)] = 0;
            dl_iterate_phdr([](struct dl_phdr_info *info, size_t, void *) {
                bias = info->dlpi_addr;
                return 1;
            }, nullptr);
            return make_elements().size() == 1 ? 0 : 1;
        }
    """

    def name(self, wrapper, *flags, ballast="", optimise="-O0"):
        if not shutil.which("g++"):
            self.skipTest("needs g++")
        with tempfile.TemporaryDirectory() as dir:
            source, program = os.path.join(dir, "names.cc"), os.path.join(dir, "names")
            with open(source, "w", encoding="utf-8") as f:
                f.write(self.SOURCE.replace("WRAPPER", wrapper).replace("BALLAST", ballast))
            subprocess.run(["g++", "-g", optimise, *flags, source, "-o", program], check=True,
                           timeout=60)
            out = symbolize(frame(program))
        return re.search(r"^Allocated in (.*) age=", out)[1]

    def test_constructor_called_by_the_library_is_the_users(self):
        self.assertEqual(self.name("make_node"), "make_node")

    def test_wrapper_and_library_are_passed_over(self):
        self.assertEqual(self.name("xmalloc"), "Element::Element()")
        self.assertEqual(self.name("g_malloc0", optimise="-O1"), "Element::Element()")

    def test_long_function_with_a_wrappers_ending_is_the_users(self):
        ballast = "volatile int a[9] = {1, 2, 3}; " + "a[n & 7] += a[2] * n;" * 20
        self.assertEqual(self.name("table_malloc", ballast=ballast), "table_malloc")

    def test_frames_of_the_cxx_library_are_passed_over(self):
        self.SOURCE = Names.SOURCE.replace("Element() { WRAPPER(1); }", """
            long n;
        };
        static bool on;
        void *operator new(std::size_t n)
        {
            if (on)
                WRAPPER(1);
            on = false;
            return malloc(n);
        }
        struct Other {
            Other() {}
            """).replace("v.resize(1);", "on = true; v.resize(1);")
        self.SOURCE = self.SOURCE.replace("Element(const Element &) {}", "")
        for optimise in ("-O0", "-O1", "-O2"):
            self.assertEqual(self.name("xmalloc", optimise=optimise), "make_elements()")


if __name__ == "__main__":
    tool.main()

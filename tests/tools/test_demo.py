#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`quarry check` and `quarry run` with the real libraries."""
import os
import re
import shutil
import subprocess
import tempfile
import unittest

import tool
from tool import quarry

CASES = {
    "OVERFLOW": ("heap-overflow", "copy_name", "overflow.c"),
    "USE_AFTER_FREE": ("use-after-free-write", "open_session", "use_after_free.c"),
    "DOUBLE_FREE": ("double-free", "parse", "double_free.c"),
}


class Demo(unittest.TestCase):
    def test_each_bug_is_named_with_its_origin(self):
        for demo, (kind, function, source) in CASES.items():
            r = quarry("check", os.environ["DEMO_" + demo])
            self.assertEqual(r.code, 86, r.err)
            self.assertIn(" kind=%s " % kind, r.err)
            self.assertIn("Allocated in %s age=" % function, r.err)
            self.assertRegex(r.err, r"    #\d+ 0x\S+ in %s\+0x\S+ \S*%s:\d+ \("
                             % (function, source))
            self.assertRegex(r.err, r"    #\d+ 0x\S+ in main\+0x\S+ \S*%s:\d+ \(" % source)
            self.assertRegex(r.err, r"quarry check: 1 report \(1 different\) in %s\[\d+\]; "
                             r"exit status 0" % demo.lower()[:15])

    def test_wrappers_are_passed_over(self):
        r = quarry("check", "--wrapper=copy_name", os.environ["DEMO_OVERFLOW"])
        self.assertIn("Allocated in make_user age=", r.err)
        r = quarry("check", "--summary", "--wrapper=copy_name", os.environ["DEMO_OVERFLOW"])
        self.assertRegex(r.err, r"1 x heap-overflow, allocated in make_user \S*overflow\.c:\d+,")

    def test_abort_stops_the_program(self):
        r = quarry("check", "--abort", os.environ["DEMO_OVERFLOW"])
        self.assertEqual(r.code, 86)
        self.assertIn(" kind=heap-overflow ", r.err)
        self.assertIn("killed by signal 6", r.err)

    def test_sound_programs_have_no_report(self):
        for args in (["true"], ["ls", "/"], ["sh", "-c", "ls / | sort | tail -n 1"]):
            r = quarry("check", *args)
            self.assertEqual(r.code, 0, r.err)
            self.assertIn(" 0 reports ", r.err)

    def test_run_uses_the_release_library(self):
        r = quarry("run", "sh", "-c", "grep -c libquarry-malloc.so /proc/self/maps; exit 3")
        self.assertEqual(r.code, 3)
        self.assertGreater(int(r.out), 0)


@unittest.skipUnless(shutil.which("gcc"), "needs gcc")
class Plugins(unittest.TestCase):
    PLUGIN = "#include <stdlib.h>\nchar *NAME(int n) { return malloc(n); }\n"
    PROGRAM = """
        #include <dlfcn.h>
        #include <stdlib.h>

        int main(int argc, char **argv)
        {
            void *plugin = dlopen(argv[1], RTLD_NOW);
            char *p = ((char *(*)(int))dlsym(plugin, "plug_alloc"))(10);

            p[10] = 1;
            dlclose(plugin);
            if (argc > 2 && !dlopen(argv[2], RTLD_NOW))
                return 1;
            free(p);
            return 0;
        }
    """

    def build(self, name, text, *flags):
        source, built = os.path.join(self.dir, name + ".c"), os.path.join(self.dir, name)
        with open(source, "w", encoding="utf-8") as f:
            f.write(text)
        subprocess.run(["gcc", "-g", *flags, source, "-o", built, "-ldl"], check=True, timeout=60)
        return built

    def test_stack_of_an_unloaded_plugin_names_the_plugin(self):
        with tempfile.TemporaryDirectory() as self.dir:
            shared = ["-shared", "-fPIC", "-O0"]
            plugin = self.build("plugin", self.PLUGIN.replace("NAME", "plug_alloc"), *shared)
            other = self.build("other", self.PLUGIN.replace("NAME", "other_alloc"), *shared)
            program = self.build("program", self.PROGRAM, "-O0")
            for args in ([plugin], [plugin, other]):
                r = quarry("check", program, *args)
                self.assertEqual(r.code, 86, r.err)
                self.assertIn("Allocated in plug_alloc age=", r.err)
                self.assertRegex(r.err, r" in plug_alloc\+0x\w+ \S*plugin\.c:2 \(%s\+0x"
                                 % re.escape(plugin))
                self.assertNotIn("other_alloc", r.err)


if __name__ == "__main__":
    tool.main()

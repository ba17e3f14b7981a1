#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Dispatch, help, and wrong usage of every subcommand."""
import os
import tempfile
import unittest

import tool
from tool import quarry

COMMANDS = ["check", "run", "symbolize", "fuzz"]
if "\n  replay " in quarry("--help").out:  # not in every build
    COMMANDS.append("replay")


class Usage(unittest.TestCase):
    def test_help_names_every_command(self):
        for args in (["--help"], ["-h"], ["help"]):
            r = quarry(*args)
            self.assertEqual(r.code, 0)
            self.assertEqual(r.err, "")
            for command in COMMANDS:
                self.assertIn("  " + command, r.out)

    def test_help_of_each_command(self):
        for command in COMMANDS:
            for args in ([command, "--help"], ["help", command]):
                r = quarry(*args)
                self.assertEqual(r.code, 0, args)
                self.assertIn("Usage: quarry " + command, r.out)
                self.assertEqual(r.err, "")

    def test_version(self):
        r = quarry("--version")
        self.assertEqual(r.code, 0)
        self.assertRegex(r.out, r"^quarry \d+\.\d+\.\d+\n$")

    def test_no_command_is_wrong_usage(self):
        r = quarry()
        self.assertEqual((r.code, r.out), (2, ""))
        self.assertIn("Usage:", r.err)

    def test_unknown_command_suggests(self):
        for typed, meant in (("chekc", "check"), ("symbolise", "symbolize"), ("ru", "run")):
            r = quarry(typed)
            self.assertEqual(r.code, 2)
            self.assertIn("'%s' is no command" % typed, r.err)
            self.assertIn("`quarry %s`" % meant, r.err)
        r = quarry("entirely-different")
        self.assertEqual(r.code, 2)
        self.assertNotIn("Did you mean", r.err)

    def test_unknown_option(self):
        for command in COMMANDS:
            r = quarry(command, "--no-such-option", "x")
            self.assertEqual(r.code, 2, command)
            self.assertNotEqual(r.err, "")
            self.assertEqual(r.out, "")

    def test_missing_argument(self):
        for command in COMMANDS:
            if command == "symbolize":
                continue
            r = quarry(command)
            self.assertEqual(r.code, 2, command)
            self.assertIn("Usage:", r.err)

    def test_bad_option_values(self):
        for option in ("--quarantine=", "--quarantine=5X", "--quarantine=-1", "--red-zone=abc",
                       "--validate=0", "--validate=many", "--error-exitcode=256",
                       "--error-exitcode=-1", "--error-exitcode=x", "--slab-debug=",
                       "--slab-debug=F policy=abort", "--slab-debug=F:quarantine=0",
                       "--slab-debug=QQ", "--slab-debug=FZ,", "--red-zone=4"):
            r = quarry("check", option, "true")
            self.assertEqual(r.code, 2, option)
            self.assertIn(option.split("=")[0], r.err)

    def test_exit_code_77_is_refused(self):
        r = quarry("check", "--error-exitcode=77", "true")
        self.assertEqual(r.code, 2)
        self.assertIn("skipped", r.err)

    def test_unwritable_output(self):
        r = quarry("check", "--output=/nonexistent/file", "true",
                   env={"QUARRY_MALLOC_DEBUG_SO": os.environ["FAKE"]})
        self.assertEqual(r.code, 125)
        self.assertIn("/nonexistent/file", r.err)

    def test_missing_library(self):
        for command, variable in (("check", "QUARRY_MALLOC_DEBUG_SO"), ("run", "QUARRY_MALLOC_SO")):
            r = quarry(command, "true", env={variable: "/nonexistent.so"})
            self.assertEqual(r.code, 125)
            self.assertIn("/nonexistent.so", r.err)

    def test_fuzz_unknown_target(self):
        r = quarry("fuzz", "nonsense")
        self.assertEqual(r.code, 127)
        self.assertIn("fuzz_nonsense", r.err)


class Target(unittest.TestCase):
    """What cannot be run under a preload is refused, and the message says why."""

    def setUp(self):
        self.env = {"QUARRY_MALLOC_DEBUG_SO": os.environ["FAKE"],
                    "QUARRY_MALLOC_SO": os.environ["FAKE"]}

    def both(self, *program):
        for command in ("check", "run"):
            yield quarry(command, *program, env=self.env)

    def test_not_found(self):
        for name in ("/nonexistent/program", "no-such-program-anywhere", ""):
            for r in self.both(name):
                self.assertEqual(r.code, 127)
                self.assertIn(name, r.err)

    def test_not_executable(self):
        with tempfile.NamedTemporaryFile() as plain:
            for name in (plain.name, "/tmp"):
                for r in self.both(name):
                    self.assertEqual(r.code, 126)
                    self.assertIn(name, r.err)

    def test_static_program(self):
        for r in self.both(os.environ["STATIC"]):
            self.assertEqual(r.code, 2)
            self.assertIn("statically linked", r.err)

    def test_script_of_static_interpreter(self):
        with tempfile.TemporaryDirectory() as dir:
            script = os.path.join(dir, "script")
            with open(script, "w") as f:
                f.write("#! %s\n" % os.environ["STATIC"])
            os.chmod(script, 0o755)
            for r in self.both(script):
                self.assertEqual(r.code, 2)
                self.assertIn("statically linked", r.err)

    def test_script_runs(self):
        with tempfile.TemporaryDirectory() as dir:
            script = os.path.join(dir, "script")
            with open(script, "w") as f:
                f.write("#!/bin/sh\necho from the script\nexit 5\n")
            os.chmod(script, 0o755)
            for r in self.both(script):
                self.assertEqual((r.code, r.out), (5, "from the script\n"))

    @unittest.skipUnless(os.getuid() == 0, "needs root to give a file to another user")
    def test_setuid_program(self):
        with tempfile.TemporaryDirectory() as dir:
            program = os.path.join(dir, "true")
            with open("/bin/true", "rb") as f, open(program, "wb") as g:
                g.write(f.read())
            os.chown(program, 1, 1)
            os.chmod(program, 0o4755)
            for r in self.both(program):
                self.assertEqual(r.code, 2)
                self.assertIn("setuid", r.err)


if __name__ == "__main__":
    tool.main()

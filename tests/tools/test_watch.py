#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`quarry check` with the real library: what is not checked is named, and no report is lost."""
import os
import resource
import shutil
import subprocess
import tempfile
import unittest

import tool
from tool import quarry

VICTIM = os.environ["VICTIM"]
STATIC = os.environ["STATIC"]
OWN = os.environ["OWN"]
HIDDEN = os.environ["OWN_HIDDEN"]
WRAPPER = os.environ["OWN_WRAPPER"]
DROP_IN = os.environ["DROP_IN"]
ROOT = os.getuid() == 0
NO_PRELOAD = r"did not load the library \(was it started without LD_PRELOAD\?\)"


class Folder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.dir = folder.name
        os.chmod(self.dir, 0o755)

    def check(self, *args, **env):
        return quarry("check", *args, env=dict(env, TMPDIR=self.dir))


class NotChecked(Folder):
    def nothing(self, r, reason):
        self.assertEqual(r.code, 2, r.err)
        self.assertRegex(r.err, r"quarry check: \S+\[\d+\] %s: not checked\n" % reason)
        self.assertRegex(r.err, r"quarry check: nothing was checked; exit status 0; "
                         r"not checked: \S+\[\d+\]\n$")
        self.assertNotIn("0 reports", r.err)

    def test_a_program_with_its_own_malloc(self):
        for program in (OWN, HIDDEN):
            self.nothing(self.check(program), "brings its own malloc")

    def test_also_with_quiet(self):
        self.nothing(self.check("--quiet", OWN), "brings its own malloc")

    def test_a_wrapper_that_calls_ours_is_checked(self):
        r = self.check(WRAPPER)
        self.assertEqual(r.code, 86, r.err)
        self.assertNotIn("not checked", r.err)

    def test_a_program_that_becomes_one_without_the_library(self):
        for program, reason in ((VICTIM, NO_PRELOAD), (STATIC, "is statically linked")):
            self.nothing(self.check("env", "-i", program), reason)

    def test_children(self):
        r = self.check("sh", "-c", "%s; %s; env -i %s bug; exit 3" % (OWN, STATIC, VICTIM))
        self.assertEqual(r.code, 3, r.err)
        self.assertRegex(r.err, r"own-malloc\[\d+\] brings its own malloc: not checked\n")
        self.assertRegex(r.err, r"static\[\d+\] is statically linked: not checked\n")
        self.assertRegex(r.err, r"victim\[\d+\] %s: not checked\n" % NO_PRELOAD)
        self.assertRegex(r.err, r"quarry check: 0 reports in sh\[\d+\]; exit status 3; "
                         r"not checked: own-malloc\[\d+\], static\[\d+\], victim\[\d+\]\n$")

    def test_children_of_every_way_to_start_one(self):
        for step in ("spawn=", "execl="):
            r = self.check(VICTIM, step + STATIC)
            self.assertRegex(r.err, r"static\[\d+\] is statically linked: not checked\n", step)
            r = self.check(VICTIM, step + "/bin/true")
            self.assertNotIn("not checked", r.err, step)

    def test_children_that_lost_the_descriptor(self):
        r = self.check("sh", "-c", "exec 3>&-; %s closeall spawn=/bin/true spawn=%s" %
                       (VICTIM, STATIC))
        self.assertRegex(r.err, r"; not checked: static\[\d+\]\n$")

    def test_children_that_could_not_be_executed(self):
        r = self.check("sh", "-c", "/nonexistent/program; /tmp; true")
        self.assertEqual(r.code, 0)
        self.assertNotIn("not checked", r.err)

    @unittest.skipUnless(ROOT, "needs root to give a file to another user")
    def test_setuid_child(self):
        program = os.path.join(self.dir, "other")
        shutil.copy(VICTIM, program)
        os.chown(program, 1, 1)
        os.chmod(program, 0o4755)
        r = self.check("sh", "-c", program + "; true")
        self.assertRegex(r.err, r"other\[\d+\] runs with privileges of another user \(setuid, "
                         r"setgid or capabilities\): not checked\n")

    def altered(self, old, new):
        """A copy of a program, one piece of its file replaced."""
        with open(VICTIM, "rb") as f:
            data = f.read()
        self.assertIn(old, data)
        path = os.path.join(self.dir, "altered")
        with open(path, "wb") as f:
            f.write(data.replace(old, new.ljust(len(old), b"\0"), 1))
        os.chmod(path, 0o755)
        return path

    @unittest.skipUnless(os.uname().machine == "x86_64", "the loader's name is of x86-64")
    def test_another_c_library_is_refused(self):
        program = self.altered(b"/lib64/ld-linux-x86-64.so.2", b"/lib/ld-musl-x86_64.so.1")
        r = self.check(program)
        self.assertEqual(r.code, 2)
        self.assertIn("is linked to musl", r.err)

    def test_children_of_another_machine(self):
        # EI_CLASS: 32 bits.
        program = self.altered(b"\x7fELF\x02", b"\x7fELF\x01")
        self.assertEqual(self.check(program).code, 2)

    @unittest.skipUnless(shutil.which("clang"), "needs clang")
    def test_a_program_of_address_sanitizer_is_refused(self):
        program = os.path.join(self.dir, "asan")
        built = subprocess.run(["clang", "-fsanitize=address", "-x", "c", "-o", program, "-"],
                               input=b"int main(void) { return 0; }", check=False,
                               stderr=subprocess.DEVNULL)
        if built.returncode:
            self.skipTest("clang has no such runtime")
        r = self.check(program)
        self.assertEqual(r.code, 2)
        self.assertIn("is built with -fsanitize=address", r.err)


class Arrives(Folder):
    """One report, whatever the program did before."""

    def arrives(self, *steps, code=86, status=0, options=()):
        r = self.check(*options, VICTIM, *steps)
        self.assertEqual(r.code, code, r.err)
        self.assertIn("quarry check: 1 report (1 different) in victim[", r.err)
        self.assertIn("; exit status %d\n" % status, r.err)
        self.assertIn("Allocated in bug age=", r.err)

    def test_plain(self):
        self.arrives("bug")

    def test_limits(self):
        self.arrives("fsize", "bug")
        self.arrives("nofile", "bug")

    def test_descriptors_closed(self):
        self.arrives("closeall", "bug")

    def test_folder_gone(self):
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.dir)
        self.arrives("gone", "bug")

    def test_child_of_fork(self):
        self.arrives("fork", "bug")

    @unittest.skipUnless(ROOT, "needs root")
    def test_other_rights(self):
        self.arrives("setuid", "bug")
        # Without /proc the report can name neither program nor function.
        for steps in (["chroot"], ["chroot", "setuid", "nofile"]):
            r = self.check(VICTIM, *steps, "bug")
            self.assertEqual(r.code, 86, r.err)
            self.assertIn("quarry check: 1 report (1 different) in ", r.err)

    def test_files_of_its_own_stay_its_own(self):
        # No descriptor is free, and the channel's is its own file: the report is lost, no more.
        r = self.check(VICTIM, "taken=" + self.dir, "bug")
        self.assertIn("exit status 0", r.err)
        self.assertEqual(os.path.getsize(os.path.join(self.dir, "own")), 0)

    def test_limits_with_closed_descriptors_do_no_harm(self):
        r = self.check(VICTIM, "closeall", "fsize", "bug")
        self.assertIn("; exit status 0", r.err)

    def closed(self, *steps):
        """With 0, 1 and 2 closed. No file may grow without end."""
        def prepare():
            resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 22, 1 << 22))
            for fd in range(3):
                os.close(fd)

        done = subprocess.run([tool.QUARRY, "check", VICTIM, *steps], preexec_fn=prepare,
                              env=dict(os.environ, TMPDIR=self.dir), timeout=60, check=False)
        self.assertEqual(os.listdir(self.dir), [])
        return done.returncode

    def test_closed_standard_descriptors(self):
        self.assertEqual(self.closed("closed", "bug"), 86)
        self.assertEqual(self.closed("closed"), 0)
        self.assertEqual(self.closed("closed", "closeall", "bug"), 86)

    def test_background_process_is_named_or_waited_for(self):
        r = self.check(VICTIM, "daemon", "sleep", "sleep", "bug")
        self.assertEqual(r.code, 0, r.err)
        self.assertRegex(r.err, r"quarry check: process \d+ \(victim\) goes on: reports are not "
                         r"waited for \(--wait\)\n")
        self.arrives("daemon", "sleep", "bug", options=["--wait"])
        self.arrives("daemon", "closeall", "sleep", "bug", options=["--wait"])

    def test_nothing_goes_on_when_all_have_ended(self):
        self.assertNotIn("goes on", self.check(VICTIM).err)


class Alone(Folder):
    """The library without the tool."""

    def run_alone(self, *steps, stderr=subprocess.PIPE):
        env = dict(os.environ, LD_PRELOAD=DROP_IN, QUARRY_DEBUG="policy=report", TMPDIR=self.dir)
        return subprocess.run([VICTIM, *steps], env=env, stderr=stderr, timeout=60, check=False)

    def test_reports_go_to_standard_error(self):
        self.assertIn(b"kind=heap-overflow", self.run_alone("bug").stderr)

    def test_another_file_at_its_number_is_left_alone(self):
        data = os.path.join(self.dir, "data")
        for steps in ([], ["fork"]):
            r = self.run_alone("stderr=" + data, *steps, "bug")
            self.assertEqual((r.returncode, r.stderr), (0, b""))
            self.assertEqual(os.path.getsize(data), 0)

    def test_a_file_is_found_again_by_its_name(self):
        data, log = os.path.join(self.dir, "data"), os.path.join(self.dir, "log")
        with open(log, "wb") as f:
            self.run_alone("stderr=" + data, "bug", stderr=f)
        self.assertEqual(os.path.getsize(data), 0)
        with open(log, "rb") as f:
            self.assertIn(b"kind=heap-overflow", f.read())

    def test_closed_from_the_start(self):
        data = os.path.join(self.dir, "data")
        env = dict(os.environ, LD_PRELOAD=DROP_IN, QUARRY_DEBUG="policy=report")
        subprocess.run([VICTIM, "stderr=" + data, "bug"], env=env, check=True,
                       preexec_fn=lambda: os.close(2))
        self.assertEqual(os.path.getsize(data), 0)

    def test_no_signal_by_a_report(self):
        # The reader of the pipe is gone; the file may not grow.
        read, write = os.pipe()
        os.close(read)
        self.assertEqual(self.run_alone("bug", stderr=write).returncode, 0)
        os.close(write)
        with open(os.path.join(self.dir, "log"), "wb") as f:
            self.assertEqual(self.run_alone("fsize", "bug", stderr=f).returncode, 0)


if __name__ == "__main__":
    tool.main()

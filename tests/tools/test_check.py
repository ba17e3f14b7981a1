#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`quarry check` with a preload library that writes made-up reports."""
import os
import resource
import shutil
import signal
import subprocess
import tempfile
import unittest

import tool
from tool import RULE, quarry

FAKE = os.environ["FAKE"]


def check(*args, reports=None, env=None, stdin=b""):
    full = {"QUARRY_MALLOC_DEBUG_SO": FAKE, "FAKE_REPORTS": reports}
    full.update(env or {})
    return quarry("check", *args, env=full, stdin=stdin)


def sh(command):
    return ["--", "/bin/sh", "-c", command]


def processor_seconds():
    """What the children used so far: others that keep the machine busy do not count."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def full_reports(text):
    return text.count("Quarry: heap overflow")


class ExitCode(unittest.TestCase):
    def test_no_report_gives_the_programs_own(self):
        for code in (0, 1, 77, 255):
            r = check(*sh("exit %d" % code))
            self.assertEqual(r.code, code)
            self.assertRegex(r.err, r"quarry check: 0 reports in (sh|dash)\[\d+\]; "
                             r"exit status %d\n" % code)

    def test_reports_give_86(self):
        r = check("false", reports="1")
        self.assertEqual(r.code, 86)
        self.assertRegex(r.err, r"quarry check: 1 report \(1 different\) in false\[\d+\]; "
                         r"exit status 1\n$")

    def test_reports_give_the_code_asked_for(self):
        self.assertEqual(check("--error-exitcode=9", "false", reports="1").code, 9)
        self.assertEqual(check("--error-exitcode=0", "false", reports="1").code, 1)
        self.assertEqual(check("--error-exitcode=9", *sh("exit 3")).code, 3)

    def test_death_by_signal(self):
        r = check(*sh("kill -SEGV $$"))
        self.assertEqual(r.code, 128 + signal.SIGSEGV)
        self.assertIn("killed by signal 11", r.err)

    def test_death_by_signal_after_reports(self):
        # exec'ed children report at their end; the shell itself dies without a word.
        r = check(*sh("/bin/true; kill -SEGV $$"), reports="1")
        self.assertEqual(r.code, 86)
        self.assertIn("killed by signal 11", r.err)


class Running(unittest.TestCase):
    def test_standard_input_and_output_are_the_programs(self):
        r = check("cat", stdin=b"a\0b\xff\n", reports="1")
        self.assertEqual(r.out, "a\0b\ufffd\n")

    def test_arguments_pass_as_they_are(self):
        r = check("printf", "%s|", "--help", "", "a b", "--quiet")
        self.assertEqual(r.out, "--help||a b|--quiet|")

    def test_environment(self):
        r = check("--abort", "--quarantine=1M", "--red-zone=16", "--validate=7",
                  "--slab-debug=FZ;P,kmalloc-*", *sh('echo "$QUARRY_DEBUG"'))
        self.assertRegex(r.out, r"^slab_debug=FZ;P,kmalloc-\* quarantine=1M red_zone=16 "
                         r"policy=abort validate=7 channel=\d+\.\d+ report=/\S+/report\.%p\n$")
        r = check(*sh('echo "$QUARRY_DEBUG"'))
        self.assertRegex(r.out, r"^slab_debug=FZPU quarantine=64M red_zone=64 policy=report "
                         r"channel=\d+\.\d+ report=/\S+/report\.%p\n$")

    def test_earlier_items_are_kept(self):
        def items(*args, user):
            r = check(*args, *sh('echo "$QUARRY_DEBUG"'), env={"QUARRY_DEBUG": user})
            self.assertEqual(r.code, 0, r.err)
            return r.out.partition(" channel=")[0], r.err.rpartition("quarry check: 0 rep")[0]

        self.assertEqual(items(user="validate=5 quarantine=1M:page_owner"),
                         ("slab_debug=FZPU red_zone=64 policy=report "
                          "validate=5 quarantine=1M page_owner", ""))
        # The command line wins, be it said in the kernel's old word.
        self.assertEqual(items("--abort", "--slab-debug=F", "--quarantine=2M",
                               user="policy=report slub_debug=Z quarantine=1M red_zone=8"),
                         ("slab_debug=F quarantine=2M policy=abort red_zone=8", ""))
        # What is left out is told.
        default = "slab_debug=FZPU quarantine=64M red_zone=64 policy=report"
        ours = "the reports come to this tool; see --output"
        self.assertEqual(items(user="nonsense=1 red_zone=1 report=/x channel=1.2"),
                         (default, "".join(
                             'quarry check: "%s" of QUARRY_DEBUG is left out: %s\n' % pair
                             for pair in (("nonsense=1", "not understood"),
                                          ("red_zone=1", "not understood"),
                                          ("report=/x", ours), ("channel=1.2", ours)))))
        self.assertEqual(items(user="slab_debug=F," + "x" * 480),
                         (default, "quarry check: QUARRY_DEBUG is too long to be taken, all of it "
                          "is left out\n"))

    def test_an_earlier_preload_stays_behind(self):
        # ASan, if the tool is built with it, does not like to be preceded.
        env = {"LD_PRELOAD": "libc.so.6", "ASAN_OPTIONS": "verify_asan_link_order=0"}
        r = check(*sh('echo "$LD_PRELOAD"'), env=env)
        self.assertEqual(r.out, os.path.realpath(FAKE) + ":libc.so.6\n")

    def test_temporary_files_are_removed(self):
        with tempfile.TemporaryDirectory() as dir:
            check(*sh("/bin/true"), reports="2", env={"TMPDIR": dir})
            self.assertEqual(os.listdir(dir), [])

    def test_awkward_tmpdir_is_not_used(self):
        with tempfile.TemporaryDirectory() as dir:
            awkward = os.path.join(dir, "a b")
            os.mkdir(awkward)
            self.assertEqual(check("true", reports="1", env={"TMPDIR": awkward}).code, 86)

    def test_children_are_checked(self):
        r = check(*sh("/bin/true & /bin/true; wait; exit 0"), reports="1",
                  env={"FAKE_ONLY": "true"})
        self.assertEqual(r.code, 86)
        self.assertEqual(full_reports(r.err), 1)
        self.assertRegex(r.err, r"… and 1 more like number 1 of process \d+ \(heap-overflow\)")
        self.assertRegex(r.err, r"2 reports \(1 different\) in true\[\d+\], true\[\d+\]")

    def test_more_processes_than_descriptors(self):
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, limits[1]))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, limits)
        r = check("--summary", "sh", "-c", "for i in $(seq 200); do /bin/true; done",
                  reports="1", env={"FAKE_ONLY": "true"})
        self.assertIn("200 reports (1 different)", r.err)
        self.assertIn("and 196 more processes", r.err)

    def signalled(self, number):
        env = dict(os.environ, QUARRY_MALLOC_DEBUG_SO=FAKE)
        script = "trap 'echo caught; exit 4' %d; echo ready; while :; do sleep 0.1; done" % number
        with subprocess.Popen([tool.QUARRY, "check", "sh", "-c", script], env=env,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              # A shell's trap does nothing for what was ignored when it came.
                              preexec_fn=lambda: signal.signal(number, signal.SIG_DFL)) as p:
            self.assertEqual(p.stdout.readline(), b"ready\n")
            p.send_signal(number)
            rest = p.stdout.read()
            return rest, p.wait(timeout=tool.NET)

    def test_signals_are_forwarded(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            self.assertEqual(self.signalled(number), (b"caught\n", 4))

    def test_ignored_sigchld_is_not_inherited(self):
        env = dict(os.environ, QUARRY_MALLOC_DEBUG_SO=FAKE)
        done = subprocess.run([tool.QUARRY, "check", "sh", "-c", "exit 6"], env=env,
                              timeout=tool.NET, stderr=subprocess.DEVNULL, check=False,
                              preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
        self.assertEqual(done.returncode, 6)


class Printing(unittest.TestCase):
    def test_equal_reports_are_printed_once(self):
        r = check("true", reports="10 1")
        self.assertEqual(full_reports(r.err), 2)
        self.assertIn("and 9 more like number 1 of process", r.err)
        self.assertIn("quarry check: 11 reports (2 different) in true[", r.err)

    def test_one_report_has_no_more_like_it(self):
        r = check("true", reports="1 1")
        self.assertEqual(full_reports(r.err), 2)
        self.assertNotIn("more like", r.err)

    def test_equal_frames_at_other_addresses_are_equal_reports(self):
        r = check("true", reports="3", env={"FAKE_MOVES": "1"})
        self.assertEqual(full_reports(r.err), 1)
        self.assertIn("3 reports (1 different)", r.err)

    def test_lines_of_the_table_that_read_the_same_are_one(self):
        # Another caller of the same function: another report, the same line.
        env = {"FAKE_CALLER": "1"}
        r = check("true", reports="1 1", env=env)
        self.assertEqual(full_reports(r.err), 2)
        r = check("--summary", "true", reports="1 1", env=env)
        self.assertEqual(r.err.count(" x heap-overflow"), 1, r.err)
        self.assertIn("2 x heap-overflow, allocated in prog+0x900, found in prog+0x910", r.err)
        self.assertIn("2 reports (1 different)", r.err)

    def test_each_report_is_written_at_once(self):
        if not shutil.which("strace"):
            self.skipTest("needs strace")
        with tempfile.NamedTemporaryFile("r") as f:
            env = dict(os.environ, QUARRY_MALLOC_DEBUG_SO=FAKE, FAKE_REPORTS="1 1")
            done = subprocess.run(["strace", "-e", "trace=write", "-s", "100", "-o", f.name,
                                   tool.QUARRY, "check", "true"], env=env, timeout=60,
                                  stderr=subprocess.PIPE, check=False)
            if done.returncode != 86:
                self.skipTest("strace cannot trace here")
            writes = [line for line in f if line.startswith("write(2, ")]
        self.assertEqual(len([w for w in writes if w.startswith('write(2, "=====')]), 2, writes)
        self.assertEqual(len(writes), 3, writes)

    def test_whole_reports_between_rules(self):
        r = check("true", reports="1")
        lines = r.err.split("\n")
        self.assertEqual(lines[0], RULE)
        self.assertRegex(lines[1], r"^BUG kmalloc-32 \(true\[\d+\]\): Right Redzone overwritten$")
        self.assertIn("    #1 0x6000 (/nowhere/prog+0x100)", lines)
        self.assertEqual(lines.count(RULE), 2)

    def test_lines_outside_of_reports_pass(self):
        r = check("true", reports="0")
        self.assertEqual(r.code, 0)
        self.assertTrue(r.err.startswith("a line outside of reports\n"))

    def test_a_report_that_breaks_off_is_printed(self):
        r = check("true", reports="-2 1")
        self.assertEqual(full_reports(r.err), 2)
        self.assertIn("3 reports (2 different)", r.err)
        self.assertEqual(check("true", reports="1 -1").code, 86)
        self.assertIn("2 reports", check("true", reports="1 -1").err)

    def test_output_file(self):
        with tempfile.NamedTemporaryFile("r") as f:
            r = check("--output=" + f.name, "true", reports="2")
            text = f.read()
        self.assertEqual(full_reports(text), 1)
        self.assertNotIn(RULE, r.err)
        self.assertIn("2 reports", r.err)

    def test_quiet(self):
        self.assertEqual(check("--quiet", "true").err, "")
        r = check("--quiet", "true", reports="1")
        self.assertEqual(full_reports(r.err), 1)
        self.assertNotIn("quarry check:", r.err)

    def test_summary(self):
        r = check("--summary", *sh("/bin/true; /bin/true"), reports="10 1",
                  env={"FAKE_ONLY": "true"})
        self.assertNotIn(RULE, r.err)
        self.assertIn("20 x heap-overflow, allocated in prog+0x100, found in prog+0x110", r.err)
        self.assertIn("2 x heap-overflow, allocated in prog+0x200, found in prog+0x210", r.err)
        self.assertIn("22 reports (2 different)", r.err)

    def test_many_reports(self):
        began = processor_seconds()
        r = check("true", reports="20000")
        self.assertIn("20000 reports (1 different)", r.err)
        self.assertEqual(full_reports(r.err), 1)
        self.assertLess(processor_seconds() - began, 30)


if __name__ == "__main__":
    tool.main()

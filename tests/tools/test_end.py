#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How `quarry check` ends: by signals, and when its readers go away."""
import os
import signal
import subprocess
import tempfile
import time
import unittest

import tool
from tool import QUARRY

FAKE = os.environ["FAKE"]
# More text than a pipe holds, each report different.
MANY = " ".join(["1"] * 400)


def stopped_or_gone(pid):
    """Has the tool's program ended, noticed by the tool or not?"""
    try:
        with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
            children = f.read().split()
        for child in children:
            with open("/proc/%s/stat" % child) as f:
                if f.read().rpartition(")")[2].split()[0] != "Z":
                    return False
    except FileNotFoundError:
        pass
    return True


class End(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.dir = folder.name

    def start(self, *args, reports=MANY, stderr=subprocess.PIPE, ignored=(), **more):
        env = dict(os.environ, QUARRY_MALLOC_DEBUG_SO=FAKE, TMPDIR=self.dir, FAKE_REPORTS=reports,
                   LC_ALL="C")

        def prepare():
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
                signal.signal(number, signal.SIG_IGN if number in ignored else signal.SIG_DFL)

        p = subprocess.Popen([QUARRY, "check", *args], env=env, stderr=stderr,
                             stdin=subprocess.DEVNULL, preexec_fn=prepare, **more)
        self.addCleanup(p.wait)
        self.addCleanup(p.kill)
        if p.stderr:
            self.addCleanup(p.stderr.close)
        return p

    def blocked(self, ignored=()):
        """The tool in the middle of its text that nobody reads; its program has ended."""
        p = self.start("true", ignored=ignored)
        first = p.stderr.read(1)
        while not stopped_or_gone(p.pid):
            time.sleep(0.01)
        self.assertEqual(first, b"=")
        return p

    def test_signals_end_it_after_the_program(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
            p = self.blocked()
            p.send_signal(number)
            self.assertEqual(p.wait(timeout=30), -number)
            self.assertEqual(os.listdir(self.dir), [])

    def test_ignored_signals_stay_ignored(self):
        p = self.blocked(ignored=[signal.SIGHUP])
        p.send_signal(signal.SIGHUP)
        text = p.stderr.read()
        self.assertEqual(p.wait(timeout=30), 86)
        self.assertIn(b"400 reports", text)

    def test_reader_gone_after_the_program(self):
        p = self.blocked()
        p.stderr.close()
        self.assertEqual(p.wait(timeout=30), -signal.SIGPIPE)
        self.assertEqual(os.listdir(self.dir), [])

    def test_reader_gone_before_the_program_ends(self):
        p = self.start("sh", "-c", "/bin/true; read line; exit 0")
        self.assertEqual(p.stderr.read(1), b"=")
        p.stderr.close()
        self.assertEqual(p.wait(timeout=30), -signal.SIGPIPE)
        self.assertEqual(os.listdir(self.dir), [])

    def test_the_program_keeps_its_broken_pipe(self):
        # Ignored in the tool, SIGPIPE ends the program as ever.
        p = self.start("sh", "-c", "kill -PIPE $$; exit 3", reports="")
        self.assertIn(b"killed by signal 13", p.stderr.read())
        self.assertEqual(p.wait(timeout=30), 128 + signal.SIGPIPE)

    def test_a_signal_reaches_the_program_while_the_tool_is_busy(self):
        # The tool waits for its reader; the program, which waits for input, must hear of it.
        read, write = os.pipe()
        self.addCleanup(os.close, write)
        p = self.start("sh", "-c", "trap 'exit 5' TERM; /bin/true; echo ready; "
                       "while :; do sleep 0.05; done", stdout=subprocess.PIPE)
        os.close(read)
        self.addCleanup(p.stdout.close)
        self.assertEqual(p.stdout.readline(), b"ready\n")
        self.assertEqual(p.stderr.read(1), b"=")
        p.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + 30
        while not stopped_or_gone(p.pid) and time.monotonic() < deadline:
            time.sleep(0.01)
        self.assertTrue(stopped_or_gone(p.pid))
        p.stderr.read()
        self.assertEqual(p.wait(timeout=30), 86)

    def test_signals_at_the_start_are_not_lost(self):
        # Before the program runs, while it starts, or after: the tool ends within the time.
        for delay in range(12):
            p = self.start("sleep", "60", reports="")
            time.sleep(delay * 0.002)
            p.send_signal(signal.SIGTERM)
            self.assertIn(p.wait(timeout=30), (-signal.SIGTERM, 128 + signal.SIGTERM, 2))
            self.assertEqual(os.listdir(self.dir), [])


if __name__ == "__main__":
    tool.main()

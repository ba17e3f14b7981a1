#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The drop-ins by hand: LD_PRELOAD and QUARRY_DEBUG, without `quarry check`."""
import os
import signal
import subprocess
import tempfile
import unittest

from report import parse

DEBUG = os.environ["DROP_IN_DEBUG"]
RELEASE = os.environ["DROP_IN_RELEASE"]
LETTERS = "slab_debug=FZPU quarantine=16M red_zone=64 "


def run(bug, debug, drop_in=DEBUG):
    """Exit code, reports on standard error, all of standard error. @debug None: not set."""
    env = dict(os.environ, LD_PRELOAD=drop_in)
    env.pop("QUARRY_DEBUG", None)
    if debug is not None:
        env["QUARRY_DEBUG"] = debug
    done = subprocess.run([os.environ["BUG_" + bug]], env=env, check=False, timeout=1800,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE)
    text = done.stderr.decode()
    return done.returncode, parse(text), text


def kinds(reports):
    return [report.kind() for report in reports]


class Policy(unittest.TestCase):
    def test_abort_ends_the_program_with_one_report(self):
        for bug, kind in (("THREE", "double-free"), ("SLACK", "heap-overflow")):
            code, reports, _ = run(bug, LETTERS + "policy=abort")
            self.assertEqual(code, -signal.SIGABRT)
            self.assertEqual(kinds(reports), [kind])

    def test_report_goes_on(self):
        code, reports, _ = run("THREE", LETTERS + "policy=report")
        self.assertEqual(code, 0)
        self.assertEqual(kinds(reports), ["double-free"] * 2)
        self.assertEqual([r.item["seq"] for r in reports], ["1", "2"])

    def test_colons_part_items_too(self):
        code, reports, _ = run("SLACK", "slab_debug=FZPU:red_zone=64:policy=report")
        self.assertEqual((code, kinds(reports)), (0, ["heap-overflow"]))

    def test_without_a_string_all_is_on(self):
        code, reports, _ = run("SLACK", None)
        self.assertEqual(kinds(reports), ["heap-overflow"])
        self.assertEqual(code, -signal.SIGABRT)

    def test_a_string_that_is_not_understood_is_said(self):
        code, reports, text = run("SLACK", "slab_debug=FZPU nonsense=1 policy=report")
        self.assertIn("quarry: QUARRY_DEBUG is not understood", text)
        self.assertEqual(kinds(reports), ["heap-overflow"])
        self.assertIn(code, (0, -signal.SIGABRT))

    def test_nothing_is_checked_when_switched_off(self):
        code, reports, text = run("SLACK", "slab_debug=- policy=abort")
        self.assertEqual((code, reports, text), (0, [], ""))

    def test_what_is_named_changes_nothing_else(self):
        # Narrower zones, as by default in an instance, would have no records apart.
        for debug in ("slab_debug=FZPU policy=report", "quarantine=1M policy=report",
                      "policy=report slab_debug=P,kmalloc-1000"):
            _, reports, _ = run("LONG", debug)
            self.assertEqual(kinds(reports), ["heap-overflow"])
            self.assertEqual((reports[0].item["offset"], reports[0].item["len"]), ("10", "300"))

    def test_letters_that_find_nothing_alone_are_said(self):
        for letters, said in (("Z", True), ("PU", True), ("FZ", False), ("U", False)):
            text = run("ZONE", "slab_debug=%s policy=report" % letters)[2]
            self.assertEqual("without the letter F" in text, said, letters)

    def test_each_letter_finds_what_it_is_for(self):
        for letters, bug, found in (("FZ", "SLACK", []),  # the request is not kept: it is slack
                                    ("FZU", "SLACK", ["heap-overflow"]),
                                    ("FZ", "ZONE", ["heap-overflow"]),
                                    ("Z", "ZONE", []),  # without F no look at free
                                    ("FP", "STALE", ["use-after-free-write"]),
                                    ("FZ", "STALE", []), ("F", "STALE", []),
                                    ("F", "THREE", ["double-free"] * 2),
                                    ("U", "THREE", ["double-free"] * 2)):
            debug = "slab_debug=%s quarantine=1M red_zone=64 policy=report" % letters
            code, reports, _ = run(bug, debug)
            self.assertEqual((letters, bug, code, kinds(reports)), (letters, bug, 0, found))

    def test_pages_that_were_given_back_are_poisoned(self):
        debug = "slab_debug=- page_poison page_owner policy=report"
        for bug, size in (("PAGES", 3 << 12), ("RUN", 1 << 17)):
            code, reports, _ = run(bug, debug)
            self.assertEqual((code, kinds(reports)), (0, ["use-after-free-write"]))
            self.assertEqual(reports[0].faults_in_form(), [])
            self.assertEqual(reports[0].item["cache"], "page")
            self.assertEqual(reports[0].item["expected"], "0xaa")
            self.assertEqual(reports[0].item["found"], "0x41")
            self.assertIn("pagealloc: memory corruption", reports[0].title)
            self.assertGreaterEqual(int(reports[0].item["size"]), size)
            self.assertEqual(sorted(reports[0].stack), ["allocated", "found at", "freed"])
            code, reports, text = run(bug, "slab_debug=- policy=report")
            self.assertEqual((code, reports, text), (0, [], ""))

    def test_pages_that_were_given_back_trap(self):
        debug = "slab_debug=- debug_pagealloc debug_guardpage_minorder=2"
        for bug in ("PAGES", "RUN"):
            code, reports, text = run(bug, debug)
            self.assertEqual((code, kinds(reports)), (-signal.SIGSEGV, ["use-after-free-write"]))

    def test_each_process_has_a_file_of_its_own(self):
        with tempfile.TemporaryDirectory() as folder:
            code, reports, text = run("CHILD", LETTERS + "policy=report report=%s/r.%%p" % folder)
            self.assertEqual((code, reports, text), (7, [], ""))
            names = os.listdir(folder)
            self.assertEqual(len(names), 1)
            with open(os.path.join(folder, names[0]), encoding="utf-8") as file:
                reports = parse(file.read())
            self.assertEqual(kinds(reports), ["heap-overflow"])
            self.assertEqual("r.%d" % reports[0].pid, names[0])

    def test_a_file_that_cannot_be_written_is_standard_error(self):
        _, reports, _ = run("SLACK", LETTERS + "policy=report report=/nonexistent/r")
        self.assertEqual(kinds(reports), ["heap-overflow"])

    def test_the_release_build_says_nothing(self):
        code, reports, text = run("SLACK", LETTERS + "policy=abort", RELEASE)
        self.assertEqual((code, reports, text), (0, [], ""))


if __name__ == "__main__":
    unittest.main(verbosity=2)

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`quarry replay`: what it takes for an input, and what it says of the rest."""
import os
import tempfile
import unittest

import tool
from tool import quarry

CORPORA = os.environ["CORPORA"]
HEADER, OP, MOST = 16, 8, 4096  # fuzz/ops.h


def an_input():
    """A small one of target page, with an operation."""
    folder = os.path.join(CORPORA, "page")
    paths = [os.path.join(folder, name) for name in sorted(os.listdir(folder))]
    with open(min((p for p in paths if os.path.getsize(p) >= HEADER + OP), key=os.path.getsize),
              "rb") as f:
        return f.read()


@unittest.skipUnless("\n  replay " in quarry("--help").out, "not in this build")
class Replay(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.dir = folder.name
        self.data = an_input()

    def put(self, name, data):
        path = os.path.join(self.dir, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(data)
        return path

    def test_an_input_passes(self):
        r = quarry("replay", "--quiet", self.put("input", self.data))
        self.assertEqual((r.code, r.err), (0, ""))

    def test_unknown_plants_are_refused(self):
        path = self.put("input", self.data)
        for plant in ("99999", "-1", "x", "7x", "", "99999999999999999999"):
            r = quarry("replay", "--plant", plant, path)
            self.assertEqual(r.code, 2, plant)
            self.assertIn('there is no planted fault "%s"' % plant, r.err)
            r = quarry("replay", path, env={"QUARRY_PLANT": plant})
            self.assertEqual(r.code, 2, plant)
        self.assertEqual(quarry("replay", "--quiet", "--plant", "0", path).code, 0)

    def test_operations_left_out_are_told(self):
        ops = self.data[HEADER:HEADER + OP] * (MOST + 3)
        r = quarry("replay", "--quiet", self.put("long", self.data[:HEADER] + ops))
        self.assertIn("%d operations, only the first %d are taken" % (MOST + 3, MOST), r.err)
        self.assertIn("passed, %d operations" % MOST, r.out)
        r = quarry("replay", "--quiet", self.put("full", self.data[:HEADER] + ops[:MOST * OP]))
        self.assertEqual(r.err, "")

    def test_findings_of_engines_are_taken_as_they_are(self):
        for name in ("id:000000,sig:06,src:000001,time:12,execs:34,op:havoc,rep:2", "crash-0123"):
            path = self.put(name, self.data[:-3])
            r = quarry("replay", "--quiet", path)
            self.assertEqual(r.code, 0, r.err)
            self.assertIn("cut off: zeros stand for the missing bytes", r.err)
        r = quarry("replay", self.put("input", self.data[:-3]))
        self.assertEqual(r.code, 2)
        self.assertIn("cut off", r.err)

    def test_target_of_a_finding_without_mark(self):
        path = self.put("out/default/crashes/id:000000,sig:06", b"xx" + self.data[2:])
        r = quarry("replay", "--quiet", path)
        self.assertEqual(r.code, 2)
        self.assertIn("--target", r.err)
        self.put("out/default/fuzzer_stats", b"start_time        : 1\n"
                 b"afl_banner        : afl_page\nafl_version       : ++4.04c\n")
        r = quarry("replay", "--quiet", path)
        self.assertEqual((r.code, r.err), (0, ""))
        self.assertIn("passed", r.out)


if __name__ == "__main__":
    tool.main()

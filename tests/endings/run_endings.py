#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Ways for a program to end × damage to its heap × build → what is reported, how it ends.

run_endings.py PROGRAM DROP_IN DEBUG_DROP_IN README   every cell, and the table in README
run_endings.py --table                                that table

Under both drop-ins a program ends as it does without one: same exit status, same signal. The debug
drop-in reports the damage once, wherever it can get a last look; the release drop-in reports
nothing.
"""
import os
import re
import subprocess
import sys
import tempfile

DAMAGES = {"none": None, "overflow": "heap-overflow", "freed": "use-after-free-write"}
ALL, NONE = DAMAGES, {}
# In a child: the parent's damage is the parent's, which is reported at its own end.
BOTH = "both"
# way: in words, what is reported
WAYS = {
    "return": ("return from main", ALL),
    "exit": ("exit()", ALL),
    "_exit": ("_exit()", ALL),
    "quick_exit": ("quick_exit()", ALL),
    "abort": ("abort()", ALL),
    "abort-ignored": ("abort(), SIGABRT ignored", ALL),
    "assert": ("assert()", ALL),
    "exception": ("exception that nobody catches", ALL),
    "segv": ("access to address 8", ALL),
    "noncanonical": ("access to no address", ALL),
    "segv-thread": ("the same in another thread", ALL),
    "stack": ("main thread's stack used up", ALL),
    "ill": ("illegal instruction", ALL),
    "fpe": ("division by 0", ALL),
    "TERM": ("SIGTERM", ALL),
    "INT": ("SIGINT", ALL),
    "HUP": ("SIGHUP", ALL),
    "QUIT": ("SIGQUIT", ALL),
    "ALRM": ("SIGALRM", ALL),
    "USR1": ("SIGUSR1", ALL),
    "PIPE": ("SIGPIPE", ALL),
    "BUS": ("SIGBUS, sent", ALL),
    "SEGV": ("SIGSEGV, sent", ALL),
    "XCPU": ("SIGXCPU", ALL),
    "TRAP": ("SIGTRAP", ALL),
    "handler-exit": ("own handler, which calls _exit()", ALL),
    "handler-default": ("own handler, which raises it again", ALL),
    "handler-abort": ("own handler of SIGABRT, which returns", ALL),
    "vfork": ("SIGTERM, after it ended a vfork() child", ALL),
    "exec": ("exec", ALL),
    "exec-killed": ("exec; that program is killed", ALL),
    "child": ("SIGTERM in a child with damage of its own", BOTH),
    "exit_group": ("system call exit_group", NONE),
    "KILL": ("SIGKILL", NONE),
}
BEGIN, END = "<!-- table of endings -->", "<!-- end of the table -->"


def expected(way, damage):
    """Kinds of the reports of the debug drop-in, sorted."""
    said = WAYS[way][1]
    kinds = [DAMAGES[damage]] if DAMAGES[damage] and said is not NONE else []
    return sorted(kinds + (["heap-overflow"] if said is BOTH else []))


def run(program, way, damage, drop_in, report, more=""):
    env = dict(os.environ, QUARRY_DEBUG="policy=report report=%s%s" % (report, more))
    env.pop("LD_PRELOAD", None)
    if drop_in:
        env["LD_PRELOAD"] = drop_in
    done = subprocess.run([program, way, damage], env=env, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, timeout=120)
    text = ""
    if os.path.exists(report):
        with open(report, encoding="utf-8", errors="replace") as f:
            text = f.read()
        os.unlink(report)
    return done.returncode, sorted(re.findall(r"^QY seq=\S+ kind=(\S+)", text, re.M)), text


def is_off(program, drop_in, report):
    """signals=off: the program ends as before, and nothing is told of it."""
    status, kinds, _ = run(program, "TERM", "overflow", drop_in, report, " signals=off")
    if status == -15 and not kinds:
        return True
    print("signals=off: status %d, reports %s" % (status, kinds))
    return False


def table():
    lines = ["| a program ends by | none | overflow | freed write | ends as without |",
             "|---|---|---|---|---|"]
    for way, (words, _) in WAYS.items():
        cells = [", ".join(expected(way, d)) or "-" for d in DAMAGES]
        lines.append("| %s | %s | yes |" % (words, " | ".join(cells)))
    return "\n".join(lines)


def main():
    if sys.argv[1:] == ["--table"]:
        print(table())
        return 0
    program, release, debug, readme = sys.argv[1:]
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        report = os.path.join(folder, "report")
        for way in WAYS:
            for damage in DAMAGES:
                plain, _, _ = run(program, way, damage, None, report)
                for name, drop_in in (("release", release), ("debug", debug)):
                    status, kinds, text = run(program, way, damage, drop_in, report)
                    want = expected(way, damage) if name == "debug" else []
                    if status == plain and kinds == want:
                        continue
                    bad += 1
                    print("%s, %s, %s: status %d instead of %d, reports %s instead of %s" %
                          (way, damage, name, status, plain, kinds, want))
                    print(text[:3000])
        bad += not is_off(program, debug, report)
    with open(readme, encoding="utf-8") as f:
        text = f.read()
    if "%s\n%s\n%s" % (BEGIN, table(), END) not in text:
        bad += 1
        print("%s: the table is not that of run_endings.py --table" % readme)
    print("%d cells, %d bad" % (len(WAYS) * len(DAMAGES) * 2, bad))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: MIT
# Stop where a report is made, with the program's stack still there:
#
#     gdb -x report.gdb --args ./words "one two three"
#     (gdb) set exec-wrapper env LD_PRELOAD=/usr/local/lib/libquarry-malloc-debug.so
#     (gdb) run
#
# At each stop: "backtrace" is the call that found the damage, "print *r" the finding as a struct,
# "finish" lets the library write its report (who allocated, who freed) and comes back.
set breakpoint pending on
break qy__report_emit

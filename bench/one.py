"""Run one command and report on it: seconds on the clock, seconds of CPU, the largest process in kilobytes.

    one.py COMMAND ARG...     the report is the last line on standard error; standard output is thrown away

A process of its own, as small as Python goes: the kernel counts what a process weighed before it became
the command: started from the measuring program, every command would weigh at least as much as that.

The kernel adds up the CPU time of what a process waited for. What nobody waited for becomes a child of this
process (a "subreaper"), so its time counts too.
"""

import ctypes
import os
import sys
import time

PR_SET_CHILD_SUBREAPER = 36

if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
    raise OSError(ctypes.get_errno(), "prctl")
nowhere = os.open(os.devnull, os.O_RDWR)
started = time.perf_counter()
child = os.fork()
if child == 0:
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    os.execvp(sys.argv[1], sys.argv[1:])
_, status, usage = os.wait4(child, 0)
wall = time.perf_counter() - started
cpu = usage.ru_utime + usage.ru_stime
memory = usage.ru_maxrss
while True:
    try:
        _, _, orphan = os.wait4(-1, 0)
    except ChildProcessError:
        break
    cpu += orphan.ru_utime + orphan.ru_stime
    memory = max(memory, orphan.ru_maxrss)
print(f"\n{wall} {cpu} {memory}", file=sys.stderr)
sys.exit(os.waitstatus_to_exitcode(status) & 255)

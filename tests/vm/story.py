# SPDX-License-Identifier: Apache-2.0
"""Runs test functions inside a test machine, one line each, and says `N passed, N failed`.

Smaller than pytest because importing pytest takes longer than the tests where the processor is emulated.
"""

import sys
import time
import traceback


def run(*tests):
    """Runs the tests in order, each with its docstring as title; exits 1 when one failed."""
    failed = 0
    for test in tests:
        began = time.monotonic()
        try:
            test()
        except Exception:
            failed += 1
            traceback.print_exc(file=sys.stdout)
            print(f"not ok - {test.__doc__}", flush=True)
        else:
            print(f"ok - {test.__doc__} ({time.monotonic() - began:.1f} s)", flush=True)
    print(f"{len(tests) - failed} passed, {failed} failed", flush=True)
    sys.exit(failed > 0)


def wait_for(question, what, seconds=20):
    """Asks until the answer is true, and returns it."""
    until = time.monotonic() + seconds
    while not (answer := question()):
        if time.monotonic() > until:
            raise AssertionError(f"waited {seconds} s for {what}")
        time.sleep(0.02)
    return answer

# SPDX-License-Identifier: Apache-2.0
"""The tour of the README, as a newcomer runs it."""

import os
import subprocess
import sys

from conftest import BUILD, ROOT


def test_every_step_of_the_tour_works():
    result = subprocess.run(["/usr/bin/python3", os.path.join(ROOT, "tests", "support", "tour.py"), "--once",
                             "--build", BUILD], capture_output=True, text=True, timeout=180)
    sys.stdout.write(result.stdout)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "every step of the tour worked" in result.stdout

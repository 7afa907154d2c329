# SPDX-License-Identifier: Apache-2.0
"""What end-to-end tests have in common is had here, too."""

import importlib.util
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
E2E = os.path.join(HERE, "..", "e2e")
sys.path[:0] = [os.path.join(HERE, "..", "support"), E2E, HERE]

spec = importlib.util.spec_from_file_location("e2e_conftest", os.path.join(E2E, "conftest.py"))
shared = importlib.util.module_from_spec(spec)
spec.loader.exec_module(shared)
SANITIZED, TIDEGATE = shared.SANITIZED, shared.TIDEGATE

# SPDX-License-Identifier: Apache-2.0
"""Clients and servers that do what they should not, against the proxy core alone (tests/support/proxy)."""

import os
import sys

import pytest
from conftest import BUILD, ROOT

sys.path.insert(0, os.path.join(ROOT, "tests", "support", "proxy"))
import adversary  # noqa: E402


@pytest.mark.parametrize("story", adversary.STORIES, ids=lambda story: story.__name__)
def test_story(story):
    adversary.run_story(os.path.join(BUILD, "mini_proxy"), story)

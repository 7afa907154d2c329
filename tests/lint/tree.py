# SPDX-License-Identifier: Apache-2.0
"""tree: what the checks share: the files of the tree, C without its comments, and how a fault is told."""

import os
import re
import subprocess
import sys

os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BUILD = os.environ.get("O", "build")
faults = 0


def files(*patterns):
    """Files under version control, or about to be, whose path matches one of the regular expressions."""
    command = ["git", "ls-files", "-co", "--exclude-standard"]
    names = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return sorted(n for n in set(names) if os.path.isfile(n) and any(re.search(p, n) for p in patterns))


def text(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def blank(match):
    return re.sub(r"[^\n]", " ", match.group(0))


def code(path, keep_strings=False):
    """The text of a C file with comments (and the insides of strings) replaced by blanks: lines stay lines."""
    token = r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''

    def replace(match):
        is_string = match.group(0)[0] in "\"'"
        return match.group(0) if is_string and keep_strings else blank(match)

    return re.sub(token, replace, text(path), flags=re.S)


def table(path):
    """Rows of a table file: words up to a #, which begins a comment (the reason)."""
    rows = []
    for number, line in enumerate(text(path).splitlines(), 1):
        words = line.split("#")[0].split()
        if words:
            rows.append((number, words, "#" in line and line.split("#", 1)[1].strip()))
    return rows


def fault(path, line, reason):
    global faults
    faults += 1
    print(f"{path}:{line}: {reason}")


def note(path, line, reason):
    if os.environ.get("LINT_NOTES"):
        print(f"{path}:{line}: note: {reason}")


def done():
    sys.exit(1 if faults else 0)

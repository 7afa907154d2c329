# SPDX-License-Identifier: Apache-2.0
"""adversary: raw-socket stories against mini_proxy.

Run as: /usr/bin/python3 adversary.py path/to/mini_proxy [name...]. Each story gets a proxy of its own, which must
end with no connection, request or server connection left.
"""

import sys
import time
import traceback

import wire_clients  # noqa: F401
import wire_servers  # noqa: F401
from wire_world import STORIES, World

__all__ = ["STORIES", "World", "run_story"]


def run_story(program, function):
    """Raises when the story goes wrong, or the proxy does not end well."""
    world = World(program)
    try:
        function(world)
        world.settle()
        assert not world.server.errors, world.server.errors[0]
    except BaseException:
        world.process.kill()
        print("".join(world.lines[-60:]))
        raise
    world.process.terminate()
    code = world.process.wait(10)
    time.sleep(0.05)
    assert code == 0, "exit code %d: %s" % (code, "".join(world.lines[-60:]))


def main():
    program, names = sys.argv[1], sys.argv[2:]
    failed = 0
    for function in STORIES:
        if names and function.__name__ not in names:
            continue
        begin = time.time()
        try:
            run_story(program, function)
            print("ok      %-60s %.1fs" % (function.__name__.replace("_", " "), time.time() - begin), flush=True)
        except BaseException:
            failed += 1
            print("FAILED  " + function.__name__, flush=True)
            traceback.print_exc()
    print("%d failed" % failed)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

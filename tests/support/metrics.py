"""What the server itself says about waiting clients: a reason not to sleep in tests."""

import re
import urllib.request

from waiting import eventually


def scrape(server):
    with urllib.request.urlopen(f"{server.admin_endpoint}/metrics", timeout=10) as response:
        return response.read().decode()


def sample(server, name):
    """Sum over all series of a metric whose name ends in `name`; 0 when there is none."""
    pattern = re.compile(rf"^\w*{name}(?:\{{[^}}]*\}})? (\S+)", re.MULTILINE)
    return sum(float(value) for value in pattern.findall(scrape(server)))


def wait_for_long_polls(server, count):
    """Returns once `count` long polls wait in the server; at once for a foreign server."""
    if not hasattr(server, "admin_endpoint"):
        return
    eventually(lambda: sample(server, "long_polls_waiting") >= count, seconds=30)

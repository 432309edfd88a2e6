"""Metrics as a real parser reads them, and what the server says about waiting clients: a reason not
to sleep in tests."""

import re
import urllib.request

from prometheus_client.parser import text_string_to_metric_families
from waiting import eventually


def scrape(server, accept="*/*"):
    request = urllib.request.Request(f"{server.admin_endpoint}/metrics", headers={"Accept": accept})
    with urllib.request.urlopen(request, timeout=10) as response:
        return response.read().decode()


def samples(text, parse=text_string_to_metric_families):
    """{(name, (label, ...)): value}; a series may be there once."""
    found = {}
    for family in parse(text):
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in found, key
            found[key] = sample.value
    return found


def value(text, name, **labels):
    return samples(text)[(f"tranter_{name}", tuple(sorted(labels.items())))]


def long_polls(server, queue):
    """How many receives wait on a queue, given by URL or name."""
    name = re.escape(queue.rpartition("/")[2])
    pattern = rf'^tranter_long_polls_waiting\{{queue="{name}"\}} (\d+)$'
    found = re.search(pattern, scrape(server), re.MULTILINE)
    return int(found[1]) if found else 0


def wait_for_long_polls(server, queue, count=1):
    """Returns once `count` receives wait on the queue; at once for a foreign server."""
    if hasattr(server, "admin_endpoint"):
        eventually(lambda: long_polls(server, queue) >= count, seconds=30)

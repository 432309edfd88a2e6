"""The items of tests/badinput/handlers.jsonl, each of which has a test."""

import json

from server import REPO

ITEMS = {
    item["id"]: item
    for item in map(json.loads, (REPO / "tests/badinput/handlers.jsonl").read_text().splitlines())
}


def inputs(surface):
    """{id: input}"""
    return {name: item["input"] for name, item in ITEMS.items() if item["surface"] == surface}


def titled(name):
    """How a test is shown."""
    return f"{name} {ITEMS[name]['title']}"

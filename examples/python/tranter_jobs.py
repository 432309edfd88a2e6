"""The Jobs API of a Tranter server, as far as a producer and a worker need it. Standard library."""

import json
import os
import urllib.error
import urllib.request

URL = os.environ.get("TRANTER_URL", "http://127.0.0.1:9325")
TOKEN = os.environ.get("TRANTER_TOKEN")


class Refused(Exception):
    """What the server said, with its status and code."""

    def __init__(self, status, problem):
        super().__init__(problem.get("detail") or problem.get("title") or f"status {status}")
        self.status = status
        self.code = problem.get("code", "")


def call(path, body=None, seconds=30):
    """POSTs the body, or GETs without one; returns the answer."""
    headers = {"Content-Type": "application/json"}
    if TOKEN:
        headers["Authorization"] = f"Bearer {TOKEN}"
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(URL + path, data, headers)
    try:
        with urllib.request.urlopen(request, timeout=seconds) as answer:
            text = answer.read()
    except urllib.error.HTTPError as error:
        try:
            problem = json.load(error)
        except ValueError:
            problem = {}
        raise Refused(error.code, problem) from None
    return json.loads(text) if text else None

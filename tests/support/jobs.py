"""The Jobs API, as far as tests of other things need it."""

import json
import urllib.request


def call(server, path, body=None):
    """POSTs a body, or GETs without one; the answer has to be a success."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(server.admin_endpoint + path, data, headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def receive(server, queue, jobs=1, wait="0s"):
    body = {"jobs_max": jobs, "wait": wait}
    return call(server, f"/v1/queues/{queue}/receive", body)["jobs"]

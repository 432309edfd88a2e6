"""A client of the Jobs API that shows all of an answer."""

import http.client
import json


class JobsApi:
    """One keeps its connection, as clients do; every answer is (status, headers, JSON)."""

    def __init__(self, server):
        self.connection = http.client.HTTPConnection(
            server.admin_host, server.admin_port, timeout=60
        )

    def ask(self, method, path, body=None, **headers):
        data = None if body is None else json.dumps(body)
        self.connection.request(
            method, "/v1" + path, data, {key.replace("_", "-"): v for key, v in headers.items()}
        )
        answer = self.connection.getresponse()
        text = answer.read()
        return answer.status, answer.headers, json.loads(text) if text else None

    def ok(self, method, path, body=None, **headers):
        status, _, answer = self.ask(method, path, body, **headers)
        assert status < 300, answer
        return answer

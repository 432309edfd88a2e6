"""A collector of spans over OTLP/HTTP that keeps every request and checks what is in it."""

import http.server
import json
import re
import threading

HEX16 = re.compile(r"[0-9a-f]{16}")
HEX32 = re.compile(r"[0-9a-f]{32}")
NANOSECONDS = re.compile(r"[1-9][0-9]{18}")  # 2001 to 2286
KINDS = {"send": 4, "process": 5}


class Collector:
    """`status` is what it answers."""

    def __init__(self, status=200):
        self.status = status
        self.requests = []
        self._lock = threading.Lock()
        collector = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with collector._lock:
                    collector.requests.append((self.path, dict(self.headers), body))
                answer = b"{}"
                self.send_response(collector.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *words):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def spans(self):
        """All so far, checked; each with its resource under "resource"."""
        with self._lock:
            requests = list(self.requests)
        found = []
        for path, headers, body in requests:
            assert path == "/v1/traces"
            assert headers["Content-Type"] == "application/json"
            found += checked_spans(json.loads(body))
        return found


def attributes(listed):
    """As a dictionary; every value has one type, and 64-bit integers are text."""
    found = {}
    for one in listed:
        assert set(one) == {"key", "value"}
        ((kind, value),) = one["value"].items()
        assert kind in ("stringValue", "intValue")
        assert isinstance(value, str)
        assert one["key"] not in found
        found[one["key"]] = int(value) if kind == "intValue" else value
    return found


def checked_spans(request):
    assert set(request) == {"resourceSpans"}
    found = []
    for resource_spans in request["resourceSpans"]:
        assert set(resource_spans) == {"resource", "scopeSpans"}
        resource = attributes(resource_spans["resource"]["attributes"])
        for scope_spans in resource_spans["scopeSpans"]:
            assert set(scope_spans) == {"scope", "spans"}
            assert scope_spans["scope"]["name"] == "tranter"
            assert scope_spans["scope"]["version"]
            found += [checked_span(span, resource) for span in scope_spans["spans"]]
    return found


def checked_span(span, resource):
    allowed = {
        "traceId", "spanId", "parentSpanId", "traceState", "flags", "name", "kind",
        "startTimeUnixNano", "endTimeUnixNano", "attributes", "links", "status",
    }
    assert set(span) <= allowed
    assert HEX32.fullmatch(span["traceId"]) and set(span["traceId"]) != {"0"}
    assert HEX16.fullmatch(span["spanId"]) and set(span["spanId"]) != {"0"}
    if "parentSpanId" in span:
        assert HEX16.fullmatch(span["parentSpanId"])
    for name in ("startTimeUnixNano", "endTimeUnixNano"):
        assert isinstance(span[name], str) and NANOSECONDS.fullmatch(span[name])
    assert int(span["startTimeUnixNano"]) <= int(span["endTimeUnixNano"])
    operation, _, destination = span["name"].partition(" ")
    assert span["kind"] == KINDS[operation]
    assert span["flags"] == 1
    for link in span.get("links", []):
        assert set(link) == {"traceId", "spanId", "flags"}
        assert HEX32.fullmatch(link["traceId"]) and HEX16.fullmatch(link["spanId"])
    assert set(span["status"]) <= {"code", "message"}
    assert span["status"].get("code") in (None, 2)
    own = attributes(span["attributes"])
    assert own["messaging.operation.name"] == own["messaging.operation.type"] == operation
    assert own["messaging.destination.name"] == destination
    assert own["messaging.system"] in ("tranter", "aws_sqs")
    return {**span, "attributes": own, "resource": resource}

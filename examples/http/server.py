#!/usr/bin/env python3
"""An endpoint that does jobs, with the standard library: they are signed as Standard Webhooks."""

import base64
import hashlib
import hmac
import http.server
import json
import os
import time

KEY = base64.b64decode(os.environ["WEBHOOK_SECRET"].removeprefix("whsec_"))
PORT = int(os.environ.get("PORT", "8080"))
TOLERANCE_SECONDS = 300
done = {}  # what was answered, by webhook-id: think of a table


def is_genuine(headers, body):
    identity, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not identity or not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 12:
        return False
    if abs(time.time() - int(timestamp)) > TOLERANCE_SECONDS:
        return False
    signed = b".".join((identity.encode(), timestamp.encode(), body))
    right = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
    given = headers.get("webhook-signature", "").split(" ")[:16]
    # All of them, and each in constant time.
    return any([hmac.compare_digest(f"v1,{right}".encode(), one.encode()) for one in given])


def do_job(job):
    if job["type"] != "invoice.paid":
        return 404, {"error": f"there is no handler for type {job['type']}"}
    return 200, {"booked": job["payload"]["invoice"]}


class Jobs(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # the worker keeps its connections

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if not is_genuine(self.headers, body):
            return self.answer(401, {"error": "the signature is wrong"})
        identity = self.headers["webhook-id"]
        if identity not in done:
            done[identity] = do_job(json.loads(body))
        return self.answer(*done[identity])

    def answer(self, status, value):
        text = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


if __name__ == "__main__":
    with http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Jobs) as server:
        print(f"listening on {server.server_port}", flush=True)
        server.serve_forever()

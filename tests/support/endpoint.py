"""The endpoint of an http handler inside the test: it sees each run begin, and says when it ends."""

import contextlib
import http.server
import json
import threading


class Endpoint:
    """Runs wait until finish() or open(). Everything else may be asked from any thread."""

    def __init__(self, on_begin=lambda endpoint: None):
        """`on_begin` sees `running` with each new run in it, one call at a time."""
        self.changed = threading.Condition()
        self._on_begin = on_begin
        self.running = []  # runs that have begun and not ended, as dicts of the job, in order
        self.begun = []  # all of them
        self._is_open = False
        self._finished = set()  # ids of `running`
        handler = type("Handler", (_Handler,), {"endpoint": self})
        self._server = _Server(("127.0.0.1", 0), handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self._server.server_address[1]}/"

    def config(self):
        """What the table of a handler needs."""
        return f'http = "{self.url}"\nallow_addresses = ["127.0.0.0/8"]\n'

    def active(self):
        """{id of a job that has a run: its runs}, oldest first."""
        jobs = {}
        for run in self.running:
            jobs.setdefault(run["id"], []).append(run)
        return jobs

    def wait(self, condition, seconds=60):
        """Until condition() of this object is true; called whenever a run begins or ends."""
        with self.changed:
            assert self.changed.wait_for(condition, seconds), (
                f"{len(self.begun)} runs have begun, {len(self.running)} are going on"
            )

    def finish(self, job):
        """Ends the runs of a job that go on now."""
        with self.changed:
            self._finished |= {id(run) for run in self.running if run["id"] == job}
            self.changed.notify_all()

    def open(self):
        """From now on every run ends at once."""
        with self.changed:
            self._is_open = True
            self.changed.notify_all()

    def close(self):
        self.open()
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def run(self, job):
        with self.changed:
            self.running.append(job)
            self.begun.append(job)
            self._on_begin(self)
            self.changed.notify_all()
            self.changed.wait_for(lambda: self._is_open or id(job) in self._finished)
            self._finished.discard(id(job))
            # Equal runs are told apart by what they are, not by what they say.
            self.running = [other for other in self.running if other is not job]
            self.changed.notify_all()


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def handle_error(self, request, client_address):
        """A worker that is killed leaves its connections; that is no error of the endpoint."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    endpoint = None

    def do_POST(self):
        job = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.endpoint.run(job)
        with contextlib.suppress(OSError):
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

    def log_message(self, *_):
        """Nobody reads it."""

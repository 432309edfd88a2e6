"""Endpoints that are hostile, and URLs that lead where no job may go: a real worker calls none of
these, and what it is answered never holds it up. Every item of handlers.jsonl with this surface has a
test here."""

import json
import os
import random
import re
import socket
import ssl
import subprocess
import threading
import time
from datetime import datetime, timedelta, timezone

import pytest
from command_line import tranter
from handler_items import inputs, titled
from jobs import call
from server import Server
from waiting import eventually
from worker_process import WorkerProcess

ITEMS = inputs("http-handler")
CANARY = "canary-7d1e"
TIMEOUT_SECONDS = 2
ONCE = {"retry": {"max_attempts": 1}}
REFUSED = ["SSRF-018", "SSRF-020", "SSRF-028", "SSRF-029", "SSRF-030", "SSRF-032", "SSRF-033",
           "SSRF-035"]
FORBIDDEN = ["SSRF-001", "SSRF-002", "SSRF-004", "SSRF-005", "SSRF-006", "SSRF-007", "SSRF-012",
             "SSRF-013", "SSRF-014", "SSRF-019"]
NAMES = ["SSRF-023", "SSRF-024"]
REDIRECTS = ["SSRF-025", "SSRF-026", "SSRF-027"]
CERTIFICATES = ["SSRF-036", "SSRF-037"]
ANSWERS = [name for name in ITEMS if name.startswith("HRES-")]


class Listener:
    """Accepts connections, counts them, and does with each what `answer(connection)` says."""

    def __init__(self, address="127.0.0.1", answer=lambda connection: None, context=None):
        self.socket = socket.create_server((address, 0), backlog=50)
        self.port = self.socket.getsockname()[1]
        self.connections = 0
        self._answer = answer
        self._context = context
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:  # closed
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            if self._context:
                connection = self._context.wrap_socket(connection, server_side=True)
            with connection:
                self._answer(connection)
        except (OSError, ssl.SSLError):
            pass

    def close(self):
        self.socket.close()


def read_request(connection):
    """A whole request, or nothing when the peer closed."""
    read = b""
    while b"\r\n\r\n" not in read:
        piece = connection.recv(65536)
        if not piece:
            return b""
        read += piece
    head, _, body = read.partition(b"\r\n\r\n")
    left = int(re.search(rb"content-length: (\d+)", head, re.IGNORECASE)[1]) - len(body)
    while left > 0:
        left -= len(connection.recv(65536))
    return read


def always(answer):
    """Sends these bytes for each request, and keeps the connection."""

    def serve(connection):
        while read_request(connection):
            connection.sendall(answer)

    return serve


@pytest.fixture(scope="module")
def server():
    with Server() as running:
        yield running


@pytest.fixture
def listener(request):
    started = []

    def start(*words, **options):
        started.append(Listener(*words, **options))
        return started[-1]

    yield start
    for one in started:
        one.close()


@pytest.fixture
def result_of(server, tmp_path, name):
    """What has come of one job for an endpoint, and the worker is well after it."""
    running = []

    def result_of(url, allow=(), before=(), jobs=1, timeout=TIMEOUT_SECONDS, **options):
        queue = name()
        config = f"""
        [handlers.call]
        http = {json.dumps(url)}
        allow_addresses = {json.dumps(list(allow))}
        headers = {{ Authorization = "${{HANDLER_TOKEN}}" }}
        timeout = "{timeout}s"
        """
        worker = WorkerProcess(
            tmp_path, server.admin_endpoint, config, "--queue", queue, "--concurrency", "1",
            env={"HANDLER_TOKEN": f"Bearer {CANARY}"}, log_path=tmp_path / "log", before=before,
        )
        running.append(worker)
        records = []
        for _ in range(jobs):
            job = {"type": "call", "payload": 1, **ONCE, **options}
            made = call(server, f"/v1/queues/{queue}/jobs", [job])[0]["id"]
            records.append(call(server, f"/v1/jobs/{made}/wait?timeout=30s"))
            assert worker.process.poll() is None, (tmp_path / "log").read_text()
            assert worker.get("/readyz")[0] == 200
            assert CANARY not in json.dumps(records) + (tmp_path / "log").read_text()
        return records[0] if jobs == 1 else records

    yield result_of
    for worker in running:
        code, _ = worker.end()
        assert code == 0


def at_port(url, port):
    """The URL with a port, so that what listens is ours."""
    scheme, _, rest = url.partition("://")
    end = re.search(r"[/#]", rest).start()
    return f"{scheme}://{rest[:end]}:{port}{rest[end:]}"


@pytest.mark.parametrize("item", REFUSED, ids=titled)
def test_a_url_that_can_only_be_a_trick_is_refused_at_once(item, tmp_path, listener):
    trap = listener()
    url = ITEMS[item]["url"].replace("127.0.0.1/", f"127.0.0.1:{trap.port}/")
    config = tmp_path / "tranter.toml"
    config.write_text(f"[handlers.call]\nhttp = {json.dumps(url)}\n")

    refused = tranter("work", "--config", str(config))

    assert refused.code == 2, refused
    assert "handlers.call.http" in refused.err
    assert trap.connections == 0


@pytest.mark.parametrize("item", FORBIDDEN, ids=titled)
def test_no_address_is_called_that_is_not_public_however_it_is_written(item, result_of, listener):
    trap = listener(answer=always(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
    url = ITEMS[item]["url"]
    if "169.254" not in url and "100.64" not in url and "fd00" not in url:
        url = at_port(url, trap.port)

    record = result_of(url)

    assert record["state"] == "dead"
    assert "may not be connected to" in record["reason"]
    assert trap.connections == 0


def with_file(path, file):
    """Words that run a command which sees one file in the place of another."""
    own = ["unshare", "--mount"] if os.getuid() == 0 else ["unshare", "--mount", "--map-root-user"]
    script = 'mount --bind "$1" "$2" && shift 2 && exec "$@"'
    words = [*own, "sh", "-c", script, "-", str(file), path]
    if subprocess.run([*words, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("the kernel gives us no mount namespace")
    return words


@pytest.mark.parametrize("item", NAMES, ids=titled)
def test_the_address_counts_that_a_name_leads_to(item, result_of, listener, tmp_path):
    trap = listener(answer=always(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
    open_one = listener("127.0.0.2", answer=lambda connection: None)
    open_one.close()
    host = ITEMS[item]["url"].replace("{{REBIND}}", "rebind.test")[7:].strip("/")
    hosts = tmp_path / "hosts"
    # A name with two addresses: the first may be called and does not answer, the second may not.
    both = f"127.0.0.2 {host}\n127.0.0.1 {host}\n"
    hosts.write_text(f"127.0.0.1 {host}\n" if item == "SSRF-023" else both)

    record = result_of(
        f"http://{host}:{trap.port}/", allow=["127.0.0.2/32"], before=with_file("/etc/hosts", hosts)
    )

    assert record["state"] == "dead"
    assert trap.connections == 0


def test_a_name_is_resolved_and_checked_again_for_each_connection(result_of, listener, tmp_path):
    answer = b"HTTP/1.1 503 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    first = listener("127.0.0.2", answer=lambda connection: (
        read_request(connection), hosts.write_text("127.0.0.1 rebind.test\n"),
        connection.sendall(answer)))
    trap = socket.create_server(("127.0.0.1", first.port))
    trap.setblocking(False)
    hosts = tmp_path / "hosts"
    hosts.write_text("127.0.0.2 rebind.test\n")
    words = with_file("/etc/hosts", hosts)

    for _ in range(2):  # two workers, of which the second knows nothing of the first answer
        url = f"http://rebind.test:{first.port}/"
        record = result_of(url, allow=["127.0.0.2/32"], before=words)
        assert record["state"] == "dead"

    assert first.connections == 1
    assert "may not be connected to" in record["reason"]
    with pytest.raises(BlockingIOError):
        trap.accept()
    trap.close()


@pytest.mark.parametrize("item", REDIRECTS, ids=titled)
def test_a_redirect_is_an_answer_and_not_followed(item, result_of, listener):
    trap = listener(answer=always(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
    place = ITEMS[item]["url"].partition("{{")[2].partition("}}")[0]
    target = {"REDIR302": f"http://127.0.0.1:{trap.port}/", "REDIRFILE": "file:///etc/passwd",
              "REDIRLOOP": "/"}[place]
    answer = f"HTTP/1.1 302 Found\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n".encode()
    endpoint = listener("127.0.0.2", answer=always(answer))

    record = result_of(f"http://127.0.0.2:{endpoint.port}/", allow=["127.0.0.2/32"])

    assert (record["state"], record["reason"]) == ("dead", "HTTP 302")
    assert (endpoint.connections, trap.connections) == (1, 0)


def openssl(folder, *words):
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)


def certificate(folder, name, begin="20200101000000Z", end="20991231235959Z"):
    """Signed by the authority in the folder; returns a context for servers."""
    openssl(folder, "req", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "r.pem",
            "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}")
    openssl(folder, "ca", "-batch", "-config", "ca.conf", "-in", "r.pem", "-out", "cert.pem",
            "-startdate", begin, "-enddate", end)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context


@pytest.fixture
def authority(tmp_path):
    """The only one that the worker trusts."""
    folder = tmp_path / "authority"
    folder.mkdir()
    for name in ("index.txt", "index.txt.attr"):
        (folder / name).write_text("")
    (folder / "serial").write_text("01\n")
    (folder / "ca.conf").write_text(
        "[ca]\ndefault_ca=own\n[own]\ndatabase=index.txt\nnew_certs_dir=.\nserial=serial\n"
        "certificate=ca.pem\nprivate_key=ca-key.pem\ndefault_md=sha256\npolicy=any\n"
        "copy_extensions=copy\nunique_subject=no\n[any]\ncommonName=supplied\n"
    )
    openssl(folder, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca-key.pem",
            "-out", "ca.pem", "-subj", "/CN=authority", "-days", "3650")
    return folder


@pytest.mark.parametrize("item", [*CERTIFICATES, "good"])
def test_a_certificate_has_to_be_right(item, result_of, listener, authority, tmp_path):
    context = {
        "SSRF-036": lambda: certificate(authority, "endpoint.test", end="20210101000000Z"),
        "SSRF-037": lambda: certificate(authority, "other.test"),
        "good": lambda: certificate(authority, "endpoint.test"),
    }[item]()
    answer = always(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n42")
    endpoint = listener(answer=answer, context=context)
    hosts = tmp_path / "hosts"
    hosts.write_text("127.0.0.1 endpoint.test\n")
    trusted = with_file("/etc/ssl/certs/ca-certificates.crt", authority / "ca.pem")
    inner = ["sh", "-c", 'mount --bind "$1" /etc/hosts && shift && exec "$@"', "-", str(hosts)]

    record = result_of(
        f"https://endpoint.test:{endpoint.port}/", allow=["127.0.0.1/32"], before=[*trusted, *inner]
    )

    if item == "good":
        assert (record["state"], record["result"]) == ("completed", 42), record
    else:
        assert record["state"] == "dead"
        assert re.search("certificate|subject", record["failures"][-1]["text"]), record


def raw_answer(item):
    """What a listener sends for an item."""
    text = ITEMS[item]["raw"]
    if item == "HRES-001":
        def endless(connection):
            read_request(connection)
            connection.sendall(text.partition("{{")[0].encode())
            while True:
                connection.sendall(b"a" * 65536)
        return endless
    if item == "HRES-003":
        def slow(connection):
            read_request(connection)
            connection.sendall(b"HTTP/1.1 200 OK\r\n")
            while True:
                connection.sendall(b"X")
                time.sleep(0.2)
        return slow
    if item == "HRES-006":
        bytes_ = b"HTTP/1.1 100 Continue\r\n\r\n" * 1_000_000
    elif item == "HRES-010":
        bytes_ = random.Random(item).randbytes(1000)
    else:
        bytes_ = text.encode()

    def once(connection):
        read_request(connection)
        connection.sendall(bytes_)

    return once


# how an attempt ends, and what is said about it
EXPECTED = {
    "HRES-001": ("failed", "more than 262144 bytes"),
    "HRES-003": ("failed", "timed out|longer than its timeout"),
    "HRES-004": (None, ""),
    "HRES-005": (None, ""),
    "HRES-006": ("failed", ""),
    "HRES-007": ("failed", "HTTP 503"),
    "HRES-008": ("failed", "HTTP 503"),
    "HRES-009": ("dead", "HTTP 410"),
    "HRES-010": ("failed", ""),
    "HRES-011": ("failed", ""),
    "HRES-012": ("completed", ""),
}


@pytest.mark.parametrize("item", ANSWERS, ids=titled)
def test_a_hostile_answer_ends_the_attempt_in_time(item, result_of, listener):
    endpoint = listener(answer=raw_answer(item))
    begun = time.monotonic()

    record = result_of(f"http://127.0.0.1:{endpoint.port}/", allow=["127.0.0.1/32"])

    assert time.monotonic() - begun < TIMEOUT_SECONDS + 10
    how, says = EXPECTED[item]
    assert record["state"] == ("completed" if how == "completed" else "dead")
    if how == "failed":
        assert re.search(says, record["failures"][-1]["text"]), record
    if how == "dead":
        assert says in record["reason"]
    if item == "HRES-012":
        assert record.get("result") is None


@pytest.mark.parametrize("item", ["HRES-007", "HRES-008"])
def test_a_retry_after_is_taken_within_reason(item, server, tmp_path, name, listener):
    endpoint = listener(answer=raw_answer(item))
    config = f"""
    [handlers.call]
    http = "http://127.0.0.1:{endpoint.port}/"
    allow_addresses = ["127.0.0.1/32"]
    """
    queue = name()
    worker = WorkerProcess(tmp_path, server.admin_endpoint, config, "--queue", queue,
                           log_path=tmp_path / "log")
    made = call(server, f"/v1/queues/{queue}/jobs", [{"type": "call"}])[0]["id"]

    def failed():
        found = call(server, f"/v1/jobs/{made}")
        return found if found["state"] == "failed" else None

    try:
        record = eventually(failed, seconds=30)
    finally:
        code, _ = worker.end()
    assert code == 0
    due = datetime.fromisoformat(record["run_at"])
    assert due <= datetime.now(timezone.utc) + timedelta(days=1)


def test_what_comes_after_an_answer_is_no_answer_to_the_next_request(result_of, listener):
    endpoint = listener(answer=always(ITEMS["HRES-012"]["raw"].encode()))

    records = result_of(f"http://127.0.0.1:{endpoint.port}/", allow=["127.0.0.1/32"], jobs=3)

    for record in records:
        assert "hello" not in json.dumps(record.get("result"))


def test_no_item_is_forgotten():
    tested = REFUSED + FORBIDDEN + NAMES + REDIRECTS + CERTIFICATES + list(EXPECTED)
    assert sorted(tested) == sorted(ITEMS)

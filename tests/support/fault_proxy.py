"""A proxy for HTTP/1.1 that breaks connections at the moments that a test chooses."""

import collections
import contextlib
import select
import socket
import struct
import threading
import time

# What can become of a request, in the order in which things happen to it.
CUTS = {
    "unsent": "the connection is reset before anything of the request was passed on",
    "half a request": "half of the request is passed on, then both connections are reset",
    "no answer": "the server does it, and its answer is lost",
    "half an answer": "the server does it, and half of its answer arrives",
}
ERRORS = {"500": "an error of something in between", "503": "the same, that may go away"}
SILENCE = "silence"  # nothing is passed on, and the connection stays open
SLOW = "slow"  # the answer comes in small pieces, over a second
PIECES = 20


def name_of(request):
    head = request.split(b"\r\n\r\n")[0].decode()
    for line in head.lower().split("\r\n"):
        if line.startswith("x-amz-target:"):
            return line.rsplit(".", 1)[-1]
    return head.split(" ", 2)[1].split("?")[0].rsplit("/", 1)[-1]


class _Gone(Exception):
    """A peer has closed or reset its connection."""


class _Connection:
    """A socket from which whole HTTP messages are read."""

    def __init__(self, sock):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = sock
        self._rest = b""

    def _more(self):
        piece = self.sock.recv(1 << 16)
        if not piece:
            raise _Gone
        self._rest += piece

    def message(self):
        """Head and content, which has a Content-Length or is empty."""
        while b"\r\n\r\n" not in self._rest:
            self._more()
        head_size = self._rest.index(b"\r\n\r\n") + 4
        size = head_size
        for line in self._rest[:head_size].lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                size += int(line.split(b":")[1])
        while len(self._rest) < size:
            self._more()
        message, self._rest = self._rest[:size], self._rest[size:]
        return message

    def send(self, data):
        self.sock.sendall(data)

    def reset(self):
        with contextlib.suppress(OSError):
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self):
        # Also ends a recv() of another thread, which close() alone does not.
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()


class FaultProxy:
    """Listens on a loopback port and passes requests on to `host:port`.

    `choose` is called with the name of each call, by any thread: the last word of its path, or the
    action of the SQS API in lower case. It returns one of the faults above, or None. `happened` counts
    (name, fault)."""

    def __init__(self, host, port, choose=lambda name: None):
        self._target = (host, port)
        self.choose = choose
        self.happened = collections.Counter()
        self._lock = threading.Lock()
        self._talks = set()  # pairs of connections
        self._cuts = 0  # so often all of them were reset
        self._listener = None
        self.port = 0
        self.listen()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def listen(self):
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=256)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def refuse(self):
        """Until listen(): connections are refused, and those that are open are reset."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def cut(self):
        """Resets all connections, whatever goes on."""
        with self._lock:
            self._cuts += 1
            talks = list(self._talks)
        for connection in [one for talk in talks for one in talk if one]:
            connection.reset()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.refuse()

    def _accept(self, listener):
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            with self._lock:
                cuts = self._cuts
            threading.Thread(target=self._serve, args=(sock, cuts), daemon=True).start()

    def _serve(self, sock, cuts):
        client = _Connection(sock)
        upstream = None
        talk = (client, None)
        try:
            while True:
                request = client.message()
                if upstream is None:
                    upstream = _Connection(socket.create_connection(self._target))
                    with self._lock:
                        self._talks.discard(talk)
                        talk = (client, upstream)
                        self._talks.add(talk)
                        if self._cuts != cuts:  # meanwhile, when it was not known yet
                            raise _Gone
                self._pass_on(client, upstream, request)
        except (_Gone, OSError, ValueError):
            client.reset()
        finally:
            with self._lock:
                self._talks.discard(talk)
            client.close()
            if upstream:
                upstream.close()

    def _pass_on(self, client, upstream, request):
        name = name_of(request)
        fault = self.choose(name)
        if fault is None:
            upstream.send(request)
            client.send(self._answer(client, upstream))
            return
        with self._lock:
            self.happened[name, fault] += 1
        self._spoil(fault, client, upstream, request)
        if fault in CUTS:
            upstream.reset()
            raise _Gone

    def _spoil(self, fault, client, upstream, request):
        if fault == "half a request":
            upstream.send(request[: len(request) // 2])
        elif fault == "no answer":
            upstream.send(request)
            self._answer(client, upstream)
        elif fault == "half an answer":
            upstream.send(request)
            answer = self._answer(client, upstream)
            client.send(answer[: len(answer) // 2])
        elif fault in ERRORS:
            client.send(f"HTTP/1.1 {fault} Broken\r\nContent-Length: 0\r\n\r\n".encode())
        elif fault == SLOW:
            upstream.send(request)
            answer = self._answer(client, upstream)
            step = len(answer) // PIECES + 1
            for begin in range(0, len(answer), step):
                time.sleep(1 / PIECES)
                client.send(answer[begin : begin + step])
        elif fault == SILENCE:
            while client.sock.recv(1 << 16):
                pass
            raise _Gone

    @staticmethod
    def _answer(client, upstream):
        """A client that closes its half takes the answer still, so the server is told."""
        watched = [client.sock, upstream.sock]
        while True:
            ready = select.select(watched, [], [])[0]
            if upstream.sock in ready:
                return upstream.message()
            if client.sock.recv(1, socket.MSG_PEEK):
                raise _Gone  # a second request before the first was answered
            upstream.sock.shutdown(socket.SHUT_WR)
            watched.remove(client.sock)

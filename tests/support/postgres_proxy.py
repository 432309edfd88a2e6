"""A proxy for PostgreSQL's protocol that drops connections at the message that a test chooses."""

import contextlib
import socket
import struct
import threading

# What becomes of the message.
BEFORE = "before"  # the server never gets it
AFTER = "after"  # the server does it, and its answer is lost


class PostgresProxy:
    """Listens on a loopback port and passes on to the server's socket `path`.

    `choose(number)` is called for each message of a client, by any thread, and gives BEFORE, AFTER or
    None. The startup message of each connection is number 0."""

    def __init__(self, path, choose=lambda number: None):
        self._path = path
        self.choose = choose
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        server = socket.socket(socket.AF_UNIX)
        # Nothing of an answer may pass once its question has come whose answer is to be lost.
        muted = threading.Event()
        try:
            server.connect(self._path)
            answers = threading.Thread(target=_copy, args=(server, client, muted), daemon=True)
            answers.start()
            for number, message in enumerate(_messages(client)):
                moment = self.choose(number)
                if moment:
                    self._cut(moment, server, message, muted)
                    return
                server.sendall(message)
        except OSError:
            pass
        finally:
            _reset(client)
            _reset(server)

    @staticmethod
    def _cut(moment, server, message, muted):
        if moment == BEFORE:
            return
        muted.set()
        # A half that is closed ends the conversation, but only after what was asked in it.
        with contextlib.suppress(OSError):
            server.sendall(message + b"S" + struct.pack("!i", 4))
            server.shutdown(socket.SHUT_WR)
            server.settimeout(30)
            while server.recv(1 << 16):
                pass


def _copy(server, client, muted):
    with contextlib.suppress(OSError):
        while piece := server.recv(1 << 16):
            if muted.is_set():
                return
            client.sendall(piece)
        client.shutdown(socket.SHUT_RDWR)


def _messages(sock):
    """What a client sends: a startup message without a type first."""
    rest, head = b"", 0
    while True:
        while len(rest) < head + 4 or len(rest) < head + struct.unpack_from("!i", rest, head)[0]:
            piece = sock.recv(1 << 16)
            if not piece:
                return
            rest += piece
        size = head + struct.unpack_from("!i", rest, head)[0]
        yield rest[:size]
        rest, head = rest[size:], 1


def _reset(sock):
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
    sock.close()

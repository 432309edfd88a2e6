"""A program in a terminal of its own, and what stands on the screen."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

from command_line import clean_environment
from server import binary

SECONDS = 60
SEQUENCE = re.compile(r"\x1b\[([?0-9;]*)([A-Za-z])")


class Screen:
    """As much of a terminal as our live views use; anything else is an error."""

    def __init__(self, rows, columns):
        self.size(rows, columns)
        self.alternate = self.hidden_cursor = False
        self._rest = ""

    def size(self, rows, columns):
        self.rows, self.columns = rows, columns
        self.lines = [[" "] * columns for _ in range(rows)]
        self.row = self.column = 0
        # What was written for another size may still be under way; a new size begins with a clear.
        self.is_settled = False

    def text(self):
        return "\n".join("".join(line).rstrip() for line in self.lines)

    def feed(self, text):
        text = self._rest + text
        self._rest = ""
        at = 0
        while at < len(text):
            if text[at] != "\x1b":
                self._put(text[at])
                at += 1
                continue
            found = SEQUENCE.match(text, at)
            if not found:
                assert len(text) - at < 32, f"no sequence of ours: {text[at:at + 40]!r}"
                self._rest = text[at:]
                return
            self._obey(found[1], found[2])
            at = found.end()

    def _put(self, letter):
        if not self.alternate:
            return
        assert letter.isprintable(), repr(letter)
        if self.row < self.rows and self.column < self.columns:
            self.lines[self.row][self.column] = letter
        else:
            assert not self.is_settled, (self.row, self.column, letter)
        self.column += 1

    def _obey(self, numbers, command):
        if command in "hl":
            if numbers == "?1049":
                self.alternate = command == "h"
            elif numbers == "?25":
                self.hidden_cursor = command == "l"
            else:
                raise AssertionError(f"mode {numbers}")
        elif command == "H":
            row, column = ([int(n) for n in numbers.split(";")] + [1, 1])[:2]
            self.row, self.column = row - 1, column - 1
        elif command == "K":
            assert self.row < self.rows or not self.is_settled
            if self.row < self.rows:
                self.lines[self.row][self.column :] = [" "] * (self.columns - self.column)
        elif command == "J":
            assert numbers == "2"
            self.lines = [[" "] * self.columns for _ in range(self.rows)]
            self.is_settled = True
        else:
            assert command == "m", command


class Terminal:
    """`tranter WORDS...` in a terminal; what it shows is read by until() and finish()."""

    def __init__(self, *words, rows=24, columns=80, env=None, **options):
        self.controller, terminal = pty.openpty()
        self.screen = Screen(rows, columns)
        self.shown = ""
        self._set_size(rows, columns)
        self.before = termios.tcgetattr(terminal)
        self.process = subprocess.Popen(
            [str(binary()), *words],
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            env=clean_environment(TERM="xterm-256color", **(env or {})),
            **options,
        )
        self.terminal = terminal

    def _set_size(self, rows, columns):
        fcntl.ioctl(self.controller, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def resize(self, rows, columns):
        self.screen.size(rows, columns)
        self._set_size(rows, columns)
        # Only the foreground group of a controlling terminal is told by the kernel.
        self.process.send_signal(signal.SIGWINCH)

    def type(self, text):
        os.write(self.controller, text.encode())

    def _read(self, seconds):
        if not select.select([self.controller], [], [], seconds)[0]:
            return False
        piece = os.read(self.controller, 65536).decode(errors="replace")
        self.shown += piece
        self.screen.feed(piece)
        return True

    def until(self, condition):
        """Waits until it holds for what stands on the screen: a text that is there, or a call."""
        deadline = time.monotonic() + SECONDS
        holds = condition if callable(condition) else lambda text: condition in text
        while not holds(self.screen.text()):
            assert time.monotonic() < deadline, self.screen.text()
            assert self.process.poll() is None, self.screen.text()
            self._read(0.2)
        return self.screen.text()

    def finish(self):
        """The exit code, once the program has ended."""
        while self.process.poll() is None:
            self._read(0.2)
        while self._read(0):
            pass
        return self.process.returncode

    def is_restored(self):
        """As it was before the program used it."""
        now = termios.tcgetattr(self.terminal)
        return now == self.before and not self.screen.alternate and not self.screen.hidden_cursor

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.terminal)
        os.close(self.controller)

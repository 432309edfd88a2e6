"""Waiting for a condition, with a deadline, instead of sleeping for a guessed time."""

import threading
import time


def eventually(condition, seconds=10, pause=0.02):
    """The first true value of condition(); AssertionError when it stays false."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"still {value!r} after {seconds} s")
        time.sleep(pause)


class Background:
    """Runs one call in a thread; `result()` joins it and passes on what it raised."""

    def __init__(self, function, *args, **kwargs):
        self._value = None
        self._error = None
        self._thread = threading.Thread(target=self._run, args=(function, args, kwargs))
        self._thread.daemon = True
        self._thread.start()

    def _run(self, function, args, kwargs):
        try:
            self._value = function(*args, **kwargs)
        except BaseException as error:  # passed on to whoever asks for the result
            self._error = error

    def is_running(self):
        return self._thread.is_alive()

    def result(self, seconds=30):
        self._thread.join(seconds)
        assert not self._thread.is_alive(), f"no answer after {seconds} s"
        if self._error is not None:
            raise self._error
        return self._value

"""One journal of what handlers did and of the accidents that happened meanwhile, and what it proves."""

import collections
import contextlib
import itertools
import os
import pathlib
import subprocess

PROGRAMS = pathlib.Path(__file__).parent.parent / "e2e" / "chaos"


class Journal:
    """One file that all append to, so that its lines have one order."""

    def __init__(self, path):
        self.path = path
        self._file = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)

    def note(self, line):
        os.write(self._file, f"{line}\n".encode())

    @contextlib.contextmanager
    def accident(self, what):
        self.note(f"begin {what}")
        yield
        self.note(f"end {what}")

    def lines(self):
        return [line.split() for line in self.path.read_text().splitlines()]


class Producer:
    """Sends jobs; what was acknowledged stands in a file."""

    def __init__(self, process, path):
        self.process = process
        self._path = path

    def finish(self):
        """({id: number} of what was acknowledged, requests that were repeated)."""
        assert self.process.wait(120) == 0
        *lines, last = self._path.read_text().splitlines()
        sent = {identity: int(number) for number, identity in map(str.split, lines)}
        return sent, int(last.split()[1])


class Report:
    """What the journal says."""

    def __init__(self, lines):
        self.effects = []  # (position, type, number, id, attempt)
        self._open = collections.defaultdict(list)
        self.accidents = []  # (begin, end)
        for position, (kind, *words) in enumerate(lines):
            if kind == "effect":
                job_type, number, identity, attempt = words
                self.effects.append((position, job_type, int(number), identity, int(attempt)))
            elif kind == "begin":
                self._open[tuple(words)].append(position)
            else:
                self.accidents.append((self._open[tuple(words)].pop(), position))
        self.by_id = collections.defaultdict(list)
        for effect in self.effects:
            self.by_id[effect[3]].append(effect)

    def duplicates(self):
        """Pairs of an effect and the next of the same job."""
        return [pair for of_job in self.by_id.values() for pair in itertools.pairwise(of_job)]

    def unexplained(self):
        return [
            (first, second) for first, second in self.duplicates()
            if not any(begin < second[0] and end > first[0] for begin, end in self.accidents)
        ]

    def repeated_attempts(self):
        """Two effects of one attempt."""
        return [pair for pair in self.duplicates() if pair[0][4] == pair[1][4]]


def produce(url, path, first, count, per_second, types):
    """A program that sends jobs to an SQS queue with the SDK of AWS."""
    words = ["node", PROGRAMS / "producer.mjs", url, first, count, per_second, *types]
    # A pipe would be full before anybody reads it.
    with open(path, "w") as sent:
        process = subprocess.Popen([str(word) for word in words], stdout=sent)
    return Producer(process, path)

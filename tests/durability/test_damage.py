"""Flipped bits, missing files and cut tails: refused with file and offset, or cut as a torn tail;
never a body that nobody sent, and `--repair` serves what is intact and says what it lost."""

import pathlib
import random
import re
import shutil

import pytest
from checker import check
from clients import Client
from history import History
from store import SEED, Store, rounds
from traffic import drain

MESSAGES = 120  # of 20 KB on average, so that there are several segments of 1 MiB


class Original:
    """A stopped store with known content, and copies of it to break."""

    def __init__(self, home):
        self.home = pathlib.Path(home)
        self.store = Store(self.home / "original")
        self.history = History()
        client = Client(self.history, "p", SEED)
        client.connect(self.store.start())
        client.create_queue("q")
        for _ in range(MESSAGES):
            key, body, _ = client.new_message()
            client.send("q", [(key, f"{body}{'z' * 18_000}", {})])
        client.close()
        self.store.kill()
        self.segments = sorted(
            path.name for path in self.store.directory.iterdir()
            if path.stat().st_size > 1024 * 512
        )
        assert len(self.segments) >= 3, self.segments
        self._copies = 0

    def copy(self):
        self._copies += 1
        directory = self.home / f"copy-{self._copies}"
        shutil.copytree(self.store.directory, directory)
        return Store(directory)


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    return Original(tmp_path_factory.mktemp("damage"))


def flip(path, offset, bit=0):
    content = bytearray(path.read_bytes())
    content[offset] ^= 1 << bit
    path.write_bytes(content)


def used_bytes(path):
    """Without the zeros that the file has grown ahead."""
    return len(path.read_bytes().rstrip(b"\0"))


def served(original, store, *flags):
    """What a start delivers: violations other than loss, the number of lost messages, the log."""
    history = History()
    history.operations = list(original.history.operations)
    server = store.start(*flags)
    drain(history, server, ["q"])
    log = server.log()
    store.stop()
    violations = check(history)
    lost = [one for one in violations if one.rule == "lost"]
    return [one for one in violations if one.rule != "lost"], len(lost), log


def check_refused(store, name):
    code, said = store.refusal()
    assert code == 1, said
    assert str(store.directory / name) in said or name in said, said
    assert re.search(r"offset \d+", said), said
    return said


def test_an_undamaged_copy_is_served_whole(original):
    assert served(original, original.copy())[:2] == ([], 0)


def test_a_flipped_bit_in_a_closed_segment_is_refused_and_repaired(original):
    chance = random.Random(SEED)
    for _ in range(rounds(8)):
        store = original.copy()
        name = chance.choice(original.segments[:-1])
        path = store.directory / name
        offset = chance.randrange(used_bytes(path))
        flip(path, offset, chance.randrange(8))

        said = check_refused(store, name)

        assert "--repair" in said, said
        named = int(re.search(r"offset (\d+)", said)[1])
        assert named <= offset
        others, lost, log = served(original, store, "--repair")
        assert others == []
        assert lost <= 1, f"bit at {offset} of {name}"
        assert name in log and "lost" in log, log
        assert served(original, store)[0] == []


def test_many_flipped_bits_never_deliver_a_wrong_body(original):
    chance = random.Random(SEED)
    store = original.copy()
    for name in original.segments[:-1]:
        path = store.directory / name
        for _ in range(10):
            flip(path, chance.randrange(used_bytes(path)), chance.randrange(8))
    check_refused(store, original.segments[0])

    others, lost, _ = served(original, store, "--repair")

    assert others == []
    assert 0 < lost <= 10 * len(original.segments[:-1])


@pytest.mark.parametrize("place", [0.1, 0.5, 0.999], ids=["start", "middle", "end"])
def test_a_truncated_closed_segment_is_refused_and_repaired(original, place):
    store = original.copy()
    name = original.segments[0]
    path = store.directory / name
    with open(path, "r+b") as file:
        file.truncate(int(used_bytes(path) * place))

    code, said = store.refusal()

    assert code == 1 and name in said and "offset" in said, said
    others, lost, _ = served(original, store, "--repair")
    assert others == []
    assert lost < MESSAGES / 2


def test_a_missing_segment_is_refused_and_repaired(original):
    store = original.copy()
    name = original.segments[1]
    (store.directory / name).unlink()

    code, said = store.refusal()

    assert code == 1 and name in said and "missing" in said, said
    others, lost, _ = served(original, store, "--repair")
    assert others == []
    assert 0 < lost < MESSAGES


def test_two_swapped_segments_are_refused(original):
    store = original.copy()
    first, second = (store.directory / name for name in original.segments[:2])
    first.rename(store.directory / "aside")
    second.rename(first)
    (store.directory / "aside").rename(second)

    check_refused(store, first.name)


def test_a_segment_of_another_store_is_refused(original, tmp_path):
    other = Original(tmp_path)
    store = original.copy()
    name = original.segments[0]
    shutil.copy(other.store.directory / name, store.directory / name)

    check_refused(store, name)


def test_a_missing_or_damaged_identity_is_refused(original):
    for damage in (lambda path: path.unlink(), lambda path: flip(path, 10)):
        store = original.copy()
        damage(store.directory / "store")

        code, said = store.refusal()

        assert code == 1 and str(store.directory / "store") in said, said


def test_a_tail_cut_anywhere_is_reported_and_what_is_before_it_served(original):
    chance = random.Random(SEED)
    for _ in range(rounds(5)):
        store = original.copy()
        path = sorted(store.directory.glob("*.seg"))[-1]
        used = used_bytes(path)
        with open(path, "r+b") as file:
            file.truncate(chance.randrange(used // 2, used))

        others, lost, log = served(original, store)

        assert others == []
        assert lost >= 1
        assert path.name in log, log


def test_garbage_at_the_end_is_cut(original):
    chance = random.Random(SEED)
    for size in (1, 100, 5000):
        store = original.copy()
        path = sorted(store.directory.glob("*.seg"))[-1]
        used = used_bytes(path)
        with open(path, "r+b") as file:
            file.seek(-(-used // 512) * 512)
            file.write(chance.randbytes(size))

        others, lost, _ = served(original, store)

        assert (others, lost) == ([], 0)


def test_a_flipped_bit_in_the_newest_segment_is_refused_or_cut_but_never_served(original):
    chance = random.Random(SEED)
    for _ in range(rounds(8)):
        store = original.copy()
        path = sorted(store.directory.glob("*.seg"))[-1]
        offset = chance.randrange(used_bytes(path))
        flip(path, offset, chance.randrange(8))

        code_or_none = refusal_or_none(store)

        if code_or_none is not None:
            assert code_or_none[0] == 1 and path.name in code_or_none[1]
        others, lost, _ = served(original, store, "--repair")
        assert others == []
        assert lost <= 1, f"bit at {offset} of {path.name}"


def refusal_or_none(store):
    """A torn tail is cut without being asked for."""
    try:
        store.start()
    except RuntimeError:
        return store.refusal()
    store.stop()
    return None

"""A real file system that fills up: sends are refused in time, and accepted again by themselves."""

import pytest
from clients import Client
from history import History
from store import SEED, Store, judge
from tools import admin, free_bytes, leave_free, small_disk
from traffic import drain
from waiting import eventually

MEBIBYTE = 1024 * 1024
TMPFS = 64 * MEBIBYTE
RESERVE = 2 * MEBIBYTE  # two segments, which the server keeps free for deletes and compaction


@pytest.fixture
def mount(tmp_path):
    with small_disk(tmp_path / "mount", TMPFS) as path:
        yield path


class Shop:
    """A client with large messages."""

    def __init__(self, store):
        self.history = History()
        self.client = Client(self.history, "p", SEED)
        self.client.connect(store.start())
        self.client.create_queue("q")
        self.client.create_queue("other")
        self.filler = "x" * 100_000

    def send(self):
        key, body, _ = self.client.new_message()
        return self.client.send("q", [(key, body + self.filler, {})])[0]

    def sends_until_refused(self):
        count = 0
        while (refused := self.send()).outcome == "ok":
            count += 1
        return count, refused


def test_a_disk_that_fills_up_refuses_sends_before_the_log_is_stuck(mount):
    store = Store(mount / "data")
    shop = Shop(store)
    leave_free(mount, RESERVE + 8 * MEBIBYTE)

    accepted, refused = shop.sends_until_refused()

    assert accepted > 10
    assert refused.status >= 400, refused.result
    assert "space" in refused.text or "full" in refused.text, refused.result
    assert free_bytes(mount) > RESERVE / 2
    messages = shop.client.receive("q", 30, 10)
    assert len(messages) == 10
    assert shop.client.change_visibility("q", messages[0], 60).outcome == "ok"
    assert {one.outcome for one in shop.client.delete("q", messages)} == {"ok"}
    assert shop.client.purge("other").outcome == "ok"
    status, text = admin(store.server, "/readyz")
    assert status == 200 and "free" in text, text

    (mount / "ballast").unlink()
    eventually(lambda: shop.send().outcome == "ok")

    store.kill()
    shop.client.connect(store.start())
    drain(shop.history, store.server, ["q"])
    judge(shop.history, "disk-full")
    store.stop()


def test_a_server_starts_on_a_nearly_full_disk_and_empties_its_queues(mount):
    store = Store(mount / "data")
    shop = Shop(store)
    for _ in range(100):
        assert shop.send().outcome == "ok"
    store.kill()
    leave_free(mount, RESERVE * 3 // 4)

    shop.client.connect(store.start())

    assert shop.send().outcome != "ok"
    drain(shop.history, store.server, ["q"])
    judge(shop.history, "nearly-full")
    store.stop()


def test_a_start_without_any_space_says_so_and_loses_nothing(mount):
    store = Store(mount / "data")
    shop = Shop(store)
    for _ in range(30):
        assert shop.send().outcome == "ok"
    store.kill()
    leave_free(mount, 0)

    code, said = store.refusal()

    assert code == 1
    assert str(store.directory) in said and "space" in said.lower(), said
    (mount / "ballast").unlink()
    shop.client.connect(store.start())
    drain(shop.history, store.server, ["q"])
    judge(shop.history, "no-space")
    store.stop()

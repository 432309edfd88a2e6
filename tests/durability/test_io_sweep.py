"""Power cut before each single I/O call of a short life: every acknowledged step survives."""

import random
import shutil

import pytest
from clients import Client, Gone
from history import History
from store import FACTOR, SEED, Store, judge
from tools import LosingDirectory
from traffic import drain, redrive_policy

CALLS = 120
PARTS = 3  # which may run side by side
QUEUES = ["work", "work-dead", "ledger.fifo", "scrap"]


def script(client):
    """A little of everything; every step waits for the one before."""
    for queue in QUEUES:
        client.create_queue(queue, **({"FifoQueue": "true"} if queue.endswith(".fifo") else {}))
    client.set_attribute("work", "RedrivePolicy", redrive_policy("work-dead", 1))
    for number in range(40):
        client.send("work", [client.new_message()])
        client.send("work", [client.new_message() for _ in range(3)])
        client.send("ledger.fifo", [client.new_message() for _ in range(2)], f"g{number % 2}")
        client.send("scrap", [client.new_message()])
        got = client.receive("work", 0, 2)
        if got:
            client.delete("work", got[:1])
        in_order = client.receive("ledger.fifo", 1, 1)
        if in_order:
            client.change_visibility("ledger.fifo", in_order[0], 0)
            client.delete("ledger.fifo", client.receive("ledger.fifo", 1, 1))
        client.receive("work-dead", 0, 1)
        if number % 3 == 2:
            client.purge("scrap")
        client.set_attribute("work", "MessageRetentionPeriod", str(4000 + number))
        client.tag("work", "number", str(number))
    for queue in QUEUES:
        client.queue_exists(queue)


def live_until_killed(store, history, environment, seed):
    server = store.start_to_die(environment)
    if server is None:
        return
    client = Client(history, f"script-{seed}", seed)
    client.connect(server)
    try:
        script(client)
    except Gone:
        pass
    client.close()
    store.kill()


def settings_survived(history, server):
    client = Client(history, "after", 0)
    client.connect(server)
    for queue in QUEUES:
        client.queue_exists(queue)
    for name in ("MessageRetentionPeriod", "RedrivePolicy"):
        client.get_attribute("work", name)
    client.get_tag("work", "number")
    client.close()


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("lives", [1, 2], ids=["first-start", "second-start"])
def test_a_power_cut_before_any_io_call_loses_nothing_acknowledged(tmp_path, lives, part):
    chance = random.Random(f"{SEED} {lives} {part}")
    cuts = 0  # that took something away
    for call in range(1 + part, round(CALLS * FACTOR) + 1, PARTS):
        home = tmp_path / str(call)
        home.mkdir()
        disk = LosingDirectory(home)
        store = Store(disk.directory)
        history = History()
        accidents = []
        for life in range(lives):
            last = life == lives - 1
            seed = chance.choice([None, chance.randrange(2**32), chance.randrange(2**32)])
            kill_at = call if last else chance.randint(40, 90)
            live_until_killed(store, history, disk.environment(kill_at), f"{call}-{life}")
            accidents.append(history.begin("power"))
            cuts += disk.cut_power(seed) > 0
        store.start()
        for accident in accidents:
            accident.ok()

        settings_survived(history, store.server)
        drain(history, store.server, QUEUES)
        judge(history, f"{SEED}-{lives}-{call}", f"power cut before call {call}, seed {seed}")
        store.kill()
        shutil.rmtree(home)

    assert cuts > CALLS / PARTS / 4

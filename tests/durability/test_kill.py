"""SIGKILL at random moments under load: nothing is lost, and nothing comes back."""

import random
import shutil

import pytest
from checker import check
from clients import Client
from history import History
from store import SEED, SMALL_SEGMENTS, Store, Trial, rounds
from traffic import create_queues, drain


# So little that most messages wait in the log only, and are read from there.
LITTLE_MEMORY = SMALL_SEGMENTS + 'memory_limit = "4MiB"\n'


@pytest.mark.parametrize(
    "durability, config, kills",
    [("sync", SMALL_SEGMENTS, 60), ("os", SMALL_SEGMENTS, 25), ("sync", LITTLE_MEMORY, 15)],
    ids=["sync", "os", "little-memory"],
)
def test_kill_9_under_load_loses_and_resurrects_nothing(tmp_path, durability, config, kills):
    chance = random.Random(SEED)
    store = Store(tmp_path / "data", durability=durability, config=config)
    trial = Trial(store, SEED)
    trial.begin()

    for _ in range(rounds(kills)):

        def strike():
            store.kill()
            for _ in range(chance.choice([0, 0, 0, 1, 2])):
                store.start_and_kill(chance.uniform(0, 0.03))

        trial.round("kill", chance.uniform(0.02, 0.4), strike)

    trial.judge()
    store.stop()


def test_a_clean_stop_under_load_loses_and_resurrects_nothing(tmp_path):
    store = Store(tmp_path / "data")
    trial = Trial(store, SEED)
    trial.begin()

    for _ in range(rounds(3)):
        trial.round("kill", 0.3, store.stop)

    trial.judge()
    store.stop()


def test_a_server_that_forgets_is_found_out(tmp_path):
    """The trial itself would notice."""
    store = Store(tmp_path / "data", durability="none")
    trial = Trial(store, SEED)
    trial.begin()
    trial.round("kill", 0.3, store.kill)
    create_queues(History(), store.server)

    drain(trial.history, store.server)

    assert "lost" in {violation.rule for violation in check(trial.history)}
    store.stop()


def test_a_stop_while_the_log_is_compacted_ends_the_process(tmp_path):
    full = Store(tmp_path / "full")
    client = Client(History(), "p", SEED)
    client.connect(full.start())
    client.create_queue("q")
    for _ in range(400):
        key, body, _ = client.new_message()
        client.send("q", [(key, f"{body}{'z' * 18_000}", {})])
    client.purge("q")
    full.kill()

    for number in range(15):
        directory = tmp_path / str(number)
        shutil.copytree(full.directory, directory)
        store = Store(directory)
        store.start()
        store.stop()

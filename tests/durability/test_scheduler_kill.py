"""Three schedulers on one store that are killed, stopped or cut off between any two of their steps:
each slot becomes one job. TRANTER_DURABILITY_FACTOR=20 makes it 10,000 slots of each kind."""

import contextlib
import json
import random
import signal
import sqlite3
import time
import uuid
from collections import Counter

import pytest
from command_line import ok
from dead_letters import fauxqs
from jobs import call, receive
from killpoints import KINDS, Fleet, Minutely, schedule_and_slot
from postgres_server import PostgresServer
from server import Server
from store import SEED, rounds

SCHEDULES = 20
SLOTS = rounds(25)
MINUTE = 60


@pytest.fixture(scope="module")
def postgres():
    server = PostgresServer()
    yield server
    server.end()


@pytest.fixture(params=["file", "postgres"])
def store(request, tmp_path):
    if request.param == "file":
        return f"file:{tmp_path}"
    return request.getfixturevalue("postgres").new_database()


@pytest.fixture
def database(postgres):
    return postgres.new_database()


class Sweep:
    """Moves the clock from slot to slot, and strikes each time at another point of the work."""

    def __init__(self, fleet, slots):
        self.fleet = fleet
        self.left = slots
        self.chance = random.Random(SEED)
        self.struck = Counter()  # where
        self.order = []
        groups = [(KINDS, 5 / 4), (("sync",), 1), (("network",), 1)]
        self.points = self.points_of_a_firing(groups)

    def points_of_a_firing(self, wanted):
        """How many of which kinds: the most that one of them passes in a minute in which nothing
        happens to it, and some more for what others have left."""
        self.minute()
        begin = [[one.passed(kinds) for kinds, _ in wanted] for one in self.fleet.schedulers]
        self.minute()
        most = [0] * len(wanted)
        for one, before in zip(self.fleet.schedulers, begin):
            for i, (kinds, _) in enumerate(wanted):
                most[i] = max(most[i], one.passed(kinds) - before[i])
        print(f"points in a firing: {most}")
        return [(kinds, round(count * more)) for count, (kinds, more) in zip(most, wanted)]

    def minute(self):
        self.fleet.step(MINUTE)
        self.left -= 1
        return self.fleet.settle()

    def aim(self, number):
        """At each point once before one comes again; first where something is done for good."""
        if not self.order:
            for kinds, count in self.points:
                some = [(point, kinds) for point in range(1, count + 1)]
                self.chance.shuffle(some)
                self.order += some
        self.fleet.aim(*self.order.pop(), number)

    def kills(self, meanwhile=lambda: None):
        while self.left > 0:
            self.aim(signal.SIGKILL)
            self.minute()
            meanwhile()
            self.fleet.replace_the_dead()
        self.struck.update(self.fleet.deaths)

    def stops(self, meanwhile):
        """Who is stopped is woken after `meanwhile`, and goes on with what it held then."""
        while self.left > 0:
            self.aim(signal.SIGSTOP)
            self.minute()
            self.fleet.aim(0)
            stopped = self.fleet.stopped()
            if stopped:
                meanwhile(stopped)
            self.struck.update(one.control.struck for one in stopped)
            for one in stopped:
                one.process.send_signal(signal.SIGCONT)
            assert self.fleet.settle(), self.fleet.log()

    def finish(self, is_done):
        """The last holds and rests end, and nobody is struck any more."""
        self.fleet.aim(0)
        for _ in range(20):
            self.fleet.step(MINUTE)
            assert self.fleet.settle(), self.fleet.log()
            if is_done():
                return

    def assert_struck_everywhere(self, *places):
        print(*sorted(self.struck.items()), sep="\n")
        for place in places:
            assert any(place in text for text in self.struck), (place, self.struck)


def sides_of(store):
    """Where a firing is seen from outside."""
    of_store = ["write/schedules.db-wal", "sync/schedules.db-wal"]
    return [*(of_store if store.startswith("file:") else ["send local"]), "send network"]


def listed_in(server):
    listed = ok(
        *("job", "list", "--limit", "1000000", "-o", "ndjson"),
        env={"TRANTER_URL": server.admin_endpoint},
        seconds=120,
    )
    return listed.lines()


def jobs_in(server):
    return [schedule_and_slot(job["tags"]) for job in listed_in(server)]


def run_all(server, ran):
    """A worker's part; adds schedule and slot of each job to `ran`."""
    while jobs := receive(server, "default", 100):
        ran += [schedule_and_slot(job["tags"]) for job in jobs]
        settlements = [{"receipt": job["receipt"], "outcome": "completed"} for job in jobs]
        call(server, "/v1/queues/default/settle", {"settlements": settlements})


def names():
    return [f"s{number}" for number in range(SCHEDULES)]


def test_a_scheduler_may_be_killed_between_any_two_steps(store, tmp_path):
    minutely = Minutely(store, names(), SLOTS)
    with Server() as server, Fleet(tmp_path, server.admin_endpoint, store) as fleet:
        fleet.step(minutely.seconds_until_the_first_slot())
        sweep = Sweep(fleet, SLOTS)
        sweep.kills()
        sweep.finish(lambda: len(jobs_in(server)) >= SCHEDULES * SLOTS)

        minutely.assert_each_slot_is_one_job(jobs_in(server))
        minutely.assert_nothing_is_open()
        sweep.assert_struck_everywhere(*sides_of(store))


def add_jobs_for_later(folder, first):
    """Ids of some for each minute. Programs add them through the library, which has no command."""
    ok("schedule", "list", env={"TRANTER_SCHEDULER_STORE": f"file:{folder}"})
    ids = [str(uuid.UUID(int=number)) for number in range(1, SCHEDULES * SLOTS + 1)]
    rows = [
        (one, (first + number // SCHEDULES * MINUTE) * 1_000_000) for number, one in enumerate(ids)
    ]
    with contextlib.closing(sqlite3.connect(folder / "schedules.db")) as database, database:
        database.executemany(
            "INSERT INTO scheduled_jobs(id, queue, type, payload, job_group, options, "
            "scheduled_for, ready_at, status, held, tries, error, created_at) "
            "VALUES(?1, 'later', 't', '1', '', '{}', ?2, ?2, 0, 0, 0, '', 0)",
            rows,
        )
    return ids


def test_jobs_for_later_survive_a_kill_between_any_two_steps(tmp_path):
    ids = add_jobs_for_later(tmp_path, int(time.time()) + MINUTE)
    store = f"file:{tmp_path}"
    with Server() as server, Fleet(tmp_path, server.admin_endpoint, store, role="timers") as fleet:
        fleet.step(MINUTE / 2)
        sweep = Sweep(fleet, SLOTS)
        sweep.kills()
        sweep.finish(lambda: len(listed_in(server)) >= len(ids))

        assert sorted(job["id"] for job in listed_in(server)) == ids
        sweep.assert_struck_everywhere(*sides_of(store))


def test_a_leader_that_wakes_up_late_fires_nothing_twice(store, tmp_path):
    minutely = Minutely(store, names(), SLOTS)
    with Server() as server, Fleet(tmp_path, server.admin_endpoint, store) as fleet:
        fleet.step(minutely.seconds_until_the_first_slot())
        sweep = Sweep(fleet, SLOTS)

        ran = []

        def others_take_over(stopped):
            others = [one for one in fleet.schedulers if one not in stopped]
            fleet.step(MINUTE)
            sweep.left -= 1
            # Not when it stopped in a transaction, which others wait for.
            fleet.settle(0.2, others)
            run_all(server, ran)

        def all_ran():
            run_all(server, ran)
            return len(ran) >= SCHEDULES * SLOTS

        sweep.stops(others_take_over)
        sweep.finish(all_ran)

        minutely.assert_each_slot_is_one_job(ran)
        minutely.assert_nothing_is_open()
        sweep.assert_struck_everywhere(*sides_of(store))


def test_connections_may_be_cut_between_any_two_steps(postgres, database, tmp_path):
    minutely = Minutely(database, names(), SLOTS)
    with Server() as server, Fleet(tmp_path, server.admin_endpoint, database) as fleet:
        fleet.step(minutely.seconds_until_the_first_slot())
        sweep = Sweep(fleet, SLOTS)
        sweep.stops(lambda _: postgres.cut_connections())
        sweep.finish(lambda: len(jobs_in(server)) >= SCHEDULES * SLOTS)

        minutely.assert_each_slot_is_one_job(jobs_in(server))
        minutely.assert_nothing_is_open()
        sweep.assert_struck_everywhere("send local")
        assert "connected again" in fleet.log()


def test_the_database_may_be_restarted_between_any_two_steps(postgres, database, tmp_path):
    slots = max(5, SLOTS // 5)
    minutely = Minutely(database, names(), slots)

    def restart(_):
        postgres.stop()
        postgres.start()

    with Server() as server, Fleet(tmp_path, server.admin_endpoint, database) as fleet:
        fleet.step(minutely.seconds_until_the_first_slot())
        sweep = Sweep(fleet, slots)
        sweep.stops(restart)
        sweep.finish(lambda: len(jobs_in(server)) >= SCHEDULES * slots)

        minutely.assert_each_slot_is_one_job(jobs_in(server))
        minutely.assert_nothing_is_open()
        assert sweep.struck


class SharedDatabase:
    """Of schedules and jobs. Jobs have run and are forgotten as soon as they are looked for, so
    that nothing but the store of schedules knows them when somebody takes over."""

    def __init__(self, postgres):
        self.postgres = postgres
        self.url = postgres.new_database()
        self.name = self.url.removeprefix("postgres:///").partition("?")[0]
        self.ran = []

    def run_all(self):
        gone = "DELETE FROM tranter.jobs RETURNING options"
        options = self.postgres.query(gone, self.name).splitlines()
        self.ran += [schedule_and_slot(json.loads(o)["tags"]) for o in options if "{" in o]

    def restart(self, _):
        self.postgres.stop()
        self.postgres.start()
        self.run_all()

    def has_run(self, count):
        self.run_all()
        return len(self.ran) >= count


@pytest.fixture
def shared(postgres):
    return SharedDatabase(postgres)


def test_a_job_and_its_slot_are_one_transaction_whoever_is_killed(shared, tmp_path):
    minutely = Minutely(shared.url, names(), SLOTS)
    with Fleet(tmp_path, shared.url, shared.url) as fleet:
        fleet.step(minutely.seconds_until_the_first_slot())
        sweep = Sweep(fleet, SLOTS)
        sweep.kills(shared.run_all)
        sweep.finish(lambda: shared.has_run(SCHEDULES * SLOTS))

        minutely.assert_each_slot_is_one_job(shared.ran)
        minutely.assert_nothing_is_open()
        sweep.assert_struck_everywhere("send local")
        assert "in the transactions of the store" in fleet.log()


def test_a_job_and_its_slot_are_one_transaction_when_the_database_crashes(shared, tmp_path):
    slots = max(5, SLOTS // 5)
    minutely = Minutely(shared.url, names(), slots)
    with Fleet(tmp_path, shared.url, shared.url) as fleet:
        fleet.step(minutely.seconds_until_the_first_slot())
        sweep = Sweep(fleet, slots)
        sweep.stops(shared.restart)
        sweep.finish(lambda: shared.has_run(SCHEDULES * slots))

        minutely.assert_each_slot_is_one_job(shared.ran)
        minutely.assert_nothing_is_open()
        assert sweep.struck


@pytest.fixture(params=["serve", "fauxqs"])
def endpoint(request):
    if request.param == "serve":
        with Server() as server:
            yield server.endpoint
        return
    with fauxqs() as address:
        yield address


def messages_in(endpoint, queue):
    received = ok(
        *("message", "receive", queue, "--max", "1000000", "--visibility-timeout", "1h"),
        *("--wait", "1s", "--delete", "-o", "ndjson"),
        endpoint=endpoint,
        seconds=300,
    )
    return received.lines()


@pytest.mark.parametrize("queue", ["ticks", "ticks.fifo"])
def test_a_queue_of_sqs_has_each_slot_under_one_id(endpoint, queue, tmp_path):
    store = f"file:{tmp_path}"
    in_order = queue.endswith(".fifo")
    if in_order:
        ok("queue", "create", queue, "--fifo", endpoint=endpoint)
    minutely = Minutely(store, names(), SLOTS, "--queue", queue, "--group", "g")
    with Fleet(tmp_path, f"sqs:{endpoint}/000000000000", store) as fleet:
        fleet.step(minutely.seconds_until_the_first_slot())
        sweep = Sweep(fleet, SLOTS)
        sweep.kills()
        sweep.finish(minutely.has_enqueued_all)
        sweep.assert_struck_everywhere(*sides_of(store))
        minutely.assert_nothing_is_open()

    ids = {}
    messages = messages_in(endpoint, queue)
    for message in messages:
        attributes = message["attributes"]
        slot = schedule_and_slot(json.loads(attributes["tranter.options"]["value"])["tags"])
        ids.setdefault(slot, set()).add(attributes["tranter.id"]["value"])
    print(f"{len(messages)} messages, {len(messages) - len(ids)} of them once more")
    minutely.assert_each_slot_is_one_job(ids)
    assert all(len(same) == 1 for same in ids.values())
    assert len(set.union(*ids.values())) == len(ids)
    if in_order:
        assert len(messages) == len(ids)

"""Two policies for tenants and users, each by configuration alone, with fifty of them.

The handler is an endpoint inside the test, which sees every run begin and decides when it ends: so a
test goes from one full house to the next, and what begins in between is exactly what a free place
allowed."""

import collections
import urllib.error

import pytest
from command_line import check_failure, ok, tranter
from endpoint import Endpoint
from jobs import call
from waiting import eventually
from wire import Api
from worker_process import WorkerProcess

USERS = [f"user-{number}" for number in range(50)]
TENANTS = [f"tenant-{number}" for number in range(50)]

# 1 active and at most 5 queued jobs per user, 5 active in all, 10 parallel runs per job
USER_QUEUE = """
[queues.workspace-jobs]
groups = { max_in_flight = 1, max_queued = 5, fair = "round_robin" }
max_in_flight = 5
"""
USER_WORKER = """
[worker]
queues = ["workspace-jobs"]
concurrency = 50
lease = "3s"
[handlers."workspace:create"]
runs = 10
max_parallel_runs = 10
"""
ACTIVE, RUNS, QUEUED = 5, 10, 5

# 12 active jobs in all, 3 per tenant
IN_ALL, PER_TENANT = 12, 3
TENANT_QUEUE = """
[queues.work]
groups = { max_in_flight = 3, fair = "round_robin" }
max_in_flight = 12
"""
TENANT_WORKER = """
[worker]
queues = ["work"]
concurrency = 20
[handlers.execute]
"""


class House:
    """The most that went on at a time, and the order in which jobs began."""

    def __init__(self):
        self.most_active = 0
        self.most_of_a_group = collections.Counter()
        self.most_runs = 0
        self.begun = []  # groups of jobs
        self._seen = set()

    def look(self, endpoint):
        active = endpoint.active()
        groups = collections.Counter(runs[0]["group"] for runs in active.values())
        self.most_active = max(self.most_active, len(active))
        self.most_of_a_group |= groups
        self.most_runs = max(self.most_runs, *map(len, active.values()))
        newest = endpoint.running[-1]
        if newest["id"] not in self._seen:
            self._seen.add(newest["id"])
            self.begun.append(newest["group"])


@pytest.fixture
def house():
    return House()


@pytest.fixture
def endpoint(house):
    with Endpoint(house.look) as running:
        yield running


@pytest.fixture
def worker(tmp_path):
    started = []

    def start(server, config, endpoint, **env):
        folder = tmp_path / str(len(started))
        folder.mkdir()
        log = tmp_path / "worker.log"
        started.append(WorkerProcess(folder, server.admin_endpoint, config + endpoint.config(),
                                     env=env, log_path=log))
        assert started[-1].health, log.read_text()
        return started[-1]

    yield start
    for one in started:
        one.kill()


def enqueue(server, queue, job_type, group, count):
    jobs = [{"type": job_type, "group": group} for _ in range(count)]
    return [job["id"] for job in call(server, f"/v1/queues/{queue}/jobs", jobs)]


def refusal(server, queue, job_type, group):
    with pytest.raises(urllib.error.HTTPError) as refused:
        enqueue(server, queue, job_type, group, 1)
    return refused.value.code, refused.value.read().decode()


def possible(left, in_all, per_group):
    """How many of the jobs that are left can be active at once."""
    return min(in_all, sum(min(per_group, count) for count in left.values()))


def finish_one_after_the_other(endpoint, left, in_all, per_group, runs=1):
    """Ends the oldest job each time as many are active as possible: never more, never less."""
    while left.total() > 0:
        expected = possible(left, in_all, per_group)
        # Not only the first ones to come: each with all of its runs.
        endpoint.wait(lambda: len(endpoint.active()) == expected
                      and len(endpoint.running) == expected * runs)
        oldest, its_runs = next(iter(endpoint.active().items()))
        left[its_runs[0]["group"]] -= 1
        endpoint.finish(oldest)
        endpoint.wait(lambda: oldest not in endpoint.active())


def queue_is_empty(server, queue):
    stats = call(server, f"/v1/queues/{queue}")
    return stats["pending"] + stats["scheduled"] + stats["processing"] == 0 and stats


def test_one_active_and_five_queued_jobs_per_user(own_server, endpoint, house, worker):
    server = own_server(config=USER_QUEUE)
    for user in USERS:
        enqueue(server, "workspace-jobs", "workspace:create", user, QUEUED)
    for user in USERS:
        assert refusal(server, "workspace-jobs", "workspace:create", user)[0] == 429
    for _ in range(2):
        worker(server, USER_WORKER, endpoint)

    left = collections.Counter({user: QUEUED for user in USERS})
    finish_one_after_the_other(endpoint, left, ACTIVE, 1, RUNS)

    eventually(lambda: queue_is_empty(server, "workspace-jobs"))
    assert house.most_active == ACTIVE
    assert set(house.most_of_a_group.values()) == {1}
    assert house.most_runs == RUNS
    runs_of_a_job = collections.Counter(run["id"] for run in endpoint.begun)
    assert set(runs_of_a_job.values()) == {RUNS}
    assert {run["attempt"] for run in endpoint.begun} == {1}
    # Users take turns: in every round each begins one job.
    rounds = [house.begun[i : i + len(USERS)] for i in range(0, len(house.begun), len(USERS))]
    assert [sorted(turn) for turn in rounds] == [sorted(USERS)] * QUEUED


def test_a_user_with_one_active_and_five_queued_jobs_hears_why_there_is_no_sixth(
    own_server, endpoint, worker
):
    server = own_server(config=USER_QUEUE)
    worker(server, USER_WORKER, endpoint)
    queue, job_type = "workspace-jobs", "workspace:create"
    enqueue(server, queue, job_type, "ann", 1)
    endpoint.wait(lambda: len(endpoint.running) == RUNS)
    enqueue(server, queue, job_type, "ann", QUEUED)
    command = ["job", "enqueue", queue, job_type, "--group", "ann"]
    env = {"TRANTER_URL": server.admin_endpoint}

    status, text = refusal(server, queue, job_type, "ann")
    refused = tranter(*command, env=env)
    by_sqs = Api(server, "json").reply("SendMessage", {
        "QueueUrl": f"{server.endpoint}/000000000000/{queue}",
        "MessageBody": "{}",
        "MessageGroupId": "ann",
    })

    why = "group ann would have 6 queued messages, limit is 5 (max_queued_per_group of queue " \
          "workspace-jobs); try again once one of them has begun, or raise the limit"
    assert status == 429 and why in text, text
    check_failure(refused, refused.code)
    assert refused.code != 0 and why in refused.err, refused
    assert by_sqs.status == 403, by_sqs.body
    assert by_sqs.json()["message"] == why
    ok(*command[:-1], "bob", env=env)  # another user is not affected

    endpoint.finish(endpoint.running[0]["id"])  # one moves up, and there is a place again
    endpoint.wait(lambda: collections.Counter(run["group"] for run in endpoint.begun)["ann"]
                  == 2 * RUNS)
    enqueue(server, queue, job_type, "ann", 1)
    assert refusal(server, queue, job_type, "ann")[0] == 429


def test_a_batch_that_would_exceed_a_users_queue_is_refused_as_a_whole(own_server):
    server = own_server(config=USER_QUEUE)
    enqueue(server, "workspace-jobs", "workspace:create", "ann", QUEUED - 1)

    with pytest.raises(urllib.error.HTTPError) as refused:
        enqueue(server, "workspace-jobs", "workspace:create", "ann", 2)

    assert refused.value.code == 429
    assert call(server, "/v1/queues/workspace-jobs")["pending"] == QUEUED - 1


def test_places_of_workers_that_were_killed_are_free_again_and_no_more_than_those(
    own_server, endpoint, house, worker
):
    server = own_server(config=USER_QUEUE)
    for user in USERS:
        enqueue(server, "workspace-jobs", "workspace:create", user, 1)
    config = USER_WORKER.replace('lease = "3s"', 'lease = "1s"')

    for _ in range(3):
        doomed = worker(server, config, endpoint)
        endpoint.wait(lambda: len(endpoint.running) == ACTIVE * RUNS)
        doomed.kill()
        for job in endpoint.active():
            endpoint.finish(job)  # nobody hears it
        endpoint.wait(lambda: not endpoint.running)
    worker(server, config, endpoint)
    left = collections.Counter(USERS)
    finish_one_after_the_other(endpoint, left, ACTIVE, 1, RUNS)

    eventually(lambda: queue_is_empty(server, "workspace-jobs"))
    assert house.most_active == ACTIVE
    assert set(house.most_of_a_group.values()) == {1}
    assert sorted({run["attempt"] for run in endpoint.begun}) in ([1, 2], [1, 2, 3], [1, 2, 3, 4])


def test_so_many_jobs_in_all_and_per_tenant(own_server, endpoint, house, worker):
    server = own_server(config=TENANT_QUEUE)
    for _ in range(2):
        worker(server, TENANT_WORKER, endpoint)
    keep_the_limits_of_tenants(server, "work", endpoint, house)


def test_so_many_jobs_of_a_worker_and_per_tenant_by_variables(own_server, endpoint, house, worker):
    server = own_server()
    worker(server, "[handlers.execute]\n", endpoint, TRANTER_WORKER_QUEUES="work",
           EXECUTION_WORKER_CONCURRENCY=str(IN_ALL), EXECUTION_TENANT_CONCURRENCY=str(PER_TENANT))
    keep_the_limits_of_tenants(server, "work", endpoint, house)


def keep_the_limits_of_tenants(server, queue, endpoint, house):
    """One tenant floods the queue, then all of them come."""
    noisy, *others = TENANTS
    left = collections.Counter({noisy: 60})
    enqueue(server, queue, "execute", noisy, left[noisy])
    endpoint.wait(lambda: len(endpoint.running) == PER_TENANT)
    # Nothing waits inside of a worker: all that it has received runs.
    stats = call(server, f"/v1/queues/{queue}")
    assert (stats["processing"], stats["pending"]) == (PER_TENANT, 60 - PER_TENANT)
    for tenant in others:
        enqueue(server, queue, "execute", tenant, 4)
        left[tenant] = 4

    finish_one_after_the_other(endpoint, left, IN_ALL, PER_TENANT)

    eventually(lambda: queue_is_empty(server, queue))
    assert house.most_active == IN_ALL
    assert house.most_of_a_group[noisy] == PER_TENANT
    assert max(house.most_of_a_group.values()) == PER_TENANT
    assert len(house.begun) == 60 + 4 * len(others)
    # Nobody waits for the noisy one: while the others have jobs, each round has all of them.
    first_round = house.begun[PER_TENANT : PER_TENANT + len(TENANTS) + IN_ALL]
    assert set(others) <= set(first_round)

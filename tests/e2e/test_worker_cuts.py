"""The connection of a worker breaks at every call that it makes, in every way: it goes on by itself,
no job waits for longer than a lost answer costs, and no effect happens twice."""

import collections

import pytest
from endpoint import Endpoint
from fault_proxy import CUTS, ERRORS, SILENCE, SLOW, FaultProxy
from jobs import call
from waiting import Background, eventually
from wire import Api
from worker_process import WorkerProcess

CONFIG = """
[worker]
concurrency = 4
poll_wait = "2s"
[handlers.chatty]
child = ["python3", "-u", "-c", \"\"\"
import json, sys
for line in sys.stdin:
    job = json.loads(line)
    if job["message"] != "job":
        continue
    def say(message, **more):
        print(json.dumps({"message": message, "id": job["id"], **more}), flush=True)
    say("log", line="one line")
    say("progress", progress=1)
    say("result", outcome="completed", result="done")
\"\"\"]
[handlers.held]
"""
# Each call, and the job that makes a worker make it.
CALLS = {"receive": "held", "extend": "held", "settle": "held", "log": "chatty",
         "progress": "chatty"}
FAULTS = [*CUTS, *ERRORS, SLOW]
SQS_CALLS = {"receive": "receivemessage", "extend": "changemessagevisibilitybatch",
             "settle": "deletemessagebatch"}


class Cuts:
    """A server, a worker that reaches it through a proxy, and an endpoint that does its jobs."""

    def __init__(self, folder, server, queue, lease="3s", over_sqs=False):
        self.server = server
        self.queue = queue
        self.endpoint = Endpoint()
        self._plans = collections.Counter()
        port = server.port if over_sqs else server.admin_port
        self.proxy = FaultProxy("127.0.0.1", port, self._choose)
        url = f"sqs:{self.proxy.url}/000000000000" if over_sqs else self.proxy.url
        self.worker = WorkerProcess(
            folder, url, CONFIG + self.endpoint.config(), "--queue", queue, "--lease", lease,
            env={"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any"},
            log_path=folder / "log",
        )

    def _choose(self, name):
        for (planned, fault), left in self._plans.items():
            if left and planned == name:
                self._plans[planned, fault] -= 1
                return fault
        return None

    def arm(self, name, fault):
        """Happens to the next such call."""
        self._plans[name, fault] += 1
        return self.proxy.happened[name, fault] + 1

    def wait_for(self, name, fault, times):
        eventually(lambda: self.proxy.happened[name, fault] >= times, 30)

    def enqueue(self, job_type):
        jobs = [{"type": job_type, "retry": {"base": "100ms"}}]
        return call(self.server, f"/v1/queues/{self.queue}/jobs", jobs)[0]["id"]

    def runs_of(self, job):
        return [run["attempt"] for run in self.endpoint.begun if run["id"] == job]

    def begun(self, job):
        self.endpoint.wait(lambda: job in self.endpoint.active())

    def finished(self, job):
        """Its record, once it is."""
        record = call(self.server, f"/v1/jobs/{job}/wait?timeout=45s")
        assert record["state"] == "completed", record
        return record

    def do(self, job):
        self.begun(job)
        self.endpoint.finish(job)
        return self.finished(job)

    def is_empty(self):
        stats = call(self.server, f"/v1/queues/{self.queue}")
        return not stats["pending"] + stats["scheduled"] + stats["processing"]

    def close(self):
        self.worker.kill()
        self.proxy.refuse()
        self.endpoint.close()


@pytest.fixture(scope="module")
def cuts(tmp_path_factory, server):
    running = Cuts(tmp_path_factory.mktemp("cuts"), server, "cuts")
    yield running
    running.close()


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", CALLS)
def test_a_worker_goes_on_when_a_call_breaks(cuts, name, fault):
    if name == "receive":
        first = cuts.enqueue("held")
        cuts.begun(first)
        times = cuts.arm(name, fault)
        cuts.endpoint.finish(first)
        job = cuts.enqueue("held")
        cuts.wait_for(name, fault, times)
        record = cuts.do(job)
    elif name == "extend":
        job = cuts.enqueue("held")
        cuts.begun(job)
        times = cuts.arm(name, fault)
        cuts.wait_for(name, fault, times)
        record = cuts.do(job)
    elif name == "settle":
        job = cuts.enqueue("held")
        cuts.begun(job)
        times = cuts.arm(name, fault)
        record = cuts.do(job)
        cuts.wait_for(name, fault, times)
    else:
        times = cuts.arm(name, fault)
        job = cuts.enqueue("chatty")
        record = cuts.finished(job)
        cuts.wait_for(name, fault, times)

    assert record["attempt"] <= (2 if name == "receive" else 1)
    if CALLS[name] == "held":
        assert len(cuts.runs_of(job)) == 1
    cuts.do(cuts.enqueue("held"))
    eventually(lambda: cuts.worker.get("/readyz") == (200, "ok\n"))
    assert cuts.worker.process.poll() is None


def test_a_connection_on_which_nothing_comes_back_costs_no_job_its_lease(tmp_path, server, name):
    """One call of each kind at a time is swallowed; nobody closes the connection."""
    lease = "24s"  # renewed after 8 s
    cuts = Cuts(tmp_path, server, name(), lease=lease)
    try:
        held = [cuts.enqueue("held") for _ in range(2)]
        for job in held:
            cuts.begun(job)
        for call_name in CALLS:
            cuts.arm(call_name, SILENCE)
        cuts.endpoint.finish(held[0])  # its outcome is swallowed
        later = [cuts.enqueue("chatty"), cuts.enqueue("held")]

        cuts.wait_for("extend", SILENCE, 1)
        assert cuts.do(later[1])["attempt"] == 1
        assert cuts.do(held[1])["attempt"] == 1
        assert [cuts.finished(job)["attempt"] for job in (held[0], later[0])] == [1, 1]

        assert cuts.runs_of(held[0]) == cuts.runs_of(held[1]) == [1]
        assert {kind for kind, fault in cuts.proxy.happened if fault == SILENCE} == set(CALLS)
        assert cuts.worker.attempts()["lost"] == 0
    finally:
        cuts.close()


def test_a_worker_waits_for_a_server_that_refuses_it(cuts):
    cuts.proxy.refuse()
    job = cuts.enqueue("held")
    eventually(lambda: cuts.worker.get("/readyz")[0] == 503, 30)
    assert cuts.worker.get("/livez") == (200, "ok\n")

    cuts.proxy.listen()

    assert cuts.do(job)["attempt"] == 1
    eventually(lambda: cuts.worker.get("/readyz") == (200, "ok\n"))


def test_a_result_waits_for_a_server_that_is_away_for_a_moment(cuts):
    job = cuts.enqueue("held")
    cuts.begun(job)

    cuts.proxy.refuse()
    cuts.endpoint.finish(job)
    cuts.endpoint.wait(lambda: job not in cuts.endpoint.active())
    cuts.proxy.listen()

    assert cuts.finished(job)["attempt"] == 1
    assert cuts.runs_of(job) == [1]


def talk(tmp_path, server, queue, command, choose, jobs, *flags):
    """A worker behind a proxy that has begun so many jobs, and their ids."""
    proxy = FaultProxy("127.0.0.1", server.admin_port, choose)
    config = f"[handlers.talk]\nexec = ['/bin/sh', '-c', '{command}']"
    ids = [one["id"] for one in
           call(server, f"/v1/queues/{queue}/jobs", [{"type": "talk"} for _ in range(jobs)])]
    worker = WorkerProcess(tmp_path, proxy.url, config, "--queue", queue, "--concurrency", str(jobs),
                           *flags)
    return proxy, worker, ids


def test_reports_that_are_taken_slowly_cost_no_job_its_lease(tmp_path, server, name):
    """Each takes a second, and a round of all of them longer than two leases."""
    command = "for i in $(seq 60); do echo $i >&2; sleep 0.1; done"
    proxy, worker, jobs = talk(tmp_path, server, name(), command,
                               lambda call_name: SLOW if call_name == "log" else None,
                               6, "--lease", "2s")
    try:
        ends = [call(server, f"/v1/jobs/{job}/wait?timeout=60s") for job in jobs]

        assert [(end["state"], end["attempt"]) for end in ends] == [("completed", 1)] * len(jobs)
        assert worker.attempts()["lost"] == 0
        assert proxy.happened["log", SLOW] > len(jobs)
    finally:
        worker.kill()
        proxy.refuse()


def test_a_worker_ends_though_outcomes_are_not_taken(tmp_path, server, name):
    queue = name()
    proxy, worker, jobs = talk(tmp_path, server, queue, "true",
                               lambda call_name: "503" if call_name == "settle" else None,
                               1, "--lease", "2s", "--shutdown-timeout", "0s")
    try:
        eventually(lambda: proxy.happened["settle", "503"] > 1)

        status, log = worker.end()

        assert status == 0, log
        assert "the store did not answer until its lease ended" in log
        eventually(lambda: call(server, f"/v1/jobs/{jobs[0]}")["state"] == "pending")
    finally:
        worker.kill()
        proxy.refuse()


@pytest.mark.parametrize("variables", [{}, {"EXECUTION_TENANT_CONCURRENCY": "2"}],
                         ids=["plain", "with a limit for groups"])
def test_a_worker_may_start_before_its_server(tmp_path, server, cuts, name, variables):
    queue, log = name(), tmp_path / "log"
    with FaultProxy("127.0.0.1", server.admin_port) as proxy:
        proxy.refuse()
        starting = Background(WorkerProcess, tmp_path, proxy.url, CONFIG + cuts.endpoint.config(),
                              "--queue", queue, env=variables, log_path=log)
        eventually(lambda: log.exists() and "does not answer" in log.read_text(), seconds=60)
        # It would begin jobs without the limit that it was told.
        assert starting.is_running() or not variables
        proxy.listen()
        worker = starting.result(60)
        try:
            assert worker.health, log.read_text()
            if variables:
                limits = call(server, f"/v1/queues/{queue}")["limits"]
                assert limits["max_in_flight_per_group"] == 2
            job = call(server, f"/v1/queues/{queue}/jobs", [{"type": "held"}])[0]["id"]
            cuts.do(job)
        finally:
            worker.kill()


# ---- over the API of SQS -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def over_sqs(tmp_path_factory, server):
    Api(server, "json").create("cuts-over-sqs")
    running = Cuts(tmp_path_factory.mktemp("cuts"), server, "cuts-over-sqs", over_sqs=True)
    yield running
    running.close()


@pytest.mark.parametrize("fault", [*CUTS, *ERRORS])
@pytest.mark.parametrize("what", SQS_CALLS)
def test_a_worker_goes_on_when_a_call_to_sqs_breaks(over_sqs, what, fault):
    cuts, name = over_sqs, SQS_CALLS[what]
    job = cuts.enqueue("held")
    cuts.begun(job)
    times = cuts.arm(name, fault)
    if what == "extend":
        cuts.wait_for(name, fault, times)
    cuts.endpoint.finish(job)
    later = cuts.enqueue("held")
    cuts.wait_for(name, fault, times)
    cuts.begun(later)
    cuts.endpoint.finish(later)

    eventually(cuts.is_empty, 30)
    assert len(cuts.runs_of(job)) == len(cuts.runs_of(later)) == 1
    assert cuts.worker.process.poll() is None

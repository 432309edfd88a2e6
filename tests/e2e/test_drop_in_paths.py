"""The paths that probes and dashboards of other deployments ask for, with their shapes."""

import json
import re
import urllib.error
import urllib.request

import pytest
from command_line import ok
from server import Server
from worker_process import WorkerProcess

TOKEN = "token-of-the-owner-4711"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def get(url, token=None):
    """Status and JSON."""
    request = urllib.request.Request(url)
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def test_health_in_memory_and_on_disk(tmp_path):
    server = Server()
    try:
        status, health = get(f"{server.admin_endpoint}/api/health")
        assert status == 200
        assert health["status"] == "ok"
        assert TIME.fullmatch(health["timestamp"])
        assert health["queue"] == {
            "status": "ok", "driver": "memory", "durable": False, "durability": "none",
            "latencyMs": None,
        }
        assert get(f"{server.admin_endpoint}/api/health/ready")[0] == 200
    finally:
        server.stop()
    server = Server("--data", str(tmp_path / "data"), "--require-durable")
    try:
        ok("job", "enqueue", "mail", "t", env={"TRANTER_URL": server.admin_endpoint})
        status, ready = get(f"{server.admin_endpoint}/api/health/ready")
        assert (status, ready["status"], ready["reasons"]) == (200, "ready", [])
        assert ready["queue"]["driver"] == "file"
        assert ready["queue"]["durable"] is True
        assert ready["queue"]["latencyMs"] > 0
    finally:
        server.stop()


@pytest.mark.parametrize("how", ["flag", "file"])
def test_queues_in_memory_are_not_ready_when_they_have_to_be_durable(how):
    flags = ["--require-durable"] if how == "flag" else []
    config = None if how == "flag" else "[server]\nrequire_durable = true\n"
    server = Server(*flags, config=config)
    try:
        status, ready = get(f"{server.admin_endpoint}/api/health/ready")
        assert (status, ready["status"]) == (503, "not_ready")
        assert ready["reasons"] == ["queues are in memory and require_durable is set"]
        assert get(f"{server.admin_endpoint}/api/health")[0] == 200
        with urllib.request.urlopen(f"{server.admin_endpoint}/readyz", timeout=30) as answer:
            assert answer.status == 200
    finally:
        server.stop()


def test_the_status_of_workers(tmp_path):
    server = Server(config=f'[admin]\ntoken = "{TOKEN}"\n')
    url = f"{server.admin_endpoint}/api/admin/workers/status"
    env = {"TRANTER_URL": server.admin_endpoint, "TRANTER_TOKEN": TOKEN}
    try:
        assert get(url)[0] == 401
        assert get(url, "wrong")[0] == 401
        assert get(f"{server.admin_endpoint}/api/health")[0] == 200
        ok("job", "enqueue", "other", "t", env=env)
        status, before = get(url, TOKEN)
        assert status == 200
        assert before["data"]["executionWorker"]["started"] is False
        worker = WorkerProcess(
            tmp_path, server.admin_endpoint, '[handlers.t]\nexec = ["/bin/true"]\n',
            "--queue", "mail", env={"TRANTER_TOKEN": TOKEN},
        )
        try:
            ok("job", "enqueue", "mail", "t", "--wait", "60s", env=env)
            status, answer = get(url, TOKEN)
            assert (status, answer["success"], set(answer)) == (200, True, {"success", "data"})
            data = answer["data"]
            assert set(data) == {"timestamp", "executionWorker", "scheduler"}
            assert TIME.fullmatch(data["timestamp"])
            working = data["executionWorker"]
            assert (working["started"], working["queueDriver"]) == (True, "memory")
            assert working["metrics"]["queueDepths"]["other"] == {
                "waiting": 1, "active": 0, "total": 1,
            }
            assert data["scheduler"] == {
                "preferredStrategy": "none", "redis": {"status": "ready"},
            }
            status, text = worker.get("/api/health/ready")
            assert (status, json.loads(text)["status"]) == (200, "ready")
            assert json.loads(worker.get("/api/health")[1])["status"] == "ok"
            assert worker.get("/api/admin/workers/status")[0] == 404
        finally:
            worker.kill()
    finally:
        server.stop()

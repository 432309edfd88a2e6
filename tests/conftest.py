"""Fixtures that all Python tests share: running servers, and names nobody else uses."""

import itertools
import os
import uuid

import pytest
from server import ForeignServer, Server, binary
from wire import Api

FOREIGN = os.environ.get("TRANTER_TEST_ENDPOINT")
RUN = uuid.uuid4().hex[:8]
_numbers = itertools.count(1)

ELASTICMQ_CONF = """\
include classpath("application.conf")

// visible as another host, as in a compose file
node-address {
  protocol = http
  host = "*"
  port = 9324
  context-path = ""
}
rest-sqs {
  enabled = true
  bind-port = 9324
  bind-hostname = "0.0.0.0"
  sqs-limits = strict
}
rest-stats {
  enabled = true
  bind-port = 9325
  bind-hostname = "0.0.0.0"
}
generate-node-address = false
queues {
  orders {
    defaultVisibilityTimeout = 10 seconds
    delay = 2 seconds
    receiveMessageWait = 0 seconds
    deadLettersQueue { name = "orders-dlq", maxReceiveCount = 3 }
    tags { team = "shop", "cost centre" = "42" }
  }
  orders-dlq { }
  audit {
    fifo = true
    contentBasedDeduplication = true
  }
  "events.fifo" { fifo = true }
  ledger { copyTo = "ledger-copy" }
  ledger-copy { }
  old-name { moveTo = "new-name" }
  new-name { }
}
aws {
  region = us-west-2
  accountId = 000000000000
}
pekko.http.server.request-timeout = 30 s
"""

SIGV4_TOML = """\
[auth]
mode = "sigv4"

[auth.keys]
AKIDEXAMPLE = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
"""


def _serve(*flags, **options):
    if FOREIGN:
        pytest.skip("needs a server of our own")
    assert binary().exists(), f"{binary()} is missing: build it or set TRANTER_BIN"
    return Server(*flags, **options)


@pytest.fixture(scope="session")
def server():
    running = ForeignServer(FOREIGN) if FOREIGN else _serve()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def relaxed_server():
    running = _serve("--limits", "relaxed")
    yield running
    running.stop()


@pytest.fixture(scope="session")
def auto_create_server():
    running = _serve("--auto-create")
    yield running
    running.stop()


@pytest.fixture(scope="session")
def signed_server():
    running = _serve(config=SIGV4_TOML)
    yield running
    running.stop()


@pytest.fixture(scope="session")
def elasticmq_server():
    running = _serve(config=ELASTICMQ_CONF, config_name="elasticmq.conf")
    yield running
    running.stop()


@pytest.fixture
def own_server():
    """Starts servers for one test; whatever still runs at its end is killed."""
    started = []

    def start(*flags, **options):
        started.append(_serve(*flags, **options))
        return started[-1]

    yield start
    for running in started:
        if running.process.poll() is None:
            running.kill()


@pytest.fixture(params=["json", "query"])
def api(request, server):
    """The default server, once in each protocol."""
    return Api(server, request.param)


@pytest.fixture
def name():
    """Makes queue names that no other test has."""
    return lambda suffix="": f"t-{RUN}-{next(_numbers)}{suffix}"

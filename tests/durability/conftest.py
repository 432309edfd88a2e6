"""Fixtures of the durability tests."""

import pytest
import store


@pytest.fixture(autouse=True)
def no_server_is_left():
    """Also not by a test that failed."""
    yield
    while store.started:
        server = store.started.pop()
        if server.process.poll() is None:
            server.kill()

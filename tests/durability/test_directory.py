"""Directories that cannot be used: a clear message, exit code 1, and nothing changed."""

import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest
from server import binary
from store import Store
from tools import need_root
from wire import Api

NOBODY = 65534


def contents(path):
    """Everything below a path that a start could change."""
    found = {}
    for root, _, files in os.walk(path):
        status = os.stat(root)
        found[root] = (status.st_mode, status.st_uid)
        for name in files:
            file = pathlib.Path(root) / name
            found[str(file)] = (file.read_bytes(), file.stat().st_mode, file.stat().st_mtime_ns)
    return found


def check_refusal(store, *words, watched=None, **options):
    before = contents(watched or store.directory.parent)

    code, said = store.refusal(**options)

    assert code == 1, said
    assert str(store.directory) in said, said
    for word in words:
        assert word in said.lower(), said
    assert said.count("\n") == 1, said
    assert contents(watched or store.directory.parent) == before


@pytest.fixture
def filled(tmp_path):
    """A store with one message in it, and no server."""
    store = Store(tmp_path / "data")
    with store.start() as server:
        api = Api(server, "json")
        api.send(api.create("q"), "hello")
    return store


@pytest.fixture
def unprivileged():
    """A home that another user can use, with a copy of the program in it."""
    need_root("changing the user")
    with tempfile.TemporaryDirectory(prefix="tranter-user-") as home:
        os.chmod(home, 0o755)
        program = shutil.copy(binary(), home)
        os.chmod(program, 0o755)
        yield pathlib.Path(home), {"user": NOBODY, "program": program}


def test_a_second_server_on_the_same_directory_is_refused(tmp_path):
    store = Store(tmp_path / "data")
    with store.start() as server:
        queue = Api(server, "json").create("q")

        check_refusal(store, "in use", str(server.pid))

        assert Api(server, "json").send(queue, "still here")


def test_a_directory_is_free_again_after_a_kill(filled):
    filled.start()
    filled.kill()

    with filled.start() as server:
        api = Api(server, "json")
        assert [one["Body"] for one in api.receive(api.create("q"))] == ["hello"]


def test_a_file_in_the_place_of_the_directory_is_refused(tmp_path):
    path = tmp_path / "data"
    path.write_text("mine")

    check_refusal(Store(path), "file")


def test_a_path_through_a_file_is_refused(tmp_path):
    (tmp_path / "mine").write_text("mine")

    check_refusal(Store(tmp_path / "mine" / "data"), "not a directory", watched=tmp_path)


def test_a_directory_of_another_user_is_refused(unprivileged, tmp_path):
    home, options = unprivileged
    store = Store(home / "data")
    store.directory.mkdir(mode=0o700)

    check_refusal(store, "permission denied", watched=home, **options)


def test_a_store_of_another_user_is_refused(unprivileged):
    home, options = unprivileged
    store = Store(home / "data")
    with store.start() as server:
        Api(server, "json").create("q")
    os.chmod(store.directory, 0o755)

    check_refusal(store, "permission denied", watched=home, **options)


def test_a_directory_without_write_permission_is_refused(unprivileged):
    home, options = unprivileged
    store = Store(home / "data")
    store.directory.mkdir()
    os.chown(store.directory, NOBODY, NOBODY)
    os.chmod(store.directory, 0o500)

    check_refusal(store, "permission denied", watched=home, **options)


def test_a_place_where_no_directory_can_be_made_is_refused(unprivileged):
    home, options = unprivileged
    store = Store(home / "parent" / "data")
    store.directory.parent.mkdir(mode=0o755)

    check_refusal(store, "permission denied", watched=home, **options)


def test_a_read_only_file_system_is_refused(tmp_path):
    need_root("mounting")
    mount = tmp_path / "mount"
    mount.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "none", mount], check=True)
    try:
        store = Store(mount / "data")
        with store.start() as server:
            Api(server, "json").create("q")
        subprocess.run(["mount", "-o", "remount,ro", mount], check=True)

        check_refusal(store, "read-only")
    finally:
        subprocess.run(["umount", "-l", mount], check=True)


def test_a_new_directory_is_for_its_owner_only(tmp_path):
    store = Store(tmp_path / "deep" / "data")
    with store.start() as server:
        Api(server, "json").create("q")

        assert store.directory.stat().st_mode & 0o777 == 0o700
        assert {one.stat().st_mode & 0o777 for one in store.directory.iterdir()} == {0o600}

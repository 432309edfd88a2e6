"""`tranter doctor` looks at a database with jobs, and changes nothing in it."""

import pytest
from command_line import ok, tranter
from postgres_server import PostgresServer
from waiting import eventually


@pytest.fixture(scope="module")
def postgres():
    server = PostgresServer("autovacuum=off")
    yield server
    server.end()


@pytest.fixture
def database(postgres):
    url = postgres.new_database()
    return url, url.removeprefix("postgres:///").partition("?")[0]


@pytest.fixture
def doctor(database, tmp_path):
    home = tmp_path / "home"
    home.mkdir(mode=0o700)

    def findings(url=database[0]):
        env = {"TRANTER_HOME": str(home)}
        outcome = tranter("doctor", "--url", url, "-o", "json", env=env)
        found = {}
        for one in outcome.json():
            found.setdefault(one["check"], []).append(one)
        return found

    return findings


def texts(findings, severity):
    return [one["finding"] for one in findings if one["severity"] == severity]


def test_a_database_without_tables_stays_as_it_is(postgres, database, doctor):
    found = doctor()

    assert texts(found["database"], "warning") == ["the database has no tables of jobs"]
    assert [one["fix"] for one in found["database"]][0] == "tranter db migrate"
    for check in ("store", "queues", "dead letters"):
        assert "no tables of jobs" in found[check][0]["finding"]
    assert postgres.query("SELECT to_regnamespace('tranter') IS NULL", database[1]) == "t\n"


def test_a_database_that_is_well(database, doctor):
    ok("db", "migrate", "--url", database[0])

    found = doctor()

    assert not texts(found["database"], "warning") + texts(found["database"], "error")
    assert "answers in" in found["store"][0]["finding"]
    # The schedules are where the jobs are.
    assert "schedules" in found["schedules"][0]["finding"]
    assert "names no store" not in found["schedules"][0]["finding"]


def test_tables_of_a_newer_program(postgres, database, doctor):
    ok("db", "migrate", "--url", database[0])
    newer = "INSERT INTO tranter.schema_versions(room, version) VALUES('jobs', 99)"
    postgres.query(newer, database[1])

    found = doctor()

    assert "newer" in texts(found["database"], "error")[0]
    assert "newer" in found["store"][0]["finding"]


def test_dead_rows_that_nobody_vacuums(postgres, database, doctor):
    url, name = database
    ok("db", "migrate", "--url", url)
    many = (
        "SELECT count(*) FROM (SELECT jsonb_agg(jsonb_build_object('type', 't', 'payload', 1)) AS "
        "jobs FROM generate_series(0, 100999) AS i GROUP BY i / 1000) AS parts, "
        "LATERAL tranter.enqueue_many('q', parts.jobs)"
    )
    postgres.query(many, name)
    postgres.query("DELETE FROM tranter.jobs", name)

    def found():
        return texts(doctor()["database"], "warning")

    # The figures of the server come a moment later.
    eventually(lambda: any("101000 dead ones" in text for text in found()))


def test_a_database_that_is_away(doctor, postgres):
    postgres.stop()
    try:
        assert texts(doctor()["database"], "error")
    finally:
        postgres.start()


def test_a_user_without_a_role_is_told_which(postgres, database, doctor):
    ok("db", "migrate", "--url", database[0])
    postgres.query("CREATE ROLE stranger LOGIN")

    found = doctor(database[0].replace("user=tranter", "user=stranger"))["database"]

    assert len(found) == 1 and found[0]["severity"] == "error"
    assert "permission denied" in found[0]["finding"]
    assert found[0]["fix"].startswith("GRANT tranter_worker TO ")

"""`tranter db`: tables in PostgreSQL are migrated and undone, roles may do what they are for and
nothing else, and a table of somebody else becomes a queue without its writers knowing."""

import json
import subprocess

import pytest
from command_line import check_failure, ok, tranter
from postgres_server import PROGRAMS, PostgresServer
from waiting import eventually
from worker_process import WorkerProcess

LOCK = 1416777065


@pytest.fixture(scope="module")
def postgres():
    server = PostgresServer()
    yield server
    server.end()


@pytest.fixture
def url(postgres):
    return postgres.new_database()


@pytest.fixture
def query(postgres, url):
    """Runs SQL in the database, as its owner."""
    return lambda sql: postgres.query(sql, name_of(url)).strip()


@pytest.fixture
def tables(url):
    ok("db", "migrate", "--url", url)
    return url


def name_of(url):
    return url.removeprefix("postgres:///").partition("?")[0]


def states(url):
    return {room["room"]: room["state"] for room in
            ok("db", "status", "--url", url, "-o", "json").json()}


def psql(postgres, url, sql, user="tranter"):
    """Exit code and errors of a file of statements."""
    done = subprocess.run(
        [PROGRAMS / "psql", "-h", postgres.directory, "-p", str(postgres.port), "-U", user, "-At",
         "-v", "ON_ERROR_STOP=1", name_of(url)],
        input="SET client_min_messages = warning;" + sql, cwd="/", capture_output=True, text=True, check=False,
    )
    return done.returncode, done.stderr


# versions


def test_migrate_makes_what_status_says_is_missing(url):
    assert states(url) == {"jobs": "missing", "schedule": "missing"}
    assert tranter("db", "status", "--check", "--url", url).code == 4
    assert tranter("db", "migrate", "--dry-run", "--url", url).code == 0
    assert states(url) == {"jobs": "missing", "schedule": "missing"}

    done = ok("db", "migrate", "--url", url, "-o", "json").json()

    assert [room["result"] for room in done] == ["migrated", "migrated"]
    assert states(url) == {"jobs": "current", "schedule": "current"}
    assert tranter("db", "status", "--check", "--url", url).code == 0
    again = ok("db", "migrate", "--url", url, "-o", "json").json()
    assert [room["result"] for room in again] == ["same", "same"]


def test_printed_statements_do_what_migrate_does(postgres, url):
    whole = ok("db", "print").out
    assert psql(postgres, url, whole) == (0, "")
    assert states(url) == {"jobs": "current", "schedule": "current"}
    rest = ok("db", "print", "--url", url).out
    assert rest == "-- jobs: nothing to do\n-- schedule: nothing to do\n"
    assert psql(postgres, url, ok("db", "print", "--reverse").out) == (0, "")
    assert states(url) == {"jobs": "missing", "schedule": "missing"}


def test_rollback_says_what_is_lost_and_needs_to_be_told(tables, query):
    ok("job", "enqueue", "mail", "welcome", "--provider", tables)
    words = ["db", "rollback", "--to", "0", "--url", tables]
    lost = ok(*words, "--dry-run", "-o", "json").json()
    assert {"lost": "table jobs", "rows": 1} in lost
    refused = tranter(*words)
    check_failure(refused, 2)
    assert "--yes" in refused.err
    assert states(tables) == {"jobs": "current", "schedule": "current"}

    ok(*words, "--yes")

    assert states(tables) == {"jobs": "missing", "schedule": "current"}
    assert query("SELECT count(*) FROM pg_proc WHERE pronamespace = 'tranter'::regnamespace") == "0"
    check_failure(tranter(*words, "--yes"), 3)
    ok("db", "migrate", "--url", tables)
    ok("db", "rollback", "--room", "schedule", "--to", "2", "--yes", "--url", tables)
    assert states(tables)["schedule"] == "older"
    ok("db", "migrate", "--url", tables)
    assert states(tables)["schedule"] == "current"


@pytest.mark.parametrize("words", [["maintain"], ["roles", "--apply"]])
def test_where_there_are_no_tables_migrate_comes_first(url, words):
    refused = tranter("db", *words, "--url", url)
    check_failure(refused, 4)
    assert "`tranter db migrate` first" in refused.err


def test_newer_tables_are_left_alone(tables, query):
    query("INSERT INTO tranter.schema_versions(room, version) VALUES('jobs', 99)")
    for words in (["migrate"], ["rollback", "--yes"], ["print"]):
        refused = tranter("db", *words, "--url", tables)
        check_failure(refused, 4)
        assert "use the newer program" in refused.err
    refused = tranter("job", "list", "--provider", tables)
    check_failure(refused, 4)
    assert "version 99" in refused.err


def test_a_lock_of_somebody_else_is_not_waited_for_without_end(postgres, url):
    holder = subprocess.Popen(
        [PROGRAMS / "psql", "-h", postgres.directory, "-U", "tranter", "-At", name_of(url)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/", text=True,
    )
    holder.stdin.write(f"SELECT pg_advisory_lock({LOCK}), 'held';\n")
    holder.stdin.flush()
    assert "held" in holder.stdout.readline()
    refused = tranter("db", "migrate", "--wait", "1ms", "--url", url)
    assert refused.code == 8
    assert "nothing was changed" in refused.err
    holder.communicate("")
    ok("db", "migrate", "--url", url)


def test_what_is_locked_is_neither_adopted_nor_rolled_back(postgres, tables, query):
    table = Table(tables, query)
    holder = subprocess.Popen(
        [PROGRAMS / "psql", "-h", postgres.directory, "-U", "tranter", "-At", name_of(tables)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/", text=True,
    )
    holder.stdin.write(f"BEGIN; LOCK TABLE {table.sql}, tranter.jobs; SELECT 'held';\n")
    holder.stdin.flush()
    while "held" not in holder.stdout.readline():
        pass
    for words in (table.words("--apply"),
                  ["db", "rollback", "--to", "0", "--yes", "--url", tables]):
        refused = tranter(*words)
        check_failure(refused, 8)
        assert "nothing was changed" in refused.err
    holder.communicate("")
    assert states(tables)["jobs"] == "current"


def test_maintain_says_what_somebody_else_is_at(postgres, tables):
    holder = subprocess.Popen(
        [PROGRAMS / "psql", "-h", postgres.directory, "-U", "tranter", "-At", name_of(tables)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/", text=True,
    )
    step = "SELECT tranter.drop_period()"
    holder.stdin.write(f"SELECT pg_advisory_lock(1416779650, hashtext('{step}')), 'held';\n")
    holder.stdin.flush()
    assert "held" in holder.stdout.readline()
    refused = tranter("db", "maintain", "-o", "ndjson", "--url", tables)
    assert refused.code == 4 and "somebody else was at 1 of the steps" in refused.err, refused
    assert refused.lines() == [
        {"begun": [], "indexed": [], "dropped": [], "forgotten": 0, "skipped": 1}]
    holder.communicate("")
    assert ok("db", "maintain", "-o", "ndjson", "--url", tables).lines()[0]["skipped"] == 0


def test_workers_go_on_while_tables_are_migrated(tables, worker_of):
    worker = worker_of(tables)
    for _ in range(3):
        ok("db", "rollback", "--room", "schedule", "--to", "0", "--yes", "--url", tables)
        job = ok("job", "enqueue", "mail", "job", "--provider", tables, "-o", "name").out.strip()
        ok("db", "migrate", "--url", tables)
        ok("job", "wait", job, "--provider", tables)
    assert worker.end()[0] == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["status"], "no database is named"),
        (["status", "--url", "mysql://x"], "must be like postgres://host:5432/database"),
        (["print", "--to", "1"], "--room"),
        (["print", "--room", "jobs", "--to", "99"], "to"),
        (["print", "--room", "jobs", "--from", "2", "--to", "1"], "--reverse"),
        (["migrate", "--room", "nosuch"], "room"),
        (["adopt", "--url", "postgres:///x"], "--table is missing"),
    ],
)
def test_what_makes_no_sense_is_said(words, said):
    refused = tranter("db", *words)
    assert refused.code in (2, 6), refused
    assert said in refused.err or refused.code == 6


# roles


@pytest.fixture
def users(postgres, tables, query):
    """URLs of a worker, a producer and a reader."""
    ok("db", "roles", "--apply", "--url", tables)
    ok("db", "roles", "--apply", "--url", tables)
    made = {}
    for role in ("worker", "producer", "readonly"):
        user = f"{role}_{name_of(tables)}"
        query(f"CREATE ROLE {user} LOGIN; GRANT tranter_{role} TO {user}")
        made[role] = tables.replace("user=tranter", f"user={user}")
    return made


def test_a_worker_works_and_maintains_and_makes_no_tables(users, tables, worker_of):
    as_worker = users["worker"]
    assert [room["result"] for room in
            ok("db", "migrate", "--url", as_worker, "-o", "json").json()] == ["same", "same"]
    job = ok("job", "enqueue", "mail", "job", "1", "--provider", as_worker, "-o", "name")
    worker = worker_of(as_worker)
    ok("job", "wait", job.out.strip(), "--provider", as_worker)
    assert worker.end()[0] == 0
    ok("job", "retry", job.out.strip(), "--provider", as_worker)
    ok("job", "cancel", job.out.strip(), "--provider", as_worker)
    ok("db", "maintain", "--url", as_worker)
    ok("schedule", "add", "daily", "--cron", "0 7 * * *", "--queue", "mail", "--type", "job",
       "--store", as_worker)

    ok("db", "rollback", "--room", "schedule", "--to", "3", "--yes", "--url", tables)
    for words in (["db", "migrate", "--url"], ["schedule", "list", "--store"]):
        refused = tranter(*words, as_worker)
        assert refused.code in (5, 6), refused
        assert "`tranter db migrate`" in refused.err


def test_a_producer_enqueues_and_can_do_nothing_else(postgres, users, query):
    def run(sql):
        return psql(postgres, users["producer"], sql, user_of(users["producer"]))

    assert run("SELECT tranter.enqueue('mail', 'job', '{}')") == (0, "")
    assert run("SELECT tranter.enqueue_many('mail', '[{\"type\": \"job\"}]')") == (0, "")
    assert query("SELECT count(*) FROM tranter.jobs") == "2"
    functions = query(
        "SELECT p.proname FROM pg_proc p WHERE pronamespace = 'tranter'::regnamespace "
        f"AND has_function_privilege('{user_of(users['producer'])}', p.oid, 'EXECUTE')"
    ).splitlines()
    assert set(functions) == {
        "enqueue", "enqueue_many", "enqueue_answered"}
    for sql in ("SELECT * FROM tranter.jobs", "DELETE FROM tranter.jobs",
                "SELECT * FROM tranter.schema_versions", "CREATE TABLE tranter.mine(i int)",
                "SELECT tranter.cancel_job(gen_random_uuid())"):
        code, errors = run(sql)
        assert code != 0 and "permission denied" in errors, sql
    for words in (["job", "enqueue", "mail", "job", "--provider"], ["db", "status", "--url"]):
        refused = tranter(*words, users["producer"])
        assert refused.code == 5 and "tranter_worker" in refused.err, refused
    for words in (["migrate"], ["rollback", "--yes"]):
        refused = tranter("db", *words, "--url", users["producer"])
        assert refused.code == 5 and "to change them it has to be their owner" in refused.err, refused


def test_a_reader_looks_and_changes_nothing(postgres, users, tables):
    reader = users["readonly"]
    job = ok("job", "enqueue", "mail", "job", "1", "--provider", tables, "-o", "name").out.strip()
    assert ok("job", "list", "--provider", reader, "-o", "name").out.strip() == job
    assert ok("job", "show", job, "--provider", reader).json()["id"] == job
    ok("worker", "list", "--provider", reader)
    ok("db", "status", "--check", "--url", reader)
    for words in (["enqueue", "mail", "job"], ["cancel", job], ["retry", job]):
        refused = tranter("job", *words, "--provider", reader)
        assert refused.code == 5, refused
    for sql in ("DELETE FROM tranter.jobs", "SELECT tranter.enqueue('mail', 'job', '{}')",
                f"SELECT tranter.cancel_job('{job}')", "SELECT tranter.drop_period()"):
        code, errors = psql(postgres, reader, sql, user_of(reader))
        assert code != 0 and "permission denied" in errors, sql
    assert len(ok("job", "list", "--provider", tables, "-o", "json").json()) == 1


def user_of(url):
    return url.partition("user=")[2].partition("&")[0]


# adopted tables

HANDLERS = """
[worker]
queues = ["mail"]
concurrency = 4
lease = "10s"
[handlers.job]
child = ["python3", "-u", "-c", \"\"\"
import json, sys, time, os
for line in sys.stdin:
    job = json.loads(line)
    if job["message"] != "job":
        continue
    while os.path.exists("hold"):
        time.sleep(0.02)
    bad = "boom" in json.dumps(job["payload"])
    outcome = {"outcome": "dead", "reason": "boom"} if bad else {"outcome": "completed"}
    print(json.dumps({"message": "result", "id": job["id"], **outcome}), flush=True)
\"\"\"]
"""


@pytest.fixture
def worker_of(tmp_path):
    """Makes workers, and kills what is left of them."""
    made = []

    def make(url):
        made.append(WorkerProcess(tmp_path, url, HANDLERS, log_path=tmp_path / "log"))
        return made[-1]

    yield make
    for one in made:
        if one.process.poll() is None:
            one.kill()


def identifier(name):
    return '"' + name.replace('"', '""') + '"'


def literal(text):
    return "'" + text.replace("'", "''") + "'"


VALUES = {"queued": "queued", "running": "running", "done": "done", "failed": "failed"}


class Table:
    """A table of somebody else with a status column."""

    def __init__(self, url, query, schema="public", name="tasks", status="status", id_column="id",
                 values=None):
        self.url = url
        self.query = query
        self.names = schema, name, status, id_column
        self.values = values or VALUES
        self.sql = f"{identifier(schema)}.{identifier(name)}"
        self.status, self.id = identifier(status), identifier(id_column)
        query(f"CREATE SCHEMA IF NOT EXISTS {identifier(schema)}")
        query(f"CREATE TABLE {self.sql}({self.id} bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "
              f"{self.status} text NOT NULL, data jsonb)")

    def words(self, *more):
        schema, name, status, id_column = self.names
        values = [word for kind, value in self.values.items()
                  for word in (f"--{kind}-value", value)]
        return ["db", "adopt", "--url", self.url, "--schema", schema, "--table", name,
                "--status-column", status, "--id-column", id_column, "--queue", "mail",
                "--type", "job", "--payload-column", "data", *values, *more]

    def adopt(self):
        ok(*self.words("--apply"))

    def add(self, data="{}", kind="queued"):
        added = self.query(f"INSERT INTO {self.sql}({self.status}, data) VALUES("
                           f"{literal(self.values.get(kind, kind))}, {literal(data)}) "
                           f"RETURNING {self.id}")
        return added.splitlines()[0]

    def of(self, row):
        return self.query(f"SELECT {self.status} FROM {self.sql} WHERE {self.id} = {row}")

    def set(self, row, kind):
        self.query(f"UPDATE {self.sql} SET {self.status} = "
                   f"{literal(self.values.get(kind, kind))} WHERE {self.id} = {row}")


ODD = ["Jobs of App", 'a"b', "it's", "a.b", "$tranter$", "100%I", "back\\slash", "a;b--c",
       '"; DROP TABLE tranter.jobs; --', "$$", "größe"]


def test_any_name_and_value_can_be_adopted(tables, query, worker_of):
    adopted = {}
    for odd in ODD:
        values = {kind: f"{odd} {kind}" for kind in VALUES}
        table = Table(tables, query, odd, odd, odd, odd + "_id", values)
        before = table.add('{"n": 1}')
        table.adopt()
        adopted[odd] = table, before, table.add('{"n": 2}')
    assert query("SELECT count(*) FROM tranter.jobs") == str(2 * len(ODD))
    worker = worker_of(tables)
    for odd, (table, before, after) in adopted.items():
        for row in (before, after):
            eventually(lambda: table.of(row) == f"{odd} done", seconds=60)
    assert worker.end()[0] == 0
    for odd, (table, _, _) in adopted.items():
        ok("db", "adopt", "--url", tables, "--schema", odd, "--table", odd, "--remove", "--apply")
        table.add()
    assert query("SELECT count(*) FROM tranter.jobs") == "0"
    assert query("SELECT count(*) FROM pg_proc WHERE proname LIKE 'adopted%'") == "0"


def test_the_status_follows_the_job(tables, query, tmp_path, worker_of):
    table = Table(tables, query)
    table.adopt()
    good, bad, other = table.add(), table.add('{"do": "boom"}'), table.add(kind="draft")
    (tmp_path / "hold").touch()
    worker = worker_of(tables)
    eventually(lambda: table.of(good) == table.of(bad) == "running", seconds=60)
    (tmp_path / "hold").unlink()
    eventually(lambda: table.of(good) == "done" and table.of(bad) == "failed", seconds=60)
    assert table.of(other) == "draft"
    table.set(other, "queued")
    eventually(lambda: table.of(other) == "done", seconds=60)
    assert worker.end()[0] == 0


def test_a_row_is_enqueued_once_however_often_it_is_asked_for(tables, query):
    table = Table(tables, query)
    rows = [table.add() for _ in range(3)]
    for _ in range(2):
        table.adopt()
    table.set(rows[0], "queued")
    table.set(rows[0], "draft")
    assert query("SELECT count(*) FROM tranter.jobs") == "2"
    table.set(rows[0], "queued")
    query(f"DELETE FROM {table.sql} WHERE id = {rows[1]}")
    assert query("SELECT count(*) FROM tranter.jobs") == "2"
    assert query("SELECT count(*) FROM tranter.finished_jobs WHERE state = 6") == "2"
    assert table.of(rows[0]) == "queued"


def test_the_job_is_there_when_the_row_is(tables, query):
    table = Table(tables, query)
    table.adopt()
    query(f"BEGIN; INSERT INTO {table.sql}(status) VALUES('queued'); ROLLBACK")
    assert query("SELECT count(*) FROM tranter.jobs") == "0"


def test_a_row_that_is_queued_again_while_it_runs_runs_again(tables, query, tmp_path, worker_of):
    table = Table(tables, query)
    table.adopt()
    row = table.add()
    (tmp_path / "hold").touch()
    worker = worker_of(tables)
    eventually(lambda: table.of(row) == "running", seconds=60)
    table.set(row, "queued")
    (tmp_path / "hold").unlink()
    eventually(lambda: table.of(row) == "done", seconds=60)
    assert query("SELECT count(*) FROM tranter.finished_jobs WHERE state = 3") == "2"
    assert worker.end()[0] == 0


def test_a_job_that_is_cancelled_or_retried_is_seen_in_the_row(tables, query, worker_of):
    table = Table(tables, query)
    table.adopt()
    row = table.add('{"do": "boom"}')
    job = query("SELECT id FROM tranter.jobs")
    ok("job", "cancel", job, "--provider", tables)
    assert table.of(row) == "failed"
    table.set(row, "queued")
    worker = worker_of(tables)
    eventually(lambda: table.of(row) == "failed", seconds=60)
    assert worker.end()[0] == 0
    [letter] = ok("job", "list", "--state", "dead", "--provider", tables, "-o", "json").json()
    ok("job", "retry", letter["id"], "--provider", tables)
    assert table.of(row) == "queued"


def test_writers_need_no_rights_in_the_schema(postgres, tables, query):
    table = Table(tables, query)
    table.adopt()
    query(f"CREATE ROLE writer_{name_of(tables)} LOGIN; "
          f"GRANT INSERT ON {table.sql} TO writer_{name_of(tables)}")
    done = psql(postgres, tables, f"INSERT INTO {table.sql}(status) VALUES('queued')",
                f"writer_{name_of(tables)}")
    assert done == (0, "")
    assert query("SELECT count(*) FROM tranter.jobs") == "1"


def test_a_table_of_somebody_else_is_not_adopted(tables, query):
    table = Table(tables, query)
    query(f"CREATE ROLE other_{name_of(tables)}; "
          f"ALTER TABLE {table.sql} OWNER TO other_{name_of(tables)}")
    refused = tranter(*table.words("--apply"))
    check_failure(refused, 5)
    assert "by its owner" in refused.err
    assert query("SELECT count(*) FROM pg_proc WHERE proname LIKE 'adopted%'") == "0"


def test_printed_adoption_refuses_a_table_of_somebody_else(postgres, tables, query):
    table = Table(tables, query)
    script = ok(*table.words()).out
    query(f"CREATE ROLE other_{name_of(tables)}; "
          f"ALTER TABLE {table.sql} OWNER TO other_{name_of(tables)}")
    code, errors = psql(postgres, tables, script)
    assert code != 0 and "has to be of who adopts it" in errors


def test_a_table_is_found_by_the_path_of_its_user(tables, query):
    table = Table(tables, query, schema="app")
    query(f"ALTER DATABASE {name_of(tables)} SET search_path = app, public")
    words = table.words("--apply")
    at = words.index("--schema")
    ok(*words[:at], *words[at + 2:])
    table.add()
    assert query("SELECT count(*) FROM tranter.jobs") == "1"


@pytest.mark.parametrize("key", ["tranter.row:public.tasks:1", "tranter.row:public.tasks:x"])
def test_a_job_of_somebody_else_is_not_that_of_a_row(tables, query, key, worker_of):
    table = Table(tables, query)
    table.adopt()
    row = table.add(kind="draft")
    table.set(row, "running")
    refused = tranter("job", "enqueue", "mail", "job", "--provider", tables, "--dedup", key)
    assert refused.code == 2 and "only rows of adopted tables" in refused.err
    # As nobody but the owner can.
    query("SELECT tranter.enqueue('mail', 'job', '1', '{\"dedup\": {\"key\": \"k\"}}')")
    query("UPDATE tranter.jobs SET dedup_key = 'tranter.row:public.tasks:x'")
    worker = worker_of(tables)
    eventually(lambda: query("SELECT count(*) FROM tranter.finished_jobs") == "1", seconds=60)
    assert worker.end()[0] == 0
    assert table.of(row) == "running"


def test_nothing_that_writers_depend_on_is_rolled_back(tables, query):
    table = Table(tables, query)
    table.adopt()
    refused = tranter("db", "rollback", "--to", "0", "--yes", "--url", tables)
    check_failure(refused, 4)
    assert "public.tasks is adopted" in refused.err


def test_a_table_that_is_gone_does_not_stop_its_jobs(tables, query, worker_of):
    table = Table(tables, query)
    table.adopt()
    table.add()
    query(f"DROP TABLE {table.sql}")
    worker = worker_of(tables)
    eventually(lambda: query("SELECT count(*) FROM tranter.finished_jobs") == "1", seconds=60)
    assert worker.end()[0] == 0


MISFITS = [
    ("table", "nosuch", 3, "no table"),
    ("schema", "nosuch", 3, "no table"),
    ("status-column", "nosuch", 3, "no column"),
    ("id-column", "nosuch", 3, "no column"),
    ("id-column", "data", 2, "UNIQUE"),
    ("payload-column", "nosuch", 3, "no column"),
    ("type-column", "nosuch", 3, "no column"),
    ("type", "no such", 2, "type is"),
    ("queue", "x'; DROP TABLE tranter.jobs; --", 1, "queue name is"),
]


def test_what_does_not_fit_is_refused_and_changes_nothing(tables, query):
    table = Table(tables, query)
    table.add()
    for flag, value, code, said in MISFITS:
        words = table.words("--apply")
        if f"--{flag}" in words:
            words[words.index(f"--{flag}") + 1] = value
        else:
            words += [f"--{flag}", value]
        refused = tranter(*words)
        assert refused.code == code and said in refused.err, refused
    assert query("SELECT count(*) FROM tranter.jobs") == "0"
    assert query("SELECT count(*) FROM pg_proc WHERE proname LIKE 'adopted%'") == "0"


# text of users

HOSTILE = ["'; DROP TABLE tranter.jobs; --", '"; DROP TABLE tranter.jobs; --', "' OR '1'='1",
           "\\'; DELETE FROM tranter.jobs; --", "$$; DROP TABLE tranter.jobs; $$", "%s%I%L",
           "{\"a\"}", "1); DROP TABLE tranter.jobs; --", "\\x27"]


def test_text_of_users_is_only_text(tables, query):
    for number, text in enumerate(HOSTILE, 1):
        quoted = json.dumps(text)
        kept = ok("job", "enqueue", "mail", "job", json.dumps({"text": text}), "--provider", tables,
                  "--group", text, "--tag", text, "--dedup", text, "-o", "name").out.strip()
        shown = ok("job", "show", kept, "--provider", tables).json()
        assert shown["payload"] == {"text": text}
        for words in (
            ["list", "--filter", text], ["list", "--filter", f"args.text:{quoted}"],
            ["list", "--filter", f"group:{quoted} tag:{quoted}"], ["list", "--queue", text],
            ["list", "--type", text], ["list", "--cursor", text], ["show", text],
            ["cancel", text], ["enqueue", text, "job"], ["enqueue", "mail", text],
        ):
            outcome = tranter("job", *words, "--provider", tables)
            assert outcome.code in (0, 2, 3, 4), (words, outcome)
            assert "syntax error" not in outcome.err, (words, outcome)
        assert query("SELECT count(*) FROM tranter.jobs") == str(number)
    assert query("SELECT name FROM tranter.queues") == "mail"

"""Brokers and databases that loss_table.py loses messages with. Each keeps its data in one
directory; `send` returns once the message is acknowledged; `count` says how many are there."""

import contextlib
import os
import pathlib
import pwd
import signal
import socket
import subprocess
import time

from clients import Client
from history import History
from local_machine import free_port
from loop_disk import wait_until_all_are
from server import Server
from traffic import counted
from waiting import eventually

LOG = subprocess.DEVNULL


def children(process):
    """It and everything below it."""
    found = [process]
    for parent in found:
        for task in pathlib.Path(f"/proc/{parent}/task").glob("*/children"):
            found += [int(number) for number in task.read_text().split()]
    return found


class LineClient:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.file = self.socket.makefile("rb")

    def ask(self, request):
        self.socket.sendall(request)
        line = self.file.readline()
        if not line.endswith(b"\n"):
            raise ConnectionError("no answer")
        return line


class Backend:
    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.port = free_port()
        self.process = None

    def run(self, *words, **options):
        self.process = subprocess.Popen(words, stdout=LOG, stderr=LOG, **options)
        eventually(self.is_up, seconds=60, pause=0.05)

    def is_up(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True

    def processes(self):
        return children(self.process.pid)

    def kill(self):
        processes = self.processes()
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        wait_until_all_are(processes, "ZX")
        self.ended()

    def ended(self):
        self.process.wait(30)


class Tranter(Backend):
    def __init__(self, directory, level):
        super().__init__(directory)
        self.level = level

    def start(self):
        flags = ["--data", str(self.directory), "--durability", self.level]
        self.server = Server(*(flags if self.level != "none" else []))
        self.process = self.server.process
        self.client = Client(History(), "p", 1)
        self.client.connect(self.server)

    def prepare(self):
        self.client.create_queue("q")

    def send(self, number):
        params = {"QueueUrl": self.client.url("q"), "MessageBody": str(number)}
        status, body = self.client.post("SendMessage", params)
        assert status == 200, body

    def count(self):
        if self.level == "none":
            self.prepare()
        return counted(self.client, "q")


class Redis(Backend):
    def __init__(self, directory, policy):
        super().__init__(directory)
        self.policy = policy

    def start(self):
        self.run(
            "redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--dir",
            str(self.directory), "--save", "", "--appendonly", "yes", "--appendfsync", self.policy,
        )
        eventually(lambda: LineClient(self.port).ask(b"PING\r\n") == b"+PONG\r\n")
        self.client = LineClient(self.port)

    def prepare(self):
        """Nothing to do."""

    def send(self, number):
        answer = self.client.ask(b"RPUSH q %d\r\n" % number)
        assert answer.startswith(b":"), answer

    def count(self):
        return int(self.client.ask(b"LLEN q\r\n")[1:])


class Beanstalkd(Backend):
    def __init__(self, directory, flag):
        super().__init__(directory)
        self.flag = flag

    def start(self):
        words = ["-l", "127.0.0.1", "-p", str(self.port), "-b", str(self.directory), self.flag]
        self.run("beanstalkd", *words)
        self.client = LineClient(self.port)

    def prepare(self):
        """Nothing to do."""

    def send(self, number):
        answer = self.client.ask(b"put 0 0 60 8\r\n%08d\r\n" % number)
        assert answer.startswith(b"INSERTED"), answer

    def count(self):
        size = int(self.client.ask(b"stats\r\n").split()[1])
        lines = self.client.file.read(size + 2).decode().splitlines()
        return int(next(line for line in lines if line.startswith("current-jobs-ready")).split()[1])


class Postgres(Backend):
    programs = pathlib.Path("/usr/lib/postgresql/15/bin")

    def __init__(self, directory, commit):
        super().__init__(directory)
        self.commit = commit

    def start(self):
        user = pwd.getpwnam("postgres").pw_uid
        if not (self.directory / "PG_VERSION").exists():
            os.chown(self.directory, user, user)
            words = [self.programs / "initdb", "-D", self.directory, "-A", "trust"]
            subprocess.run(words, user=user, stdout=LOG, check=True)
        (self.directory / "postmaster.pid").unlink(missing_ok=True)
        settings = [f"synchronous_commit={self.commit}", "listen_addresses=127.0.0.1"]
        settings += [f"unix_socket_directories={self.directory}"]
        flags = [word for setting in settings for word in ("-c", setting)]
        program = self.programs / "postgres"
        self.run(program, "-D", self.directory, "-p", str(self.port), *flags, user=user)
        eventually(lambda: self.query("select 1") == "1", seconds=60)
        self.client = subprocess.Popen(
            self.psql(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=LOG, bufsize=0
        )

    def psql(self):
        return ["psql", "-qAtX", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres"]

    def query(self, text):
        done = subprocess.run([*self.psql(), "-c", text], capture_output=True, text=True)
        return done.stdout.strip()

    def prepare(self):
        self.query("create table q (number int)")

    def send(self, number):
        self.client.stdin.write(b"insert into q values (%d) returning 'done';\n" % number)
        if self.client.stdout.readline() != b"done\n":
            raise ConnectionError("no answer")

    def count(self):
        return int(self.query("select count(*) from q"))


class RabbitMq(Backend):
    """A quorum queue with one member, and publisher confirms."""

    def start(self):
        home = self.directory / "home"
        home.mkdir(exist_ok=True)
        if not hasattr(self, "node"):
            self.node, self.distribution = f"loss{self.port}@localhost", free_port()
            self.names = free_port()  # of its name server, which would stay behind as a daemon
        self.name_server = subprocess.Popen(
            ["epmd", "-port", str(self.names)], stdout=LOG, stderr=LOG, cwd="/"
        )
        environment = {
            **os.environ, "HOME": str(home), "ERL_EPMD_PORT": str(self.names),
            "RABBITMQ_NODENAME": self.node,
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1", "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self.distribution), "RABBITMQ_LOGS": "-",
            "RABBITMQ_MNESIA_BASE": str(self.directory / "mnesia"),
            "RABBITMQ_PID_FILE": str(home / "pid"), "RABBITMQ_CONFIG_FILE": str(home / "none"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "plugins"),
        }
        self.run("/usr/lib/rabbitmq/bin/rabbitmq-server", env=environment, cwd="/")
        self.channel = eventually(self.open_channel, seconds=60, pause=0.2)

    def open_channel(self):
        import pika  # only here, so that the others can be run without it

        where = pika.ConnectionParameters("127.0.0.1", self.port, heartbeat=0)
        try:
            channel = pika.BlockingConnection(where).channel()
            self.declare(channel)
        except (pika.exceptions.AMQPError, OSError):
            return None
        channel.confirm_delivery()
        return channel

    def processes(self):
        return [*super().processes(), self.name_server.pid]

    def ended(self):
        super().ended()
        self.name_server.wait(30)

    def declare(self, channel):
        arguments = {"x-queue-type": "quorum"}
        return channel.queue_declare("q", durable=True, arguments=arguments)

    def prepare(self):
        """The queue was declared with the connection."""

    def send(self, number):
        import pika

        try:
            self.channel.basic_publish(
                "", "q", str(number), pika.BasicProperties(delivery_mode=2), mandatory=True
            )
        except pika.exceptions.AMQPError as error:
            raise ConnectionError(str(error)) from None

    def count(self):
        """Its counter lags behind, so wait until it stays the same."""
        last, same = -1, 0
        while same < 10:
            now = self.declare(self.channel).method.message_count
            same = same + 1 if now == last else 0
            last = now
            time.sleep(0.2)
        return last


BACKENDS = {
    "Tranter `none`": lambda directory: Tranter(directory, "none"),
    "Tranter `os`": lambda directory: Tranter(directory, "os"),
    "Tranter `sync`": lambda directory: Tranter(directory, "sync"),
    "Redis 7.0 `appendfsync everysec`": lambda directory: Redis(directory, "everysec"),
    "Redis 7.0 `appendfsync always`": lambda directory: Redis(directory, "always"),
    "PostgreSQL 15 `synchronous_commit=off`": lambda directory: Postgres(directory, "off"),
    "PostgreSQL 15 `synchronous_commit=on`": lambda directory: Postgres(directory, "on"),
    "beanstalkd 1.12 `-f50` (its default)": lambda directory: Beanstalkd(directory, "-f50"),
    "beanstalkd 1.12 `-f0`": lambda directory: Beanstalkd(directory, "-f0"),
    "RabbitMQ 3.10 quorum queue": RabbitMq,
}

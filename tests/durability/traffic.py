"""Applications of several kinds at once against one server, until it or the test ends them."""

import json
import threading
import time

from clients import Client, Gone

QUEUES = ["work", "work-dead", "ledger.fifo", "ledger-dead.fifo", "scrap", "brief"]
ARN = "arn:aws:sqs:us-east-1:000000000000:"
LEASES = [1, 2, 3]
MAX_RECEIVES = 3


def redrive_policy(dead, most):
    policy = {"deadLetterTargetArn": ARN + dead, "maxReceiveCount": most}
    return json.dumps(policy, separators=(",", ":"))


class Producer(Client):
    """Standard messages, alone and in batches, some delayed."""

    queue = "work"

    def step(self):
        count = self.random.choice([1, 1, 1, 2, 10])
        delay = self.random.choice([None] * 9 + [1])
        self.send(self.queue, [self.new_message() for _ in range(count)], delay=delay)


class ScrapProducer(Producer):
    queue = "scrap"


class FifoProducer(Client):
    """Sends again what got no answer, under its old de-duplication id, before anything new."""

    groups = 4

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.again = []

    def step(self):
        if self.again:
            group, messages = self.again.pop()
        else:
            group = f"{self.name}-{self.random.randrange(self.groups)}"
            messages = [self.new_message() for _ in range(self.random.choice([1, 1, 5]))]
        try:
            operations = self.send("ledger.fifo", messages, group)
        except Gone:
            self.again.append((group, messages))
            raise
        unanswered = [
            message for message, one in zip(messages, operations) if one.outcome == "unknown"
        ]
        if unanswered:
            self.again.append((group, unanswered))


class Consumer(Client):
    """Deletes most of what it gets; lets some leases run out, ends some, keeps some receipts."""

    def __init__(self, history, name, seed, queue):
        super().__init__(history, name, seed)
        self.queue = queue
        self.kept = []

    def step(self):
        most = self.random.randint(1, 10)
        lease = self.random.choice(LEASES)
        messages = self.receive(self.queue, lease, most, wait=self.random.choice([0, 0, 1]))
        choices = [(self.random.random(), message) for message in messages]
        done = [message for choice, message in choices if choice < 0.85]
        if self.random.random() < 0.5:
            if done:
                self.delete(self.queue, done)
        else:
            for message in done:
                self.delete(self.queue, [message])
        for choice, message in choices:
            if 0.85 <= choice < 0.95:
                self.change_visibility(self.queue, message, self.random.choice([0, 0, 1]))
            elif choice >= 0.98:
                self.kept.append(message)
        if self.kept and self.random.random() < 0.1:
            self.delete(self.queue, [self.kept.pop()])


class Administrator(Client):
    """Purges, settings, tags, and a queue that comes and goes."""

    def step(self):
        number = self.random.randrange(5)
        if number == 0:
            self.purge("scrap")
            self.receive("scrap", 1, 10)
        elif number == 1:
            self.get_attribute("work", "MessageRetentionPeriod")
            self.set_attribute(
                "work", "MessageRetentionPeriod", str(self.random.randint(3600, 1_000_000))
            )
        elif number == 2:
            self.get_tag("work", "colour")
            self.tag("work", "colour", str(self.random.random()))
        else:
            self.queue_exists("brief")
            self.create_queue("brief")
            self.send("brief", [self.new_message()])
            if number == 3:
                self.receive("brief", 1)
                self.delete_queue("brief")
                self.queue_exists("brief")


def create_queues(history, server):
    client = Client(history, "setup", 0)
    client.connect(server)
    for queue in QUEUES:
        attributes = {"FifoQueue": "true"} if queue.endswith(".fifo") else {}
        client.create_queue(queue, **attributes)
    for queue, dead in (("work", "work-dead"), ("ledger.fifo", "ledger-dead.fifo")):
        client.set_attribute(queue, "RedrivePolicy", redrive_policy(dead, MAX_RECEIVES))
    client.close()


class Traffic:
    """The clients of one test; they go on where they were with every server they are given."""

    def __init__(self, history, seed):
        self.history = history
        self.clients = [
            Producer(history, "p", seed),
            ScrapProducer(history, "s", seed),
            FifoProducer(history, "f1", seed),
            FifoProducer(history, "f2", seed),
            Consumer(history, "c1", seed, "work"),
            Consumer(history, "c2", seed, "work"),
            Consumer(history, "c3", seed, "ledger.fifo"),
            Consumer(history, "c4", seed, "work-dead"),
            Administrator(history, "a", seed),
        ]

    def run(self, server, seconds, strike):
        """Lets them work for so long, calls `strike`, and waits until all have stopped."""
        stop = threading.Event()
        threads = [
            threading.Thread(target=self._work, args=(client, server, stop), daemon=True)
            for client in self.clients
        ]
        for thread in threads:
            thread.start()
        time.sleep(seconds)  # the load's length, not a wait for anything
        try:
            strike()
        finally:
            stop.set()
            for thread in threads:
                thread.join(40)
        assert not any(thread.is_alive() for thread in threads), "a client still waits"

    @staticmethod
    def _work(client, server, stop):
        client.connect(server)
        try:
            while not stop.is_set():
                client.step()
        except Gone:
            pass
        finally:
            client.close()


def drain(history, server, queues=tuple(QUEUES), seconds=40):
    """Receives and deletes until every queue is empty, which its counters must say as well."""
    client = Client(history, f"drain-{len(history.operations)}", 0)
    client.connect(server)
    deadline = time.monotonic() + seconds
    left = list(queues)
    operation = history.begin("drained", queues=list(queues))
    while left:
        assert time.monotonic() < deadline, f"{left} do not get empty"
        for queue in list(left):
            if counted(client, queue) == 0 and not client.receive(queue, 30, 1):
                left.remove(queue)
                # what is exhausted there arrives here
                left += [one for one in queues if one == dead_letters(queue) and one not in left]
            elif messages := client.receive(queue, 30, 10, wait=1 if len(left) == 1 else 0):
                client.delete(queue, messages)
    operation.ok()
    client.close()


def dead_letters(queue):
    return {"work": "work-dead", "ledger.fifo": "ledger-dead.fifo"}.get(queue)


COUNTERS = [
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
]


def counted(client, queue):
    params = {"QueueUrl": client.url(queue), "AttributeNames": COUNTERS}
    status, answer = client.post("GetQueueAttributes", params)
    if status != 200:  # the queue that comes and goes
        return 0
    return sum(int(value) for value in answer["Attributes"].values())

"""Clients that do what applications do, over kept connections, and record it in a history."""

import base64
import hashlib
import http.client
import json
import random
import socket

from history import digest
from wire import JSON_TYPE

RECEIVE_ALL = {"MessageAttributeNames": ["All"], "MessageSystemAttributeNames": ["All"]}


class Gone(Exception):
    """The server does not answer any more."""


class Client:
    """One connection at a time. Not thread-safe; keeps its random choices over reconnects."""

    def __init__(self, history, name, seed):
        self.history = history
        self.name = name
        self.random = random.Random(f"{seed}-{name}")
        self._connection = None
        self._base = ""
        self._sent = 0

    def connect(self, server):
        self.close()
        self._connection = http.client.HTTPConnection(server.host, server.port, timeout=30)
        self._base = server.endpoint

    def close(self):
        if self._connection is not None:
            self._connection.close()

    def url(self, queue):
        return f"{self._base}/000000000000/{queue}"

    def post(self, action, params):
        """Status and decoded body; Gone when there is no whole answer."""
        headers = {"Content-Type": JSON_TYPE, "X-Amz-Target": f"AmazonSQS.{action}"}
        try:
            if self._connection.sock is None:
                self._connection.connect()
                self._connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._connection.request("POST", "/", json.dumps(params), headers)
            response = self._connection.getresponse()
            body = response.read()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise Gone(str(error)) from None
        return response.status, json.loads(body) if body else {}

    def call(self, operations, action, params):
        """The answer of a success, and None of a refusal, which ends all `operations`."""
        try:
            status, body = self.post(action, params)
        except Gone:
            for operation in operations:
                operation.unknown()
            raise
        if status == 200:
            return body
        for operation in operations:
            end = operation.fail if status < 500 else operation.unknown
            end(status=status, code=body.get("__type", ""), text=body.get("message", ""))
        return None

    # One of each.

    def new_message(self):
        self._sent += 1
        key = f"{self.name}-{self._sent}"
        size = self.random.choice([20, 20, 200, 200, 200, 2000, 2000, 20_000])
        filler = base64.b64encode(self.random.randbytes(size)).decode()
        body = f"{key} {filler}"
        if self.random.random() < 0.3:
            value = hashlib.sha256(body.encode()).hexdigest()
            return key, body, {"check": {"DataType": "String", "StringValue": value}}
        return key, body, {}

    def send(self, queue, messages, group=None, delay=None):
        """Messages as of new_message(): one as a SendMessage, several as a batch. Those with a
        group have their key for de-duplication id. Returns the operations."""
        entries, operations = [], []
        for number, (key, body, attributes) in enumerate(messages):
            entry = {"Id": str(number), "MessageBody": body}
            members = {"queue": queue, "key": key, "digest": digest(body, attributes)}
            if attributes:
                entry["MessageAttributes"] = attributes
            if group is not None:
                entry |= {"MessageGroupId": group, "MessageDeduplicationId": key}
                members |= {"group": group, "dedup": key}
            if delay:
                entry["DelaySeconds"] = delay
                members["delay"] = delay
            entries.append(entry)
            operations.append(self.history.begin("send", **members))
        if len(entries) == 1:
            del entries[0]["Id"]
            params = {"QueueUrl": self.url(queue), **entries[0]}
            answer = self.call(operations, "SendMessage", params)
            if answer is not None:
                self._sent_ok(operations[0], answer)
        else:
            self._batch(operations, "SendMessageBatch", queue, entries, self._sent_ok)
        return operations

    @staticmethod
    def _sent_ok(operation, answer):
        operation.ok(id=answer["MessageId"], sequence=answer.get("SequenceNumber"))

    def _batch(self, operations, action, queue, entries, on_success):
        answer = self.call(operations, action, {"QueueUrl": self.url(queue), "Entries": entries})
        if answer is None:
            return
        for entry in answer.get("Successful", []):
            on_success(operations[int(entry["Id"])], entry)
        for entry in answer.get("Failed", []):
            operation = operations[int(entry["Id"])]
            end = operation.fail if entry["SenderFault"] else operation.unknown
            end(code=entry["Code"], text=entry.get("Message", ""))

    def receive(self, queue, visibility, most=10, wait=0):
        """The messages as SQS gives them."""
        operation = self.history.begin("receive", queue=queue, visibility=visibility)
        params = {
            "QueueUrl": self.url(queue), "MaxNumberOfMessages": most, "WaitTimeSeconds": wait,
            "VisibilityTimeout": visibility, **RECEIVE_ALL,
        }
        answer = self.call([operation], "ReceiveMessage", params)
        if answer is None:
            return []
        messages = answer.get("Messages", [])
        operation.ok(messages=[self._delivered(message) for message in messages])
        return messages

    @staticmethod
    def _delivered(message):
        system = message["Attributes"]
        carried = {
            name: {member: value[member] for member in ("DataType", "StringValue")}
            for name, value in message.get("MessageAttributes", {}).items()
        }
        return {
            "id": message["MessageId"],
            "key": message["Body"].partition(" ")[0],
            "digest": digest(message["Body"], carried),
            "count": int(system["ApproximateReceiveCount"]),
            "sequence": system.get("SequenceNumber"),
            "group": system.get("MessageGroupId"),
        }

    def delete(self, queue, messages):
        operations = [
            self.history.begin("delete", queue=queue, id=one["MessageId"]) for one in messages
        ]
        receipts = [{"ReceiptHandle": one["ReceiptHandle"]} for one in messages]
        if len(messages) == 1:
            params = {"QueueUrl": self.url(queue), **receipts[0]}
            if self.call(operations, "DeleteMessage", params) is not None:
                operations[0].ok()
        else:
            entries = [{"Id": str(number), **one} for number, one in enumerate(receipts)]
            done = lambda operation, _: operation.ok()
            self._batch(operations, "DeleteMessageBatch", queue, entries, done)
        return operations

    def simple(self, recorded, action, **params):
        """A call that is one operation, given as (action, members)."""
        operation = self.history.begin(recorded[0], **recorded[1])
        queue = recorded[1]["queue"]
        if self.call([operation], action, {"QueueUrl": self.url(queue), **params}) is not None:
            operation.ok()
        return operation

    def change_visibility(self, queue, message, seconds):
        return self.simple(
            ("change", {"queue": queue, "id": message["MessageId"]}),
            "ChangeMessageVisibility",
            ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=seconds,
        )

    def purge(self, queue):
        return self.simple(("purge", {"queue": queue}), "PurgeQueue")

    def set_attribute(self, queue, name, value):
        return self.simple(
            ("set", {"queue": queue, "name": name, "value": value}),
            "SetQueueAttributes", Attributes={name: value},
        )

    def get_attribute(self, queue, name):
        operation = self.history.begin("get", queue=queue, name=name)
        params = {"QueueUrl": self.url(queue), "AttributeNames": [name]}
        answer = self.call([operation], "GetQueueAttributes", params)
        if answer is not None:
            operation.ok(value=answer.get("Attributes", {}).get(name))

    def tag(self, queue, name, value):
        return self.simple(
            ("set", {"queue": queue, "name": f"tag {name}", "value": value}),
            "TagQueue", Tags={name: value},
        )

    def get_tag(self, queue, name):
        operation = self.history.begin("get", queue=queue, name=f"tag {name}")
        answer = self.call([operation], "ListQueueTags", {"QueueUrl": self.url(queue)})
        if answer is not None:
            operation.ok(value=answer.get("Tags", {}).get(name))

    def create_queue(self, queue, **attributes):
        """Recorded as the setting `exists`, so that its being there is checked like one."""
        operation = self.history.begin("set", queue=queue, name="exists", value=True)
        params = {"QueueName": queue, "Attributes": attributes}
        if self.call([operation], "CreateQueue", params) is not None:
            operation.ok()
        return operation

    def delete_queue(self, queue):
        setting = self.history.begin("set", queue=queue, name="exists", value=False)
        operation = self.history.begin("delete_queue", queue=queue)
        params = {"QueueUrl": self.url(queue)}
        if self.call([setting, operation], "DeleteQueue", params) is not None:
            setting.ok()
            operation.ok()

    def queue_exists(self, queue):
        operation = self.history.begin("get", queue=queue, name="exists")
        try:
            status, body = self.post("GetQueueUrl", {"QueueName": queue})
        except Gone:
            operation.unknown()
            raise
        if status == 200 or "QueueDoesNotExist" in body.get("__type", ""):
            operation.ok(value=status == 200)
        else:
            operation.unknown(status=status)

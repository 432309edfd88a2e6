"""SQS requests written by hand, in both protocols, with nothing retried and nothing hidden.

`Api(server, "json")` and `Api(server, "query")` take the same parameters and give back the same
results, so one test states a behaviour for both; `reply` gives the raw bytes for wire details.
"""

import http.client
import json
import urllib.parse
import xml.etree.ElementTree as ET
from dataclasses import dataclass

NAMESPACE = "{http://queue.amazonaws.com/doc/2012-11-05/}"
JSON_TYPE = "application/x-amz-json-1.0"
FORM_TYPE = "application/x-www-form-urlencoded"

# Query names of lists and maps: JSON member -> (prefix, kind).
FLAT = {
    "Attributes": ("Attribute", "map", "Name"),
    "tags": ("Tag", "map", "Key"),
    "Tags": ("Tag", "map", "Key"),
    "AttributeNames": ("AttributeName", "list", None),
    "MessageSystemAttributeNames": ("MessageSystemAttributeName", "list", None),
    "MessageAttributeNames": ("MessageAttributeName", "list", None),
    "TagKeys": ("TagKey", "list", None),
    "AWSAccountIds": ("AWSAccountId", "list", None),
    "Actions": ("ActionName", "list", None),
    "MessageAttributes": ("MessageAttribute", "attributes", None),
    "MessageSystemAttributes": ("MessageSystemAttribute", "attributes", None),
}
RESULT_LISTS = {
    "QueueUrl": "QueueUrls",
    "Message": "Messages",
    "SendMessageBatchResultEntry": "Successful",
    "DeleteMessageBatchResultEntry": "Successful",
    "ChangeMessageVisibilityBatchResultEntry": "Successful",
    "BatchResultErrorEntry": "Failed",
    "ListMessageMoveTasksResultEntry": "Results",
}
RESULT_MAPS = {"Attribute": "Attributes", "Tag": "Tags", "MessageAttribute": "MessageAttributes"}
INTEGERS = {
    "ApproximateNumberOfMessagesMoved",
    "ApproximateNumberOfMessagesToMove",
    "MaxNumberOfMessagesPerSecond",
    "StartedTimestamp",
}


@dataclass
class Reply:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self):
        return json.loads(self.body) if self.body else {}

    def xml(self):
        return ET.fromstring(self.body)


@dataclass
class ApiError(Exception):
    """What a caller sees of an error: `code` is the legacy code in both protocols."""

    status: int
    code: str
    fault: str
    message: str
    shape: str | None = None


def request(server, method, path, body=None, headers=None, timeout=40):
    connection = http.client.HTTPConnection(server.host, server.port, timeout=timeout)
    try:
        connection.request(method, path, body=body, headers=headers or {})
        response = connection.getresponse()
        return Reply(response.status, response.headers, response.read())
    finally:
        connection.close()


def json_request(server, action, params, path="/", headers=None):
    body = params if isinstance(params, (bytes, str)) else json.dumps(params)
    sent = {"Content-Type": JSON_TYPE, "X-Amz-Target": f"AmazonSQS.{action}", **(headers or {})}
    return request(server, "POST", path, body, sent)


def query_request(server, params, path="/", method="POST", headers=None):
    form = urllib.parse.urlencode(params)
    if method == "GET":
        return request(server, "GET", f"{path}?{form}", headers=headers)
    return request(server, method, path, form, {"Content-Type": FORM_TYPE, **(headers or {})})


def flatten(action, params):
    """JSON members to query parameters, as section 3 of the protocol names them."""
    flat = {}
    for name, value in params.items():
        if name == "Entries":
            for number, entry in enumerate(value, 1):
                for key, inner in flatten(action, entry).items():
                    flat[f"{action}RequestEntry.{number}.{key}"] = inner
        elif name in FLAT and isinstance(value, (dict, list)):
            prefix, kind, key_name = FLAT[name]
            flat.update(_flatten_collection(prefix, kind, key_name, value))
        elif isinstance(value, bool):
            flat[name] = "true" if value else "false"
        else:
            flat[name] = str(value)
    return flat


def _flatten_collection(prefix, kind, key_name, value):
    if kind == "list":
        return {f"{prefix}.{n}": item for n, item in enumerate(value, 1)}
    flat = {}
    for number, (key, inner) in enumerate(value.items(), 1):
        if kind == "map":
            flat[f"{prefix}.{number}.{key_name}"] = key
            flat[f"{prefix}.{number}.Value"] = inner
        else:
            flat[f"{prefix}.{number}.Name"] = key
            for member, text in inner.items():
                flat[f"{prefix}.{number}.Value.{member}"] = text
    return flat


def bare(element):
    return element.tag.removeprefix(NAMESPACE)


def unflatten(element):
    """The children of a result element as the JSON protocol would spell them."""
    result = {}
    for child in element:
        name = bare(child)
        if name in RESULT_MAPS:
            fields = {bare(field): field for field in child}
            key = fields.get("Name", fields.get("Key")).text or ""
            value = fields["Value"]
            inner = unflatten(value) if len(value) else value.text or ""
            result.setdefault(RESULT_MAPS[name], {})[key] = inner
        elif name in RESULT_LISTS and _is_list(element, name):
            item = unflatten(child) if len(child) else child.text
            result.setdefault(RESULT_LISTS[name], []).append(item)
        elif name == "SenderFault":
            result[name] = child.text == "true"
        else:
            result[name] = int(child.text) if name in INTEGERS else child.text or ""
    return result


def _is_list(element, name):
    """Two names are a list in one place and a text in another."""
    if name == "QueueUrl":
        return bare(element) in ("ListQueuesResult", "ListDeadLetterSourceQueuesResult")
    return name != "Message" or bare(element) == "ReceiveMessageResult"


class Api:
    """The 23 actions by name in one of the two protocols."""

    def __init__(self, server, protocol):
        self.server = server
        self.protocol = protocol

    def reply(self, action, params=None, headers=None, path="/"):
        params = params or {}
        if self.protocol == "json":
            return json_request(self.server, action, params, path, headers)
        form = {"Action": action, "Version": "2012-11-05", **flatten(action, params)}
        return query_request(self.server, form, path, headers=headers)

    def call(self, action, headers=None, **params):
        """The result of a call that must succeed; ApiError otherwise."""
        reply = self.reply(action, params, headers)
        if reply.status != 200:
            raise self.error_of(reply)
        if self.protocol == "json":
            result = reply.json()
            if "queueUrls" in result:
                result["QueueUrls"] = result.pop("queueUrls")
            return result
        result = reply.xml().find(f"{NAMESPACE}{action}Result")
        return {} if result is None else unflatten(result)

    def error(self, action, headers=None, **params):
        """The error of a call that must fail."""
        try:
            result = self.call(action, headers, **params)
        except ApiError as error:
            return error
        raise AssertionError(f"{action} should have failed, answered {result}")

    def error_of(self, reply):
        if self.protocol == "json":
            code, _, fault = reply.headers["x-amzn-query-error"].partition(";")
            body = reply.json()
            return ApiError(reply.status, code, fault, body["message"], body["__type"])
        error = reply.xml().find(f"{NAMESPACE}Error")
        fields = {bare(field): field.text or "" for field in error}
        return ApiError(reply.status, fields["Code"], fields["Type"], fields["Message"])

    # Short forms for what nearly every test needs.

    def create(self, name, tags=None, **attributes):
        params = {"QueueName": name}
        if attributes:
            params["Attributes"] = {key: str(value) for key, value in attributes.items()}
        if tags:
            params["tags"] = tags
        return self.call("CreateQueue", **params)["QueueUrl"]

    def send(self, queue, body, **params):
        return self.call("SendMessage", QueueUrl=queue, MessageBody=body, **params)

    def receive(self, queue, **params):
        return self.call("ReceiveMessage", QueueUrl=queue, **params).get("Messages", [])

    def attributes(self, queue, *names):
        wanted = list(names) or ["All"]
        result = self.call("GetQueueAttributes", QueueUrl=queue, AttributeNames=wanted)
        return result.get("Attributes", {})

    def arn(self, queue):
        return self.attributes(queue, "QueueArn")["QueueArn"]

#!/usr/bin/env python3
"""Sends a message with boto3 that becomes a job: ./send.py mail email.welcome '{"name": "ann"}'

A job is a message whose attribute `type` names its kind and whose body is its payload. Goes to
$TRANTER_SQS_URL, or http://127.0.0.1:9324.
"""

import os
import sys

import boto3

queue, kind, payload = sys.argv[1:]
endpoint = os.environ.get("TRANTER_SQS_URL", "http://127.0.0.1:9324")
# A server on this machine takes any credentials, unless it was given keys.
os.environ.setdefault("AWS_ACCESS_KEY_ID", "any")
os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "any")
sqs = boto3.client("sqs", endpoint_url=endpoint, region_name="us-east-1")

url = sqs.create_queue(QueueName=queue)["QueueUrl"]
sent = sqs.send_message(
    QueueUrl=url,
    MessageBody=payload,
    MessageAttributes={"type": {"DataType": "String", "StringValue": kind}},
)
print(sent["MessageId"])

#!/usr/bin/env python3
"""What many services have: a loop around SQS. ./before.py QUEUE

It polls, renews the visibility of what it works at, deletes what is done, and leaves everything else to
the visibility timeout. One message at a time; it stops in the middle of one.
"""

import contextlib
import os
import sys
import threading

import boto3
from work import resize

VISIBILITY_SECONDS = 30


@contextlib.contextmanager
def heartbeat(sqs, queue, receipt):
    done = threading.Event()

    def beat():
        while not done.wait(VISIBILITY_SECONDS / 3):
            sqs.change_message_visibility(
                QueueUrl=queue, ReceiptHandle=receipt, VisibilityTimeout=VISIBILITY_SECONDS
            )

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    yield
    done.set()
    thread.join()


def main():
    os.environ.setdefault("AWS_ACCESS_KEY_ID", "any")
    os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "any")
    endpoint = os.environ.get("TRANTER_SQS_URL", "http://127.0.0.1:9324")
    sqs = boto3.client("sqs", endpoint_url=endpoint, region_name="us-east-1")
    queue = sqs.get_queue_url(QueueName=sys.argv[1])["QueueUrl"]
    while True:
        answer = sqs.receive_message(
            QueueUrl=queue, WaitTimeSeconds=20, VisibilityTimeout=VISIBILITY_SECONDS
        )
        for message in answer.get("Messages", []):
            try:
                with heartbeat(sqs, queue, message["ReceiptHandle"]):
                    print(resize(message["Body"]), flush=True)
            except Exception as error:  # it comes again when its visibility ends
                print(error, file=sys.stderr)
                continue
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])


main()

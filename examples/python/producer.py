#!/usr/bin/env python3
"""Enqueues a job for each word and prints its id: ./producer.py mail ann bob"""

import sys

from tranter_jobs import call

queue, *names = sys.argv[1:]
# One call for all of them: either all are enqueued or none.
jobs = [{"type": "email.welcome", "payload": {"name": name}, "tags": ["demo"]} for name in names]
for job in call(f"/v1/queues/{queue}/jobs", jobs):
    print(job["id"])

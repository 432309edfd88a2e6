"""The Celery application of test_celery.py; its worker is a process of its own."""

import os
import pathlib

from celery import Celery

app = Celery("conformance", broker=os.environ.get("BROKER_URL", "sqs://"))
app.conf.update(
    broker_transport_options={
        "region": "us-east-1",
        "is_secure": False,
        "wait_time_seconds": 5,
        "polling_interval": 0.1,
        "visibility_timeout": 30,
        "queue_name_prefix": os.environ.get("QUEUE_PREFIX", ""),
    },
    task_default_queue="jobs",
    task_ignore_result=True,
    worker_enable_remote_control=False,
    broker_connection_retry=False,
)


@app.task(name="write_sum", acks_late=True)
def write_sum(path, numbers, text):
    """Appends its result, so that a second execution would show."""
    with pathlib.Path(path).open("a", encoding="utf-8") as file:
        file.write(f"{sum(numbers)} {text}\n")


@app.task(name="fail_once", bind=True, max_retries=1, default_retry_delay=0)
def fail_once(self, path):
    if self.request.retries == 0:
        raise self.retry()
    pathlib.Path(path).write_text("retried")

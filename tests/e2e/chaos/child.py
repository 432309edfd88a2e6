"""A child that leaves one line in the journal for each job."""

import json
import os
import sys

journal = os.open(os.environ["JOURNAL"], os.O_WRONLY | os.O_APPEND)


def say(**message):
    print(json.dumps(message), flush=True)


for line in sys.stdin:
    job = json.loads(line)
    if job["message"] != "job":
        continue
    number = job["payload"]["n"]
    say(message="progress", id=job["id"], progress={"at": number})
    effect = f"effect python {number} {job['id']} {job['attempt']}\n"
    os.write(journal, effect.encode())
    say(message="result", id=job["id"], outcome="completed", result=number)

"""The same work as a child of `tranter work`, which does everything else."""

from tranter_child import handler, run
from work import resize


@handler("message")  # what a message is that names no type
def do(job, context):
    return resize(job["payload"])


run()

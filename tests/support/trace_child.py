"""A child whose jobs return the trace that they were told."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "clients/python"))
import tranter_child  # noqa: E402


@tranter_child.handler("show")
def show(job, context):
    return [job.get("traceparent"), job.get("tracestate")]


tranter_child.run()

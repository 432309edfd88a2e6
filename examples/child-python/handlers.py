"""Handlers in one process that stays, which pays off when there is much to load."""

import statistics

from tranter_child import Dead, Snooze, handler, run

MODEL = {"mean": statistics.fmean, "median": statistics.median}  # think of something that takes long


@handler("report.generate")
def generate(job, context):
    wanted = job["payload"]
    if wanted["figure"] not in MODEL:
        raise Dead(f"{wanted['figure']} is none of {', '.join(MODEL)}")
    if not wanted["rows"]:
        raise Snooze("1m")  # they come later, and waiting costs no attempt
    total = []
    for number, row in enumerate(wanted["rows"], start=1):
        if context.stopped:
            raise InterruptedError(context.stop_reason)
        total.append(context.step(f"row {number}", lambda row=row: row * 2))
        print("row", number, "is done")  # a line of the job's log
        context.progress(number / len(wanted["rows"]))
    return {wanted["figure"]: MODEL[wanted["figure"]](total)}


run()

"""Plants bugs in copies of src/schedule and requires that its tests find each of them.

A row whose text is no longer in its file exactly once is an error: change the row with the code. A
row changes one source, which is compiled anew; everything else comes from the build.
"""

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "sim_store"))
from mutations import Mutant, main  # noqa: E402

LIBRARIES = ["-lfmt", "-lspdlog", "-lsqlite3", "-lcrypto", "-lgmock", "-lgtest_main", "-lgtest"]
LIBRARIES += ["-pthread", "-ldl"]
FLAGS = ["-O0", "-isystem", "/usr/include/postgresql", "-DSPDLOG_COMPILED_LIB", "-DFMT_SHARED"]
FLAGS += ["-DSPDLOG_FMT_EXTERNAL", "-DSPDLOG_SHARED_LIB"]
QUICK = (
    "PromoterTest.*:Decision*:SlowProviderTest.*:ScheduleSimulation.No*:ScheduleSimulation.Jobs*:"
    "Stores/ScheduleStoreTest.*/file-*Threads*"
)
POSTGRES = "Stores/ScheduleStoreTest.*/postgres:PostgresStoreTest.Runs*"


def arguments(tests):
    return (f"--gtest_filter={tests}", "--gtest_fail_fast", "--gtest_brief=1")


def mutant(name, file, find, replace, tests=QUICK):
    return Mutant(name, ((f"schedule/{file}", find, replace),), arguments(tests))


SOUND = [
    Mutant("nothing is planted", (), arguments(QUICK)),
    Mutant("nothing is planted, in PostgreSQL", (), arguments(POSTGRES)),
]


MUTANTS = [
    mutant(
        "what the dead have left is left",
        "promoter.cpp",
        "    auto left = store_.take_runs(then, then + options_.hold, options_.batch);\n",
        "    Result<std::vector<SlotRun>> left{};\n",
    ),
    mutant(
        "what could not be enqueued is taken for enqueued",
        "promoter.cpp",
        "outcome.state = is_last ? RunState::failed : RunState::claimed;",
        "outcome.state = is_last ? RunState::failed : RunState::enqueued;",
    ),
    mutant(
        "jobs for later are enqueued a second early",
        "promoter.cpp",
        "store_.take_jobs(now, held_until",
        "store_.take_jobs(now + std::chrono::seconds(1), held_until",
    ),
    mutant(
        "a job for later that could not be enqueued is forgotten",
        "promoter.cpp",
        "is_last ? ScheduledState::failed : ScheduledState::waiting;",
        "is_last ? ScheduledState::failed : ScheduledState::cancelled;",
    ),
    mutant(
        "a hand-over goes on when its time is over",
        "handover.cpp",
        "now < parcels_[place].begin_before",
        "parcels_[place].begin_before != TimePoint()",
    ),
    mutant(
        "what was not tried is settled as if it had been",
        "promoter.cpp",
        "            outcome.state = RunState::claimed;\n            outcome.retry_at = now;\n",
        "",
    ),
    mutant(
        "what somebody else holds by now is given back",
        "sqlite_runs.cpp",
        "claimed_until = coalesce(?6, claimed_until) RETURNING",
        "coalesce(?6, 0) >= 0 RETURNING",
    ),
    mutant(
        "a job that runs is taken for one that is over",
        "last_job.cpp",
        "    if (job) return !jobs::is_finished(job->state);",
        "    if (job) return false;",
    ),
    mutant(
        "skipped slots count as runs",
        "promoter_decide.cpp",
        "schedule.runs + firing.runs.size() - skipped;",
        "schedule.runs + firing.runs.size();",
    ),
    mutant(
        "a slot that is due this moment waits for the next look",
        "decision.cpp",
        "cadence.previous(until + tick)",
        "cadence.previous(until)",
    ),
    mutant(
        "the second after a slot is passed over",
        "decision.cpp",
        "schedule.runs + plan.run.size(), decided);",
        "schedule.runs + plan.run.size(), decided + std::chrono::seconds(1));",
    ),
    mutant(
        "jitter goes past the next slot",
        "decision.cpp",
        "most = std::min(most, *following - slot - tick);",
        "most = std::max(most, *following - slot - tick);",
    ),
    mutant(
        "a store that does not answer takes no job ever",
        "decision.cpp",
        "code == Errc::unsupported;",
        "code == Errc::unsupported || code == Errc::unavailable;",
    ),
    mutant(
        "slots of the same minute have the same job",
        "run_id.cpp",
        "key.slot.time_since_epoch().count(), key",
        "key.slot.time_since_epoch().count() / 60'000'000, key",
    ),
    mutant(
        "a slot that was decided on an older version fires",
        "sqlite_runs.cpp",
        "    if (firing.version && *firing.version != schedule.version) return {};\n",
        "",
    ),
    mutant(
        "what somebody holds is taken from him",
        "sqlite_runs.cpp",
        "WHERE state = 0 AND claimed_until <= ?1 ",
        "WHERE state = 0 AND ?1 > 0 ",
    ),
    mutant(
        "a hold from before the clock was set back lasts",
        "sqlite_runs.cpp",
        "set_back->bind(1, micros(now + hold_max))",
        "set_back->bind(1, micros(now + std::chrono::hours(100'000)))",
    ),
    mutant(
        "an older slot that is settled later is the last one",
        "sqlite_runs.cpp",
        " AND (last_run_at IS NULL OR last_run_at <= ?2)",
        "",
    ),
    mutant(
        "in PostgreSQL a slot that was decided on an older version fires",
        "postgres_runs.cpp",
        "        if (firing.version && *firing.version != schedule->second.version) continue;\n",
        "",
        POSTGRES,
    ),
    mutant(
        "in PostgreSQL what somebody holds is taken from him",
        "postgres_runs.cpp",
        "WHERE state = 0 AND (claimed_until <= ",
        "WHERE state = 0 AND (claimed_until > 'epoch' OR claimed_until <= ",
        POSTGRES,
    ),
]


def failure(output):
    """The first test that failed."""
    found = re.search(r"\[  FAILED  \] (\S+)", output)
    return found and found[1].rstrip(",")


if __name__ == "__main__":
    sys.exit(main(MUTANTS, failure, FLAGS, LIBRARIES, SOUND))

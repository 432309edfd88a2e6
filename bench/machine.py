"""Says what the benchmarks ran on."""

import datetime
import os
import platform
import re
import subprocess
from pathlib import Path

from servers import BENCH, ROOT, Missing, beanstalkd, fauxqs


def first_match(pattern, text, default="unknown"):
    found = re.search(pattern, text, re.MULTILINE)
    return found[1].strip() if found else default


def output_of(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT).stdout
    except OSError:
        return ""


def debian_version(package):
    return output_of("dpkg-query", "-W", "-f", "${Version}", package).partition("-")[0]


def peers():
    names = []
    for name, package in [("Redis", "redis-server"), ("RabbitMQ", "rabbitmq-server"),
                          ("PostgreSQL", "postgresql-15")]:
        version = debian_version(package)
        if version:
            names.append(f"{name} {version.rpartition(':')[2]}")
    try:
        names.append("beanstalkd " + first_match(r"beanstalkd (\S+)", output_of(beanstalkd(0)[0], "-v")))
        versions = {}
        for peer in ("fauxqs", "bullmq", "pg-boss", "graphile-worker"):
            package = (BENCH / "node_modules" / peer / "package.json").read_text()
            versions[peer] = first_match(r'"version": "([^"]+)"', package)
        names.append(f"fauxqs {versions['fauxqs']}, BullMQ {versions['bullmq']}, pg-boss "
                     f"{versions['pg-boss']} and graphile-worker {versions['graphile-worker']} on Node "
                     f"{output_of(fauxqs(0)[0], '--version').strip()}")
    except (Missing, OSError):
        pass
    return names


def describe():
    """One Markdown paragraph, as a list of lines."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    cpu = first_match(r"^model name\s*:(.*)$", Path("/proc/cpuinfo").read_text())
    system = first_match(r'^PRETTY_NAME="(.*)"$', Path("/etc/os-release").read_text())
    virtual = "a virtual machine" if " hypervisor" in Path("/proc/cpuinfo").read_text() else "bare metal"
    commit = output_of("git", "rev-parse", "--short", "HEAD").strip()
    return [
        f"Last written {datetime.date.today()} at commit {commit}, on {virtual} with {os.cpu_count()} "
        f"cores ({cpu}), {memory:.0f} GiB, {system}, Linux {platform.release()}; "
        f"{', '.join(peers())}.",
    ]

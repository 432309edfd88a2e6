#!/usr/bin/python3
"""Runs the client suites against the real server and writes the table of docs/compatibility.md.

usage: tests/conformance/compatibility.py [--print]     (--print leaves the document alone)
"""

import importlib.metadata
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET

HERE = pathlib.Path(__file__).resolve().parent
REPO = HERE.parents[1]
DOCUMENT = REPO / "docs/compatibility.md"
NODE = HERE / "node"
BEGIN, END = "<!-- table begins -->", "<!-- table ends -->"


def python_version(package):
    return importlib.metadata.version(package)


def node_version(package):
    return json.loads((NODE / "node_modules" / package / "package.json").read_text())["version"]


def awscli_version():
    text = subprocess.run(["/usr/bin/aws", "--version"], capture_output=True, text=True).stdout
    return re.match(r"aws-cli/(\S+)", text)[1]


# Client, its version, protocol, suite, the test files (of pytest or node) that are its run.
def rows():
    botocore = python_version("botocore")
    kombu = f"{python_version('celery')} / {python_version('kombu')}"
    both = f"{node_version('sqs-consumer')} / {node_version('sqs-producer')}"
    return [
        ("boto3", f"{python_version('boto3')} (botocore {botocore})", "Query", "test_boto3"),
        ("awscli", awscli_version(), "Query", "test_awscli"),
        ("Celery / kombu", kombu, "Query", "test_celery"),
        ("@aws-sdk/client-sqs", node_version("@aws-sdk/client-sqs"), "JSON 1.0", "sdk-v3.test.mjs"),
        ("aws-sdk v2", node_version("aws-sdk"), "JSON 1.0", "sdk-v2.test.mjs"),
        ("aws-sdk v2", node_version("aws-sdk-query"), "Query", "sdk-v2-query.test.mjs"),
        ("sqs-consumer / sqs-producer", both, "JSON 1.0", "consumer.test.mjs"),
        ("plain HTTP requests", "", "both", "wire"),
    ]


def run_pytest():
    """(passed, not passed) by test module, and by folder for the wire tests."""
    with tempfile.TemporaryDirectory() as directory:
        report = pathlib.Path(directory) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", str(HERE), f"--junitxml={report}"]
        subprocess.run(command, cwd=REPO, check=False)
        counts = {}
        for case in ET.parse(report).iter("testcase"):
            parts = case.get("classname").split(".")
            suite = "wire" if "wire" in parts else parts[-1]
            bad = any(case.find(kind) is not None for kind in ("failure", "error", "skipped"))
            passed, failed = counts.get(suite, (0, 0))
            counts[suite] = (passed + (not bad), failed + bad)
        return counts


def run_node():
    counts = {}
    for file in sorted(NODE.glob("*.test.mjs")):
        command = ["node", "--test", "--test-reporter=tap", file.name]
        output = subprocess.run(command, cwd=NODE, capture_output=True, text=True).stdout
        totals = dict(re.findall(r"^# (tests|pass) (\d+)$", output, re.MULTILINE))
        passed = int(totals["pass"])
        counts[file.name] = (passed, int(totals["tests"]) - passed)
        print(f"{file.name}: {passed} of {totals['tests']} passed")
    return counts


def table():
    counts = {**run_pytest(), **run_node()}
    lines = ["| client | version | protocol | tests passed |", "|---|---|---|---|"]
    for client, version, protocol, suite in rows():
        passed, failed = counts[suite]
        lines.append(f"| {client} | {version} | {protocol} | {passed} of {passed + failed} |")
    node = subprocess.run(["node", "--version"], capture_output=True, text=True).stdout.strip()
    lines += ["", f"Run with Python {sys.version.split()[0]} and Node.js {node}."]
    return "\n".join(lines), all(failed == 0 for _, failed in counts.values())


def main():
    os.environ.setdefault("AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE", "1")
    text, good = table()
    print(text)
    if "--print" not in sys.argv[1:]:
        before, _, rest = DOCUMENT.read_text().partition(BEGIN)
        _, _, after = rest.partition(END)
        DOCUMENT.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())

"""What options of run.py say to the benchmarks."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

PRIORITY = []  # what every server and generator is started through; see --realtime
DATA_ROOT = ROOT / "build" / "bench-data"
BACKLOG_MESSAGES = 2_000_000
LOG_BYTES = 2_000_000_000  # written by disk_use

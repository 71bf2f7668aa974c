"""What every instance measures of itself, and the names that people ask for it by.

The middleware, the bridge and the samplers record these; jobs have theirs in `tasks.metrics`.
"""

from __future__ import annotations

from core.metrics import instruments, series

MIB = 2**20
GIB = 2**30

REQUEST_DURATION = instruments.histogram(
    "http_request_duration_seconds", unit="s", labels=("method", "route", "status"),
    help="How long requests took until their answer, or the first piece of it, was there.",
)  # fmt: skip
REQUEST_ERRORS = instruments.counter(
    "http_request_errors", labels=("status",), help="Answers with a status of 400 or more."
)
SERVER_ERRORS = instruments.counter(
    "http_server_errors", help="Answers with a status of 500 or more."
)

PROCESS_CPU = instruments.gauge(
    "process_cpu_percent", unit="percent", labels=("role",),
    help="Processor time of the instance's processes, in percent of one core.",
)  # fmt: skip
PROCESS_MEMORY = instruments.gauge(
    "process_memory_bytes", unit="bytes", labels=("role",),
    help="Memory of the instance's processes: what they share is divided between them (PSS)"
    " where the system tells, otherwise counted for each (RSS).",
)  # fmt: skip

NODE_CPU = instruments.gauge(
    "node_cpu_percent", unit="percent", adds_up=False,
    help="How busy the processors of the node are, on average.",
)  # fmt: skip
NODE_MEMORY = instruments.gauge(
    "node_memory_used_bytes", unit="bytes", help="Memory of the node that is not available."
)
NODE_DISK_USED = instruments.gauge(
    "node_disk_used_bytes", unit="bytes", help="Used in the file system of the data folder."
)
NODE_DISK_FREE = instruments.gauge(
    "node_disk_free_bytes", unit="bytes", help="Free in the file system of the data folder."
)
NODE_RECEIVED = instruments.gauge(
    "node_network_received_bytes_per_second", unit="bytes/s",
    help="Received by the network interfaces of the node, the loopback left out.",
)  # fmt: skip
NODE_SENT = instruments.gauge(
    "node_network_sent_bytes_per_second", unit="bytes/s",
    help="Sent by the network interfaces of the node, the loopback left out.",
)  # fmt: skip
NODE_READ = instruments.gauge(
    "node_disk_read_bytes_per_second", unit="bytes/s", help="Read from the disks of the node."
)
NODE_WRITTEN = instruments.gauge(
    "node_disk_written_bytes_per_second", unit="bytes/s", help="Written to the disks of the node."
)

series.declare(
    "requests_per_second", REQUEST_DURATION, "rate", unit="/s", title="Requests per second"
)
for name, statistic, title in (
    ("response_time_ms", "mean", "Response time, mean"),
    ("response_time_p50_ms", "p50", "Response time, p50"),
    ("response_time_p95_ms", "p95", "Response time, p95"),
    ("response_time_p99_ms", "p99", "Response time, p99"),
):
    series.declare(name, REQUEST_DURATION, statistic, unit="ms", title=title, factor=1000)
series.declare("errors_per_second", REQUEST_ERRORS, "rate", unit="/s", title="Errors per second")
series.declare(
    "error_percent", REQUEST_ERRORS, "ratio", unit="percent", factor=100,
    title="Requests answered with an error", per=REQUEST_DURATION,
)  # fmt: skip
series.declare(
    "server_error_percent", SERVER_ERRORS, "ratio", unit="percent", factor=100,
    title="Requests answered with a server error", per=REQUEST_DURATION,
)  # fmt: skip

series.declare(
    "memory_usage_mb", PROCESS_MEMORY, "mean", unit="MiB", title="Memory", factor=1 / MIB
)
series.declare("cpu_usage_percent", NODE_CPU, "mean", unit="percent", title="Processors")
series.declare("disk_usage_gb", NODE_DISK_USED, "mean", unit="GiB", title="Disk", factor=1 / GIB)
series.declare(
    "network_received_mb_per_second", NODE_RECEIVED, "mean", unit="MiB/s", factor=1 / MIB,
    title="Network, received",
)  # fmt: skip
series.declare(
    "network_sent_mb_per_second", NODE_SENT, "mean", unit="MiB/s", factor=1 / MIB,
    title="Network, sent",
)  # fmt: skip

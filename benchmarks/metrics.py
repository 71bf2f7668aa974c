"""What the metrics cost: recording a request and writing what was recorded.

python -m benchmarks.metrics [--rounds N] [--write]
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks import cores, instance, report
from benchmarks.report import Row

INSIDE = (
    "import django; django.setup(); from nexus.beginning import begin; begin();"
    " from benchmarks.recording import main; main()"
)
FLUSH_SECONDS = 5.0  # the default of metrics.flush_seconds


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the metrics.")
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--write", action="store_true", help="put the table into README.md")
    options = parser.parse_args()
    others = report.load_of_others()
    made = instance.make()
    environ = {**made.environ, "BENCHMARK_ROUNDS": str(options.rounds)}
    with cores.pinned(cores.for_server()):
        found: dict[str, Any] = json.loads(instance.python(environ, "-c", INSIDE))
    text = report.table(
        [*recording(found), *writing(found["flush"])],
        note=f"{options.rounds} rounds; {others}.",
    )
    print(text)
    if options.write:
        report.write("metrics", text)


def recording(found: Mapping[str, Any]) -> Iterator[Row]:
    requests = found["requests"]
    ours, theirs = requests["added"]["ours"], requests["added"].get("prometheus")
    yield Row("a request to a bare view without metrics", f"{requests['without']:.1f} µs")
    yield Row("what counting it adds", f"{ours:.1f} µs", "≤ 5 µs", ours <= 5)
    yield Row("the recording alone, in a loop", f"{found['call']:.1f} µs")
    if theirs is not None:
        part = theirs / ours
        figure = f"1/{part:.0f} (it adds {theirs:.0f} µs)"
        yield Row("to what django-prometheus adds", figure, "≤ 1/15", part >= 15)


def writing(flush: Mapping[str, float]) -> Iterator[Row]:
    what = f"sampling and writing {flush['rows']:.0f} rows every {FLUSH_SECONDS:g} s"
    share = flush["used"] / FLUSH_SECONDS
    figure = f"{share:.2%} of a core ({flush['used'] * 1e3:.1f} ms)"
    yield Row(f"{what}, processor time of the process", figure, "≤ 0.5 %", share <= 0.005)
    yield Row(f"{what}, the time of the database included", f"{flush['took'] * 1e3:.1f} ms")


if __name__ == "__main__":
    main()

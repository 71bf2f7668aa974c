"""Results land in the README, in their own place and nowhere else."""

import pytest

from benchmarks import report
from benchmarks.report import Row


@pytest.fixture
def readme(tmp_path, monkeypatch):
    path = tmp_path / "README.md"
    path.write_text("before\n<!-- api -->\nold\n<!-- /api -->\nafter\n")
    monkeypatch.setattr(report, "README", path)
    return path


def test_a_table_replaces_the_older_one_between_its_markers(readme):
    report.write("api", report.table([Row("what", "1.5 x", "≤ 2 x", met=True)], note="Two rounds."))
    text = readme.read_text()
    assert text.startswith("before\n<!-- api -->\n")
    assert text.endswith("\n<!-- /api -->\nafter\n")
    assert "| what | 1.5 x | ≤ 2 x | yes |" in text
    assert "old" not in text


def test_a_missed_goal_is_shown(readme):
    assert "**no**" in str(Row("what", "3 x", "≤ 2 x", met=False))


def test_results_without_a_place_are_refused(readme):
    with pytest.raises(ValueError, match="tasks"):
        report.write("tasks", "text")

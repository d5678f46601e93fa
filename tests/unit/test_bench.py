"""What bench/ says of its figures."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from bench.data_path import answers
from bench.database import transactions
from bench.late import delayed
from bench.measure import Taken, Way, in_turns, measured, picture, row
from bench.profile import OTHER, explain
from bench.router import gigabits

RECAP = """
===============================================================================
mysql_server : Install MySQL ------------------------------------------- 2.65s
aws_network : Look at what exists --------------------------------------- 0.35s
nat_masquerade : Forward and translate --------------------------------- 0.50s
"""


def test_a_row_is_a_median_compared_with_the_first() -> None:
    slow, fast = Taken([4.0, 6.0, 5.0], [1.0] * 3), Taken([2.0, 2.5, 9.0], [0.5] * 3)
    seconds, rate = Way("seconds", []), Way("rate", [], unit="/s", rate=float)
    assert [row(seconds, taken, slow)["times"] for taken in (slow, fast)] == [1.0, 2.0]
    assert [row(rate, taken, slow)["times"] for taken in (slow, fast)] == [1.0, 0.5]
    found = row(seconds, fast, slow)
    assert (found["median"], found["least"], found["most"]) == (2.5, 2.0, 9.0)
    assert "2.5 s" in picture({"a part": [found]})


def test_a_rate_is_read_from_what_a_tool_prints(capsys: pytest.CaptureFixture[str]) -> None:
    tool = [sys.executable, "-c", "print('Requests/sec:  2326.4')"]
    (found,) = measured([Way("wrk", tool, unit="/s", rate=answers)], repeats=1)
    assert (found["median"], found["unit"]) == (2326, "/s")
    assert "2326.40 /s" in capsys.readouterr().out
    assert gigabits("[5] 0.00-3.00 sec 9 GBytes 30.1 Gbits/sec sender\n[5] 9 GBytes 29.9 Gbits/sec  receiver") == 29.9
    assert transactions("transactions:   1236   (411.09 per sec.)") == 411.09


@pytest.mark.parametrize(
    "wrong", ["Non-2xx or 3xx responses: 3", "[502]\t3 responses", "Error distribution:\n  [3]\trefused", ""]
)
def test_a_tool_whose_answers_were_not_all_good_is_no_figure(wrong: str) -> None:
    with pytest.raises(SystemExit, match="Not every answer was good"):
        answers(f"Requests/sec: 9.0\n[200]\t7 responses\n{wrong}" if wrong else "")


def test_ways_take_turns(capsys: pytest.CaptureFixture[str]) -> None:
    nothing = [sys.executable, "-c", ""]
    in_turns([Way("one", nothing), Way("two", nothing)], repeats=2)
    assert [line.split()[2] for line in capsys.readouterr().out.splitlines()] == ["one", "two", "one", "two"]


def test_a_way_that_fails_is_no_figure() -> None:
    with pytest.raises(SystemExit, match="broken failed"):
        in_turns([Way("broken", [sys.executable, "-c", "exit(1)"])], repeats=1)


def test_a_profile_gives_each_task_a_reason() -> None:
    said = explain(RECAP)
    assert said.index("2.65 s  mysql_server : Install MySQL") < said.index("0.35 s  aws_network")
    assert "no package is missing" in said
    assert OTHER in said
    assert "3 tasks, 3.5 s" in said


def test_a_late_line_hands_on_all_of_it_and_not_before_its_time() -> None:
    (source, begin), (end, sink) = os.pipe(), os.pipe()
    began = time.monotonic()
    os.write(begin, b"hello")
    os.close(begin)
    delayed(source, sink, 0.1).join(timeout=10)
    assert os.read(end, 100) == b"hello"
    assert time.monotonic() - began >= 0.1
    for one in (source, end, sink):
        os.close(one)


def test_each_turn_begins_with_what_comes_before_it(tmp_path: Path) -> None:
    done = tmp_path / "done"
    append = [sys.executable, "-c", "import sys; open(sys.argv[1], 'a').write(sys.argv[2])", str(done)]
    in_turns([Way("one", [*append, "work "], before=[*append, "before "])], repeats=2)
    assert done.read_text() == "before work before work "

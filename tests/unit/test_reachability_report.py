"""The table, JSON and JUnit XML say the same, and columns are aligned."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

from reachability import report

from tests.green import OPERATOR, dig, findings_of, green, page


def test_the_table_is_aligned_and_ends_no_line_with_spaces() -> None:
    lines = report.table(findings_of(green())).splitlines()
    heads = [line for line in lines if "verdict" in line]
    assert len(heads) == 4
    assert len({line.index("intended") for line in heads}) == 1
    assert "declared" in heads[0]
    assert all(line == line.rstrip() for line in lines)
    assert "internet -> private:3306" in "\n".join(lines)


def test_korean_rows_are_aligned_as_a_terminal_shows_them() -> None:
    params = green()
    page(params, 200, f"row: 김치\nclient: {OPERATOR}")
    lines = report.table(findings_of(params)).splitlines()
    (korean,) = (line for line in lines if "김치" in line)
    (other,) = (line for line in lines if line.startswith("operator opens the page"))
    assert korean.index("ok") + len("김치") == other.index("ok")


def test_json_and_junit_say_the_same_as_the_table() -> None:
    params = green()
    dig(params, "api", "vpcs", 0)["enable_dns_support"] = False
    params["observations"]["private"] = {"unreachable": True, "msg": "Connection timed out"}
    findings = findings_of(params)
    data = json.loads(report.as_json("playground", findings))
    suite = ET.fromstring(report.as_junit("playground", findings))
    assert data["green"] is False
    assert data["suspects"][0]["name"] == report.suspects(findings)[0].name
    assert (
        suite.get("failures")
        == str(len(suite.findall("*/failure")))
        == str(sum(finding["verdict"] == "WRONG" for finding in data["findings"]))
    )
    assert suite.get("skipped") == str(len(suite.findall("*/skipped")))
    assert len(suite) == len(data["findings"])

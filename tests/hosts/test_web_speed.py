"""How much of Tomcat's speed is left behind nginx; a figure for the role's README, and no promise."""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterator

import pytest

from .web import Say, Web

NGINX, TOMCAT = "http://127.0.0.1", "http://127.0.0.1:8080"
SECONDS, ROUNDS = 5, 3


@pytest.fixture
def wrk(web: Web) -> Iterator[None]:
    web.root("apt-get install --yes --no-install-recommends wrk")
    yield
    web.root("apt-get purge --yes --auto-remove wrk")


@pytest.mark.usefixtures("wrk")
@pytest.mark.parametrize("path", ["/", "/do/wait?seconds=0", "/static/page.txt"])
def test_nginx_answers_nothing_but_200_at_full_speed(web: Web, say: Say, path: str) -> None:
    """Both in turns, so that what else the computer does meets both; 32 visitors who keep their connections."""
    rates: dict[str, list[float]] = {NGINX: [], TOMCAT: []}
    for door in [NGINX, TOMCAT] * ROUNDS if not path.startswith("/static") else [NGINX] * ROUNDS:
        said = web.root(f"wrk --threads 1 --connections 32 --duration {SECONDS}s --timeout 10s '{door}{path}'")
        assert "Non-2xx" not in said, said
        found = re.search(r"Requests/sec:\s+([\d.]+)", said)
        assert found, said
        rates[door].append(float(found.group(1)))
    through, alone = statistics.median(rates[NGINX]), statistics.median(rates[TOMCAT] or [0])
    ratio = f", {through / alone:.2f}x of {alone:.0f}/s" if alone else ""
    say(f"{path}: {through:.0f}/s through nginx{ratio}")

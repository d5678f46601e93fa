"""How fast a network is made from nothing where only the API answers: `python -m bench.create`. Asserts nothing.

It needs no lab and no root. The modules rest for seconds after a change: one after the other, or all at the same time.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from bench.measure import REPO, Way, in_turns, keep, rows
from bench.site import STOCK, play
from tests.network.accounts import ACCESS, empty_account

ONE_BY_ONE = "--extra-vars=__aws_network_background_seconds=0"  # in the foreground


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=2, help="how many turns")
    repeats = parser.parse_args().repeats
    with tempfile.TemporaryDirectory() as folder, empty_account(Path(folder) / "account") as operator:
        access = ACCESS | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{operator.account.port}"}
        given = [f"--extra-vars=build_dir={folder}/alpha", f"--extra-vars=operator_ssh_key={operator.home}/id"]
        made, gone = (play(name, given, "alpha_vpc") for name in ("create_network", "teardown"))
        gone.append("--extra-vars=confirm=alpha")
        ways = [
            Way("stock settings, one after the other", [*made, ONE_BY_ONE], access | STOCK, gone),
            Way("default", made, access, gone),
        ]
        keep({"The network, from nothing": rows(in_turns(ways, repeats))}, REPO / "build/bench/create")


if __name__ == "__main__":
    main()

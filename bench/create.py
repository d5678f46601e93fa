"""How fast a network is made and looked at where only the API answers: `python -m bench.create`. Asserts nothing.

It needs no lab and no root. What it is compared with is a playbook as people write it (bench/peer/network.yml), which
makes less: no S3 endpoint, no lock, no password, and the default group stays as it is.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

from bench.measure import REPO, Way, keep, measured, run
from bench.site import FAST, STOCK, play
from tests.network.accounts import ACCESS, empty_account


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=2, help="how many turns")
    repeats = parser.parse_args().repeats
    with tempfile.TemporaryDirectory() as folder, empty_account(Path(folder) / "account") as operator:
        access = ACCESS | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{operator.account.port}"}
        # Each turn of the peer leaves one; three are the default one, ours, and one to look at.
        operator.account.order("quota", vpcs=repeats + 3)
        given = [f"--extra-vars=build_dir={folder}/alpha", f"--extra-vars=operator_ssh_key={operator.home}/id"]
        made, gone = (play(name, given, "alpha_vpc") for name in ("create_network", "teardown"))
        gone.append("--extra-vars=confirm=alpha")
        peer = ["ansible-playbook", "--inventory", "localhost,", "--connection", "local", "bench/peer/network.yml"]
        # A name of its own for each turn: what another turn has made must not be found.
        anew = ["--extra-vars", "stack=peer-{{ 1000000 | random }}"]
        one_by_one = Way("a module for each thing, stock settings", [*peer, *anew], access | STOCK)
        ways = [one_by_one, Way("default", made, access, gone), Way("fast", made, access | FAST, gone)]
        results = {"The network, from nothing": measured(ways, repeats)}
        run("a network to look at", peer, access)
        ways = [replace(one_by_one, command=peer), Way("default", made, access), Way("fast", made, access | FAST)]
        results["The network, nothing to do"] = measured(ways, repeats)
        keep(results, REPO / "build/bench/create")


if __name__ == "__main__":
    main()

"""How fast an environment is made and looked at where only the API answers: `python -m bench.create`. Asserts nothing.

It needs no lab and no root. What it is compared with is a playbook as people write it (bench/peer/environment.yml):
thirteen modules, which leave out the look at what is there, the lock, the secrets, the host keys, the S3 endpoint and
the default group.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from bench.measure import REPO, Way, keep, measured, run
from bench.site import FAR_API_MS, FAST, STOCK, play
from tests.network.accounts import ACCESS, empty_account


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=2, help="how many turns")
    parser.add_argument("--far", action="store_true", help=f"{FAR_API_MS} ms to the API")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, empty_account(Path(folder) / "account") as operator:
        access = ACCESS | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{operator.account.port}"}
        # Each turn of the peer leaves what it made; three are the default VPC, ours, and one to look at.
        many = options.repeats + 3
        operator.account.order("quota", vpcs=many, addresses=many, vcpus=4 * many)
        if options.far:
            operator.account.order("fault-add", kind="slow", ms=int(FAR_API_MS))
        given = [f"--extra-vars=build_dir={folder}/alpha", f"--extra-vars=operator_ssh_key={operator.home}/id"]
        made, away = (play(name, given, "alpha_vpc") for name in ("site", "teardown"))  # of a site, what the API does
        gone = ["env", *(f"{name}={value}" for name, value in FAST.items()), *away, "--extra-vars=confirm=alpha"]
        peer = [
            *("ansible-playbook", "--inventory=localhost,", "--connection=local", "bench/peer/environment.yml"),
            f"--extra-vars=key={operator.home}/id.pub",
        ]
        # A name of its own for each turn: what another turn has made must not be found.
        anew = ["sh", "-c", 'exec "$@" --extra-vars=stack=peer-$$', "peer", *peer]
        ours = {"default": access, "fast": access | FAST}
        far = f", {FAR_API_MS} ms to the API" if options.far else ""
        results = {}
        for title, command, before in (("from nothing", anew, gone), ("nothing to do", peer, [])):
            if not before:
                run("something to look at", peer, access)
            ways = [Way("a module for each thing, stock settings", command, access | STOCK)]
            ways += [Way(name, made, environment, before) for name, environment in ours.items()]
            what = f"The network and the machines, {title}{far}"
            results[what] = measured(ways, options.repeats)
        keep(results, REPO / "build/bench/create")


if __name__ == "__main__":
    main()

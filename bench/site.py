"""How fast the playbooks are beside stock Ansible and beside the limits: `script/bench`. Asserts nothing.

A lab must be up, with the playground built (script/demo), and its settings in the environment (lab env).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bench.measure import REPO, Way, in_turns, keep, rows
from bench.profile import profile

# What Ansible does when it is told nothing. Host keys and paths stay ours, or nothing would be found.
STOCK = {
    "ANSIBLE_FORKS": "5",
    "ANSIBLE_PIPELINING": "false",
    "ANSIBLE_GATHERING": "implicit",
    "ANSIBLE_STRATEGY": "linear",
    "ANSIBLE_SSH_ARGS": "-C -o ControlMaster=auto -o ControlPersist=60s -o ControlPath=~/.ansible/cp/stock-%k-%r",
}
FAST = {"ANSIBLE_STRATEGY": "fast_linear"}


def play(name: str, given: list[str]) -> list[str | Path]:
    return ["ansible-playbook", f"playbooks/{name}.yml", "--limit", "playground", *given]


def parts(given: list[str], build: Path) -> dict[str, list[Way]]:
    """Each part of a run that changes nothing, in all its ways; what is compared with comes first."""
    network, hosts, site = (play(name, given) for name in ("create_network", "configure_hosts", "site"))
    # The roles as a playbook lists them, one machine after the other, is what people write first.
    one_by_one = ["sh", "-c", '"$0" "$@" && shift && "$0" playbooks/configure_private.yml "$@"']
    stock_hosts = [*one_by_one, *play("configure_public", given)]
    return {
        "The network, nothing to do": [
            Way("stock settings", network, STOCK),
            Way("default", network),
            Way("fast", network, FAST),
            Way("limit: boto3", [sys.executable, "-m", "bench.boto3_look", "/onebox"]),
        ],
        "The machines, nothing to do": [
            Way("stock settings, one by one", stock_hosts, STOCK),
            Way("default", hosts),
            Way("fast", hosts, FAST),
            Way("limit: one ssh to each", ["bench/raw_shell.sh", build / "ssh_config"]),
        ],
        "site.yml, nothing to do": [Way("default", site), Way("fast", site, FAST)],
    }


def growth(numbers: list[int]) -> dict[str, list[Way]]:
    """Six tasks on more and more hosts; all are this machine, so the work there counts too."""
    found = {}
    for number in numbers:
        hosts = ",".join(f"host{n}" for n in range(number)) + ","
        command = ["ansible-playbook", "bench/hosts.yml", "--inventory", hosts, "--connection", "local"]
        command += ["--extra-vars", f"ansible_python_interpreter={sys.executable}"]
        found[f"{number} hosts"] = [
            Way("stock settings", [*command, "--extra-vars", "free=linear"], STOCK),
            Way("default", command),
            Way("fast", command, FAST),
        ]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="script/bench", description=__doc__)
    parser.add_argument("--full", action="store_true", help="five turns instead of two, and more hosts")
    parser.add_argument("--part", default="", help="only the parts with this word in their title")
    parser.add_argument("--repeats", type=int, help="how many turns")
    parser.add_argument("--profile", action="store_true", help="instead: what costs more than its work, and why")
    parser.add_argument("--build", type=Path, default=REPO / "build/playground", help="the folder with ssh_config")
    parser.add_argument("given", nargs="*", help="options for ansible-playbook, after --")
    options = parser.parse_args()
    if options.profile:
        print(profile(play("site", options.given)))
        return
    groups = parts(options.given, options.build) | growth([2, 8, 32] if options.full else [2, 8])
    results = {}
    for title, ways in groups.items():
        if options.part in title:
            print(title, flush=True)
            results[title] = rows(in_turns(ways, options.repeats or (5 if options.full else 2)))
    keep(results, REPO / "build/bench")


if __name__ == "__main__":
    main()

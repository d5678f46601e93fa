"""How fast the playbooks are beside stock Ansible and beside the limits: `script/bench`. Asserts nothing.

A lab must be up, with the playground built (script/demo), and its settings in the environment (lab env).
"""

from __future__ import annotations

import argparse
import itertools
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.data_path import data_path
from bench.measure import REPO, Way, keep, measured, run
from bench.peer import fetch
from bench.profile import profile

# What Ansible does when it is told nothing. Host keys and paths stay ours, or nothing would be found,
# and so does internal_poll_interval, which no variable can set.
STOCK = {
    "ANSIBLE_FORKS": "5",
    "ANSIBLE_PIPELINING": "false",
    "ANSIBLE_GATHERING": "implicit",
    "ANSIBLE_STRATEGY": "linear",
    "ANSIBLE_SSH_ARGS": "-C -o ControlMaster=auto -o ControlPersist=60s -o ControlPath=~/.ansible/cp/stock-%k-%r",
}
FAST = {"ANSIBLE_STRATEGY": "fast_linear"}
ENVIRONMENTS = ("playground", "alpha", "beta", "production")


# The way to a region and back, in ms: of a call to its API, and of a packet to a machine there.
FAR_API_MS, FAR_SSH_MS = "60", "40"


def play(name: str, given: list[str], limit: str = "playground") -> list[str | Path]:
    return ["ansible-playbook", f"playbooks/{name}.yml", "--limit", limit, *given]


def nothing_to_do(given: list[str], build: Path, peer: Path) -> dict[str, list[Way]]:
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
            *pyinfra(build, peer),
            Way("limit: one ssh to each", ["bench/raw_shell.sh", build / "ssh_config"]),
        ],
        "site.yml, nothing to do": [Way("default", site), Way("fast", site, FAST)],
    }


def pyinfra(build: Path, peer: Path) -> list[Way]:
    """The peer, where it is installed: `uv sync --group bench`."""
    program = shutil.which("pyinfra")
    if not program:
        print("pyinfra is not installed, so it is left out: uv sync --group bench")
        return []
    fetch(build / "ssh_config", peer)
    command = [program, "--sudo", "--yes", "bench/peer/machines.py", "bench/peer/deploy.py"]
    return [Way("pyinfra, a little less", command, {"ONEBOX_PEER": str(peer), "PYTHONPATH": str(REPO)})]


def far_away(groups: dict[str, list[Way]], build: Path) -> dict[str, list[Way]]:
    """The same from far away; pyinfra makes connections of its own, which no delay can be put into."""
    proxy = f"ProxyCommand={sys.executable} -m bench.late {FAR_SSH_MS} {build / 'ssh_config'} %n %h %p"
    ssh = f"-o ControlMaster=auto -o ControlPersist=30m -o ControlPath=~/.ansible/cp/far-%k-%r -o '{proxy}'"
    found = {}
    for title, ways in groups.items():
        near = [way for way in ways if "pyinfra" not in way.name]
        far = [replace(way, environment=way.environment | {"ANSIBLE_SSH_ARGS": ssh}) for way in near]
        found[f"{title}, {FAR_API_MS} ms to the API and {FAR_SSH_MS} ms to the machines"] = far
    return found


@contextmanager
def slow_api(lab: str) -> Iterator[None]:
    """Let the lab's API answer later for a while."""
    subprocess.run(["lab", "fault", "--name", lab, "add", "slow", "--ms", FAR_API_MS], check=True)
    try:
        yield
    finally:
        subprocess.run(["lab", "fault", "--name", lab, "clear"], check=True)


def from_nothing(given: list[str], build: Path, peer: Path) -> dict[str, list[Way]]:
    """The whole environment, torn down before each turn, and its machines alone: packages come from the lab's cache."""
    fetch(build / "ssh_config", peer)
    confirmed = [*given, "--extra-vars", "confirm=playground"]
    site, gone = play("site", given), play("teardown", confirmed)
    hosts = play("configure_hosts", given)
    anew = (f"playbooks/{name}.yml" for name in ("teardown", "create_network"))
    launched = ["ansible-playbook", *anew, *play("launch_instances", confirmed)[1:]]
    return {
        "The machines, from nothing": [
            Way("limit: one shell on each", ["bench/raw_shell_new.sh", build / "ssh_config", peer], before=launched),
            Way("stock settings", hosts, STOCK, launched),
            Way("default", hosts, before=launched),
            Way("fast", hosts, FAST, launched),
        ],
        "site.yml, from nothing": [
            Way("stock settings", site, STOCK, gone),
            Way("default", site, before=gone),
            Way("fast", site, FAST, gone),
        ],
    }


@contextmanager
def other_networks(given: list[str]) -> Iterator[None]:
    """The networks of the other environments beside the playground, for a while."""
    others, names = ":".join(ENVIRONMENTS[1:]), ",".join(ENVIRONMENTS[1:])
    try:
        run("create_network", play("create_network", given, others), {})
        yield
    finally:
        run("teardown", play("teardown", [*given, "--extra-vars", f"confirm={names}"], others), {})


def environments(given: list[str]) -> dict[str, list[Way]]:
    """The networks of more and more environments in one run."""
    limits = {number: ":".join(ENVIRONMENTS[:number]) for number in (1, 2, 4)}
    ways = [Way(f"{number} in one run", play("create_network", given, limit)) for number, limit in limits.items()]
    return {"The networks of 1, 2 and 4 environments, nothing to do": ways}


def growth(numbers: list[int]) -> dict[str, list[Way]]:
    """Six calls on more and more hosts: all are this machine, so the work there counts too; or they wait."""
    found = {}
    for number, what in itertools.product(numbers, ("working", "waiting")):
        hosts = ",".join(f"host{n}" for n in range(number)) + ","
        command = ["ansible-playbook", "bench/hosts.yml", "--inventory", hosts, "--connection", "local"]
        command += ["--extra-vars", f"ansible_python_interpreter={sys.executable}", "--tags", what]
        found[f"{number} hosts, {what}"] = [
            Way("stock settings", [*command, "--extra-vars", "free=linear"], STOCK),
            Way("default", command),
            Way("fast", command, FAST),
        ]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="script/bench", description=__doc__)
    parser.add_argument("--full", action="store_true", help="five turns instead of two, and more hosts")
    parser.add_argument("--part", default="", help="only the parts with this word in their title")
    parser.add_argument("--fresh", action="store_true", help="instead: everything from nothing, torn down before")
    parser.add_argument("--far", action="store_true", help="instead: as from far away; needs root, for the lab's API")
    parser.add_argument("--data-path", action="store_true", help="instead: pages, packets and queries; needs root")
    parser.add_argument("--environments", action="store_true", help="instead: the networks of several environments")
    parser.add_argument("--repeats", type=int, help="how many turns")
    parser.add_argument("--profile", action="store_true", help="instead: what costs more than its work, and why")
    parser.add_argument("--build", type=Path, default=REPO / "build/playground", help="the folder with ssh_config")
    parser.add_argument("--lab", default="default", help="the lab's name")
    parser.add_argument("given", nargs="*", help="options for ansible-playbook, after --")
    options = parser.parse_args()
    if options.profile:
        print(profile(play("site", options.given)))
        return
    if not (options.build / "ssh_config").exists():
        parser.error(f"--build {options.build} has no ssh_config, so no machine can be reached; build it: script/demo")
    if not options.environments:  # each has a folder of its own
        options.given += ["--extra-vars", f"build_dir={options.build}"]
    kept = REPO / "build/bench"
    if options.data_path:
        if os.geteuid() != 0:
            parser.error("--data-path makes network namespaces, which only root may do: sudo script/bench --data-path")
        with data_path(options.build / "ssh_config") as groups:
            keep(figures(groups, options), kept / "data_path")
        return
    around: AbstractContextManager[None] = nullcontext()
    if options.environments:
        given = ["--inventory", "inventory", "--inventory", "bench/environments.yml", *options.given]
        groups, around = environments(given), other_networks(given)
    elif options.fresh:
        groups = from_nothing(options.given, options.build, kept / "peer")
    elif options.far:
        around = slow_api(options.lab)
        groups = far_away(nothing_to_do(options.given, options.build, kept / "peer"), options.build)
    else:
        groups = nothing_to_do(options.given, options.build, kept / "peer")
        groups |= growth([2, 8, 32] if options.full else [2, 8])
    with around:
        keep(figures(groups, options), kept)


def figures(groups: dict[str, list[Way]], options: argparse.Namespace) -> dict[str, list[dict[str, Any]]]:
    """Those parts that were asked for, in as many turns as were asked for."""
    found = {}
    for title, ways in groups.items():
        if options.part in title:
            print(title, flush=True)
            found[title] = measured(ways, options.repeats or (5 if options.full else 2))
    return found


if __name__ == "__main__":
    main()

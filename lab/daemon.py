"""The lab's own process: serves the API and makes the kernel follow it until it is told to stop."""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import os
import signal
import threading
import traceback
from functools import partial
from ipaddress import IPv4Address
from pathlib import Path

from lab.config import LabConfig

# moto reads these when it is imported: our own images instead of its 1,286 old ones.
os.environ["MOTO_AMIS_PATH"] = str(Path(__file__).parent / "data" / "amis.json")

from lab.api.calls import Call
from lab.api.manners import Manners
from lab.api.moto_fixes import apply_fixes
from lab.api.server import Api, serve
from lab.apply.network import Network
from lab.autoscaling.keeper import Groups
from lab.autoscaling.moto_fixes import apply_autoscaling_fixes
from lab.elb.keeper import Balancers
from lab.elb.moto_fixes import apply_elb_fixes
from lab.machines.fleet import POWERED, Fleet
from lab.machines.interruption import Interruptions
from lab.machines.machine import Machine
from lab.machines.snapshots import Snapshots
from lab.model import Instance, Model, Vpc
from lab.observe import ec2_backend, observe
from lab.orders import Orders
from lab.rds.keeper import AllMachines, Databases
from lab.rds.moto_fixes import apply_rds_fixes
from lab.services.of_internet import start_internet_services
from lab.services.of_vpc import VpcServices
from lab.sweep import sweep

TICK_SECONDS = 1.0
LOG = logging.getLogger("lab")


class Lab:
    """Observe, compile, apply: once per change of the API, and once a second for what happens by itself."""

    def __init__(self, config: LabConfig, image: Path) -> None:
        self._config = config
        self._awake = threading.Event()
        self._stopping = threading.Event()
        self._manners = Manners()
        self._network = Network(config)
        self._fleet = Fleet(config, image, self._awake.set)
        self._databases = Databases(config, self._network.machine_namespace, self._awake.set)
        self._balancers = Balancers(config, self._awake.set)
        self._groups = Groups()
        self._snapshots = Snapshots(config, self._fleet, self._awake.set)
        self._services: dict[str, VpcServices] = {}
        self._interruptions = Interruptions()
        self._failure = ""

    def start(self) -> None:
        apply_fixes(self._config, self._manners.pace)
        apply_rds_fixes(self._databases.notice)
        apply_elb_fixes(self._balancers.health)
        apply_autoscaling_fixes()
        self._databases.start()
        self._network.create()
        start_internet_services(self._config)
        machines = AllMachines(self._fleet, self._databases)
        orders = Orders(self._config, machines, self._interruptions, lambda: self._failure).by_name()
        api = Api(self._config, tell=self._tell, console=self._console, manners=self._manners, orders=orders)
        serve(self._config, api)
        state = {
            "pid": os.getpid(),
            "name": self._config.name,
            "port": self._config.port,
            "slot": self._config.slot,
        }
        self._config.state_file.write_text(json.dumps(state))

    def stop(self, *_: object) -> None:
        self._stopping.set()
        self._awake.set()

    def run(self) -> None:
        while not self._stopping.is_set():
            self._awake.wait(TICK_SECONDS)
            self._awake.clear()
            try:
                self._reconcile()
                self._failure = ""
            except Exception:
                # The loop must outlive a bad moment; the operator sees it in `lab status` and the log.
                self._failure = traceback.format_exc()
                LOG.exception("the last change could not be applied")

    def _tell(self, call: Call) -> None:
        if call.service == "ec2" and call.action == "RebootInstances":
            for instance_id in call.many("InstanceId"):
                self._fleet.reboot(instance_id)
        self._awake.set()

    def _console(self, instance_id: str) -> bytes:
        path = self._fleet.disk(instance_id).console
        return path.read_bytes() if path.exists() else b""

    def _reconcile(self) -> None:
        self._manners.pace.settle()
        for machine in self._databases.collect_exits():
            self._after_database(machine)
        for machine in self._fleet.collect_exits():
            self._after_exit(machine.instance, by_itself=machine.by_itself)
        for instance_id, action in self._interruptions.take_due():
            instance = ec2_backend().get_instance(instance_id)
            if action == "terminate":
                instance.terminate()
            else:
                instance.stop()
        self._groups.step()
        model = observe()
        self._drop_disks(model)
        calling = {one.id for one in model.instances if one.state in POWERED}
        powered = model.powered(self._fleet.powered | self._databases.powered | calling)
        new = self._network.sync(powered)
        for vpc_id in self._services.keys() - self._network.routers.keys():
            self._services.pop(vpc_id).close()
        for vpc in new:
            namespace = self._network.routers[vpc.id].namespace
            self._services[vpc.id] = VpcServices(self._config, vpc, namespace, self._interruptions)
        for services in self._services.values():
            services.know(model.endpoints)
        by_kind = {kind: tuple(one for one in model.instances if one.is_database is kind) for kind in (False, True)}
        resolver_of = partial(_resolver_of, model)
        self._fleet.sync(by_kind[False], namespace_of=self._network.machine_namespace, resolver_of=resolver_of)
        self._databases.sync(by_kind[True], resolver_of)
        self._snapshots.sync()
        self._balancers.sync()

    def _drop_disks(self, model: Model) -> None:
        """A terminated machine's disk goes, also when its power went before the API called it terminated."""
        kept = {one.id for one in model.instances} | self._fleet.powered
        for folder in self._config.disk_dir.glob("i-*"):
            if folder.name not in kept:
                self._fleet.disk(folder.name).delete()

    def _after_database(self, machine: Machine) -> None:
        model = observe()
        if any(one.id == machine.instance.id for one in model.instances):
            self._network.unplug(_vpc_of(model, machine.instance).id, machine.instance.interface_ids)
        self._databases.after_exit(machine)

    def _after_exit(self, gone: Instance, *, by_itself: bool) -> None:
        """Power is gone: firewall rules and sysctls with it; the disk only when the API said terminate."""
        model = observe()
        now = next((one for one in model.instances if one.id == gone.id), None)
        if now is None:
            self._fleet.disk(gone.id).delete()
            return
        self._network.unplug(_vpc_of(model, now).id, now.interface_ids)
        if now.state in POWERED and by_itself:
            # EC2 calls that a stop, or a termination if so set at launch.
            backend_instance = ec2_backend().get_instance(gone.id)
            if backend_instance.instance_initiated_shutdown_behavior == "terminate":
                backend_instance.terminate()
                self._fleet.disk(gone.id).delete()
            else:
                backend_instance.stop()


def _resolver_of(model: Model, instance: Instance) -> IPv4Address:
    return _vpc_of(model, instance).resolver


def _vpc_of(model: Model, instance: Instance) -> Vpc:
    return next(vpc for vpc in model.vpcs if any(nic.instance_id == instance.id for nic in vpc.interfaces))


def main() -> None:
    """Entry point of the process that `lab up` starts."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--name", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--slot", type=int, required=True)
    parser.add_argument("--image", type=Path, required=True)
    given = parser.parse_args()
    config = LabConfig(given.name, given.port, given.slot)
    lab = Lab(config, given.image)
    signal.signal(signal.SIGTERM, lab.stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        lab.start()
        lab.run()
    finally:
        with contextlib.suppress(FileNotFoundError):
            config.state_file.unlink()
        sweep(config)


if __name__ == "__main__":
    main()

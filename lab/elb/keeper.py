"""The keeper of the load balancers: a proxy for each, a check for each target, and what the API may say of them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from lab.compile.names import short
from lab.config import LabConfig
from lab.elb.health import Health, ask
from lab.elb.host_names import write_names
from lab.elb.model import Balancer, Check, Target, TargetGroup
from lab.elb.observe import balancers, elb_backend
from lab.elb.proxy import Place, Proxy
from lab.elb.proxy_config import proxy_config
from lab.machines.image import PROXY, ensure_image
from lab.observe import ec2_backend

LOG = logging.getLogger("lab")


class Checker:
    """Asks one target at its interval, in a thread of its own, until it is stopped."""

    def __init__(
        self, namespace: str, target: Target, check: Check, changed: Callable[[], None], health: Health
    ) -> None:
        self.target, self.check, self.health = target, check, health
        self._namespace, self._changed = namespace, changed
        self._stopping = threading.Event()
        threading.Thread(target=self._run, daemon=True, name=f"health of {target.id}").start()

    def stop(self) -> None:
        self._stopping.set()

    def _run(self) -> None:
        assert self.target.address is not None
        while not self._stopping.is_set():
            before = self.health.state
            self.health = self.health.after(
                ask(self._namespace, self.target.address, self.target.port, self.check), self.check
            )
            if self.health.state != before:
                self._changed()
            self._stopping.wait(self.check.interval_seconds)


class Balancers:
    """All load balancers of a lab; nothing is built or started before the first one is created."""

    def __init__(self, config: LabConfig, wake: Callable[[], None]) -> None:
        self._config, self._wake = config, wake
        self._image: Path | None = None
        self._building = False
        self._proxies: dict[str, Proxy] = {}
        self._checkers: dict[tuple[str, str], Checker] = {}  # by target group and target
        self._named: tuple[Balancer, ...] = ()

    def sync(self) -> None:
        """Follow the API; the interfaces have been plugged in before."""
        wanted = {one.id: one for one in balancers(ec2_backend())}
        for gone in self._proxies.keys() - wanted.keys():
            self._proxies.pop(gone).stop()
        if wanted and self._image is None:
            self._want_image()
        self._follow_targets(list(wanted.values()))
        for one in wanted.values() if self._image else ():
            self._serve(one, self._image)
        self._end_drains()
        self._tell_names(tuple(wanted.values()))

    def health(self, group_arn: str, target_id: str) -> Health:
        """Of a target whose group is in use."""
        checker = self._checkers.get((group_arn, target_id))
        return checker.health if checker else Health()

    def _want_image(self) -> None:
        if not self._building:
            self._building = True
            threading.Thread(target=self._build, daemon=True, name="proxy image").start()

    def _build(self) -> None:
        try:
            self._image = ensure_image(LOG.warning, PROXY)
        except Exception:
            LOG.exception("the proxy could not be made: load balancers stay `provisioning` until the next lab up")
        self._wake()

    def _namespace(self, balancer: Balancer) -> str:
        return f"{self._config.prefix}{short(balancer.id)}"

    def _serve(self, balancer: Balancer, image: Path | None) -> None:
        assert image is not None
        if balancer.id not in self._proxies:
            folder = self._config.disk_dir / "balancers" / balancer.id
            self._proxies[balancer.id] = Proxy(self._namespace(balancer), image, folder)
        proxy = self._proxies[balancer.id]
        proxy.follow(proxy_config(balancer))
        for group in balancer.groups:
            proxy.aim(group.name, self._usable(group))
        for one in list(elb_backend().load_balancers.values()):
            if getattr(one, "lab_id", "") == balancer.id:
                one.state = "active"

    def _usable(self, group: TargetGroup) -> frozenset[Place]:
        """The healthy targets; where all are unhealthy, all of them.

        Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
        """
        by_state: dict[str, set[Place]] = {}
        for target in group.targets:
            if target.address:
                state = self.health(group.arn, target.id).state
                by_state.setdefault(state, set()).add((target.address, target.port))
        return frozenset(by_state.get("healthy") or by_state.get("unhealthy") or ())

    def _follow_targets(self, wanted: list[Balancer]) -> None:
        asked = {
            (group.arn, target.id): (self._namespace(balancer), target, group.check)
            for balancer in wanted
            for group in balancer.groups
            for target in group.targets
            if target.address
        }
        for key, checker in list(self._checkers.items()):
            if key not in asked:
                self._checkers.pop(key).stop()
            elif asked[key][1:] != (checker.target, checker.check):
                checker.stop()
        for key, (namespace, target, check) in asked.items():
            before = self._checkers.get(key)
            if before is None or (before.target, before.check) != (target, check):
                same = before is not None and before.target == target
                health = before.health if before is not None and same else Health()
                self._checkers[key] = Checker(namespace, target, check, self._wake, health)

    def _end_drains(self) -> None:
        """A target that leaves has gone when nothing is under way with it, or its time is up.

        Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-target-group-attributes.html
        """
        for group in list(elb_backend().target_groups.values()):
            for target_id, (until, place) in list(getattr(group, "lab_draining", {}).items()):
                if time.monotonic() > until or not any(one.busy(place) for one in self._proxies.values()):
                    group.lab_draining.pop(target_id, None)

    def _tell_names(self, wanted: tuple[Balancer, ...]) -> None:
        if tuple(one.addresses for one in wanted) != tuple(one.addresses for one in self._named):
            write_names(self._config.name, [(one.dns_name, ip) for one in wanted for ip in one.addresses])
        self._named = wanted

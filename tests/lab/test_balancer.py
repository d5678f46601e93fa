"""The lab's load balancer: a real proxy, real health checks, security groups on both of its sides."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lab.elb.host_names import HOSTS
from tests.lab.balanced import Load, Site, addresses, get, run_inside, serve
from tests.lab.databases import knock
from tests.lab.living import LivingLab, living_lab, wait_for

NAME, PORT = "balanced", 4780
BUILD_SECONDS = 120.0  # the proxy's files, once on each machine
# Two checks at 5 s that end after 2 s at the latest, and a moment for the switch.
NOTICED_SECONDS = 15.0


@pytest.fixture(scope="module")
def living() -> Iterator[LivingLab]:
    with living_lab(NAME, PORT) as one:
        yield one


@pytest.fixture(scope="module")
def site(living: LivingLab) -> Site:
    return Site(living)


@pytest.fixture(scope="module")
def balanced(site: Site) -> dict[str, Any]:
    """Two machines in two zones behind a load balancer."""
    with pytest.raises(ClientError, match=r"InvalidSubnet.*no internet gateway"):
        site.balancer("front")
    site.attach_gateway()
    machines = [site.machine(0), site.machine(1)]
    group = site.target_group("web")
    balancer = site.balancer("front")
    assert balancer["State"]["Code"] == "provisioning"
    assert site.states(group) == {}
    site.listen(balancer["LoadBalancerArn"], group)
    for machine in machines:
        serve(machine, NAME)
    site.elb.register_targets(TargetGroupArn=group, Targets=[{"Id": one} for one in machines])
    assert set(site.states(group).values()) <= {"initial", "healthy"}

    def active() -> bool:
        found = site.elb.describe_load_balancers(Names=["front"])["LoadBalancers"]
        return bool(found[0]["State"]["Code"] == "active")

    wait_for(active, "the load balancer to be active", seconds=BUILD_SECONDS)
    for machine in machines:
        site.reach(group, machine, "healthy")
    return {
        "arn": balancer["LoadBalancerArn"],
        "host": balancer["DNSName"],
        "group": group,
        "machines": machines,
        "namespace": f"{site.lab.config.prefix}alb-{balancer['LoadBalancerArn'].rpartition('/')[2][:10]}",
    }


def test_its_name_leads_to_a_public_address_in_each_zone(site: Site, balanced: dict[str, Any]) -> None:
    here = addresses(balanced["host"])
    assert len(here) == 2
    inside = run_inside(NAME, balanced["machines"][0], "getent", "ahostsv4", balanced["host"])
    assert {line.split()[0] for line in inside.splitlines()} == here


def test_it_shares_the_requests_and_says_who_asked(site: Site, balanced: dict[str, Any]) -> None:
    operator = str(site.lab.config.operator_address)
    for address in addresses(balanced["host"]):
        said = [get(address)[1].split(" ", 1) for _ in range(4)]
        assert len({name for name, _ in said}) == 2
        assert {told for _, told in said} == {operator}
    told = get(balanced["host"], headers={"X-Forwarded-For": "203.0.113.9"})[1]
    assert told.endswith(f" 203.0.113.9, {operator}")


def test_a_dead_target_costs_nothing_once_it_is_noticed(site: Site, balanced: dict[str, Any]) -> None:
    dead, living = balanced["machines"]
    with Load(balanced["host"]) as load:
        run_inside(NAME, dead, "systemctl", "kill", "--signal=KILL", "web")
        began = time.monotonic()
        site.reach(balanced["group"], dead, "unhealthy", seconds=NOTICED_SECONDS)
        noticed = time.monotonic()
        wait_for(lambda: time.monotonic() > noticed + 2, "requests after the notice")
    assert set(load.count(noticed + 0.5)) == {200}, load.count(noticed + 0.5)
    # A target that refuses the connection is the client's to see, and not hidden by a repetition.
    assert set(load.count(began)) <= {200, 502}
    assert site.states(balanced["group"])[living] == "healthy"
    told = site.elb.describe_target_health(TargetGroupArn=balanced["group"], Targets=[{"Id": dead}])
    assert told["TargetHealthDescriptions"][0]["TargetHealth"]["Reason"] == "Target.FailedHealthChecks"


def test_the_groups_hold_on_both_sides(site: Site, balanced: dict[str, Any]) -> None:
    world = {"IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    assert get(balanced["host"])[0] == 200
    site.revoke(site.front, 80, **world)
    wait_for(lambda: get(balanced["host"], seconds=0.5)[0] == 0, "the front to be closed")
    site.admit(site.front, 80, **world)
    wait_for(lambda: get(balanced["host"])[0] == 200, "the front to be open")
    from_front = {"UserIdGroupPairs": [{"GroupId": site.front}]}
    proxy, target = balanced["namespace"], site.private_address(balanced["machines"][1])
    assert knock(proxy, target, 80) == "open"
    site.revoke(site.back, 80, **from_front)
    wait_for(lambda: knock(proxy, target, 80) == "filtered", "the target to be closed to the proxy")
    site.admit(site.back, 80, **from_front)
    wait_for(lambda: knock(proxy, target, 80) == "open", "the target to be open to the proxy")


def test_a_leaving_target_ends_what_it_has_begun(site: Site, balanced: dict[str, Any]) -> None:
    leaving, group = balanced["machines"][1], balanced["group"]  # the only one that is well
    answers: list[tuple[int, str]] = []
    slow = threading.Thread(target=lambda: answers.append(get(balanced["host"], "/slow")))
    slow.start()
    wait_for(lambda: "slow" in run_inside(NAME, leaving, "cat", "/run/web"), "the slow request to have begun")
    site.elb.deregister_targets(TargetGroupArn=group, Targets=[{"Id": leaving}])
    assert site.states(group)[leaving] == "draining"
    slow.join()
    assert answers[0][0] == 200
    wait_for(lambda: leaving not in site.states(group), "the target to have gone")


@pytest.fixture(scope="module")
def crew(site: Site, balanced: dict[str, Any]) -> str:
    """The name of a group of two, made from an image of the machine whose server was killed, behind the balancer."""
    image = site.bake(balanced["machines"][0], NAME)
    site.template("web", image)
    site.groups.create_auto_scaling_group(
        AutoScalingGroupName="crew", MinSize=1, MaxSize=4, DesiredCapacity=2, TargetGroupARNs=[balanced["group"]],
        LaunchTemplate={"LaunchTemplateName": "web", "Version": "$Latest"}, HealthCheckType="ELB",
        VPCZoneIdentifier=",".join(site.subnets), HealthCheckGracePeriod=30,
    )  # fmt: skip
    wait_for(lambda: len(site.serving("crew", balanced["group"])) == 2, "two machines to serve")
    return "crew"


def test_a_group_stands_in_both_zones(site: Site, crew: str) -> None:
    told = site.groups.describe_auto_scaling_groups(AutoScalingGroupNames=[crew])["AutoScalingGroups"][0]
    assert {one["AvailabilityZone"] for one in told["Instances"]} == {"ap-northeast-2a", "ap-northeast-2c"}
    with pytest.raises(ClientError, match="above max value 4"):
        site.groups.set_desired_capacity(AutoScalingGroupName=crew, DesiredCapacity=5)
    with pytest.raises(ClientError, match="ResourceInUse"):
        site.groups.delete_auto_scaling_group(AutoScalingGroupName=crew)


def test_a_terminated_machine_is_replaced_by_itself(site: Site, balanced: dict[str, Any], crew: str) -> None:
    before = site.serving(crew, balanced["group"])
    gone = min(before)
    site.ec2.terminate_instances(InstanceIds=[gone])

    def replaced() -> bool:
        now = site.serving(crew, balanced["group"])
        return len(now) == 2 and gone not in now

    wait_for(replaced, "another machine in its place")
    causes = " ".join(one["Cause"] for one in site.groups.describe_scaling_activities()["Activities"])
    assert "EC2 health check" in causes


def test_a_rolling_replacement_fails_no_request(site: Site, balanced: dict[str, Any], crew: str) -> None:
    before = site.serving(crew, balanced["group"])
    with Load(balanced["host"]) as load:
        site.groups.start_instance_refresh(
            AutoScalingGroupName=crew, Preferences={"MinHealthyPercentage": 100, "MaxHealthyPercentage": 200}
        )
        wait_for(lambda: site.refresh(crew) == "Successful", "the replacement to end")
    after = site.serving(crew, balanced["group"])
    assert len(after) == 2
    assert not before & after
    assert set(load.count()) == {200}, load.count()


def test_a_group_takes_its_machines_along(site: Site, balanced: dict[str, Any], crew: str) -> None:
    site.groups.delete_auto_scaling_group(AutoScalingGroupName=crew, ForceDelete=True)
    wait_for(lambda: not site.groups.describe_auto_scaling_groups()["AutoScalingGroups"], "the group to go")
    assert site.states(balanced["group"]).keys() <= set(balanced["machines"])


def test_what_it_stands_on_cannot_be_taken_away(site: Site, balanced: dict[str, Any]) -> None:
    with pytest.raises(ClientError, match="DependencyViolation"):
        site.ec2.delete_security_group(GroupId=site.front)
    with pytest.raises(ClientError, match="DependencyViolation"):
        site.ec2.delete_subnet(SubnetId=site.subnets[0])
    with pytest.raises(ClientError, match="ResourceInUse"):
        site.elb.delete_target_group(TargetGroupArn=balanced["group"])
    with pytest.raises(ClientError, match="DuplicateLoadBalancerName"):
        site.balancer("front")


def test_nothing_is_left_of_it(site: Site, balanced: dict[str, Any]) -> None:
    site.elb.delete_load_balancer(LoadBalancerArn=balanced["arn"])
    nics = site.ec2.describe_network_interfaces(Filters=[{"Name": "vpc-id", "Values": [site.vpc]}])
    assert [one for one in nics["NetworkInterfaces"] if one["Description"].startswith("ELB ")] == []
    site.elb.delete_target_group(TargetGroupArn=balanced["group"])
    wait_for(lambda: balanced["host"] not in HOSTS.read_text(), "the name to go")

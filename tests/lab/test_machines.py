"""The life of a machine by the API: run, reboot, stop, start, terminate, and what a killed lab leaves."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lab import registry
from lab.apply import namespaces
from lab.compile.names import short
from lab.run import CommandError, in_namespace, run
from tests.lab.living import LivingLab, banner, lab, living_lab, wait_for

NAME, PORT = "machines", 4650


@pytest.fixture(scope="module")
def living() -> Iterator[LivingLab]:
    with living_lab(NAME, PORT) as one:
        yield one


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("key") / "id_ed25519"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    return path


class Site:
    """One VPC with one public machine, made by plain API calls."""

    def __init__(self, ec2: Any, key: Path) -> None:
        self.ec2, self.key = ec2, key
        self.vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
        self.gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        ec2.attach_internet_gateway(InternetGatewayId=self.gateway, VpcId=self.vpc)
        self.subnet = ec2.create_subnet(VpcId=self.vpc, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"]
        tables = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [self.vpc]}])["RouteTables"]
        self.table = tables[0]["RouteTableId"]
        ec2.create_route(RouteTableId=self.table, DestinationCidrBlock="0.0.0.0/0", GatewayId=self.gateway)
        self.group = ec2.create_security_group(GroupName="open", Description="test", VpcId=self.vpc)["GroupId"]
        everyone = [{"CidrIp": "0.0.0.0/0"}]
        ec2.authorize_security_group_ingress(
            GroupId=self.group,
            IpPermissions=[{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": everyone}],
        )
        ec2.import_key_pair(KeyName="tests", PublicKeyMaterial=key.with_suffix(".pub").read_bytes())
        image = ec2.describe_images(Filters=[{"Name": "name", "Values": ["debian-13-amd64-*"]}])["Images"][0]
        (machine,) = ec2.run_instances(
            ImageId=image["ImageId"], MinCount=1, MaxCount=1, InstanceType="t3.micro", KeyName="tests",
            SubnetId=self.subnet, SecurityGroupIds=[self.group], PrivateIpAddress="10.9.1.10",
        )["Instances"]  # fmt: skip
        self.machine = machine["InstanceId"]
        address = ec2.allocate_address(Domain="vpc")
        self.allocation, self.address = address["AllocationId"], address["PublicIp"]
        self.association = ec2.associate_address(AllocationId=self.allocation, InstanceId=self.machine)["AssociationId"]

    def ssh(self, command: str) -> str:
        return run(self.ssh_command(command))

    def ssh_command(self, command: str) -> list[str]:
        options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR", "BatchMode=yes"]
        argv = ["ssh", "-i", str(self.key), *(word for option in options for word in ("-o", option))]
        return [*argv, f"admin@{self.address}", command]

    def routes(self) -> Any:
        return self.ec2.describe_route_tables(RouteTableIds=[self.table])["RouteTables"][0]["Routes"]

    def boot_id(self) -> str:
        """Changes with every boot of the machine's init."""
        return self.ssh("systemctl show --property=UserspaceTimestampMonotonic --value")


@pytest.fixture(scope="module")
def site(living: LivingLab, key: Path) -> Site:
    made = Site(living.ec2, key)
    wait_for(lambda: banner(made.address), "the first SSH banner")
    return made


def refused(call: Any, **parameters: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    return str(caught.value.response["Error"]["Code"])


def test_the_machine_looks_like_its_image(site: Site) -> None:
    assert site.ssh("hostname") == "ip-10-9-1-10\n"
    assert site.ssh("ip -brief address show ens5").split()[2] == "10.9.1.10/24"
    assert site.ssh("sudo id -un") == "root\n"
    assert site.ssh("cat /proc/sys/net/ipv4/ip_forward") == "0\n"
    assert site.ssh("systemctl is-system-running --wait || systemctl --failed") == "running\n"


def test_the_console_holds_the_host_key_that_the_machine_shows(site: Site) -> None:
    console = site.ec2.get_console_output(InstanceId=site.machine)["Output"]
    shown = run(["ssh-keyscan", "-t", "ed25519", site.address]).split()[2]
    announced = console.partition("-----BEGIN SSH HOST KEY KEYS-----")[2]
    assert shown in announced.partition("-----END SSH HOST KEY KEYS-----")[0]


def test_names_resolve_and_the_egress_address_is_the_elastic_one(site: Site) -> None:
    assert site.ssh("getent hosts ip-10-9-1-10.ap-northeast-2.compute.internal").split()[0] == "10.9.1.10"
    assert site.ssh("curl -sS -m 5 http://checkip.amazonaws.com/").strip() == site.address


def test_metadata_wants_a_token_where_the_instance_says_so(site: Site) -> None:
    base = "http://169.254.169.254/latest"
    status = "curl -sS -m 5 -o /dev/null -w '%{http_code}'"
    assert site.ssh(f"{status} {base}/meta-data/instance-id") == "200"
    site.ec2.modify_instance_metadata_options(InstanceId=site.machine, HttpTokens="required")
    assert site.ssh(f"{status} {base}/meta-data/instance-id") == "401"
    token = site.ssh(f"curl -sS -m 5 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' {base}/api/token")
    header = f"-H 'X-aws-ec2-metadata-token: {token}'"
    assert site.ssh(f"curl -sS -m 5 {header} {base}/meta-data/instance-id") == site.machine
    assert site.ssh(f"curl -sS -m 5 {header} {base}/meta-data/public-ipv4") == site.address
    assert site.ssh(f"{status} -H 'X-aws-ec2-metadata-token: wrong' {base}/meta-data/") == "401"


def test_s3_goes_by_its_endpoint_and_not_by_the_gateway(living: LivingLab, site: Site) -> None:
    ask = "curl -sS -m 5 -o /dev/null -w '%{http_code}' http://s3.ap-northeast-2.amazonaws.com/"
    router = namespaces.names(f"{living.config.prefix}vpc-")[0]
    before = received(router, "endpoint")
    assert site.ssh(ask) == "200"
    assert received(router, "endpoint") == before
    service = "com.amazonaws.ap-northeast-2.s3"
    which = {"VpcId": site.vpc, "ServiceName": service, "RouteTableIds": [site.table]}
    made = site.ec2.create_vpc_endpoint(**which, VpcEndpointType="Gateway")
    wait_for(
        lambda: site.ssh(ask) == "200" and received(router, "endpoint") > before, "packets over the endpoint", seconds=5
    )
    site.ec2.delete_vpc_endpoints(VpcEndpointIds=[made["VpcEndpoint"]["VpcEndpointId"]])
    wait_for(lambda: "vpce" not in str(site.routes()), "the route to go", seconds=5)
    assert site.ssh(ask) == "200"


def received(namespace: str, interface: str) -> int:
    """How many packets came in by an interface of a namespace."""
    return int(run(in_namespace(namespace, ["cat", f"/sys/class/net/{interface}/statistics/rx_packets"])))


def test_what_ec2_refuses_is_refused(site: Site) -> None:
    ec2 = site.ec2
    assert refused(ec2.delete_security_group, GroupId=site.group) == "DependencyViolation"
    assert refused(ec2.delete_subnet, SubnetId=site.subnet) == "DependencyViolation"
    assert refused(ec2.release_address, AllocationId=site.allocation) == "InvalidIPAddress.InUse"
    attached = {"InternetGatewayId": site.gateway, "VpcId": site.vpc}
    assert refused(ec2.detach_internet_gateway, **attached) == "DependencyViolation"
    assert refused(ec2.delete_vpc, VpcId=site.vpc) == "DependencyViolation"


def test_a_changed_description_is_confirmed(site: Site) -> None:
    everyone = [{"CidrIp": "0.0.0.0/0", "Description": "the bastion"}]
    rule = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": everyone}
    changed = site.ec2.update_security_group_rule_descriptions_ingress(GroupId=site.group, IpPermissions=[rule])
    assert changed["Return"] is True
    (group,) = site.ec2.describe_security_groups(GroupIds=[site.group])["SecurityGroups"]
    assert group["IpPermissions"][0]["IpRanges"] == everyone


def test_source_dest_check_is_one_attribute_of_instance_and_interface(site: Site) -> None:
    site.ec2.modify_instance_attribute(InstanceId=site.machine, SourceDestCheck={"Value": False})
    (nic,) = site.ec2.describe_instances(InstanceIds=[site.machine])["Reservations"][0]["Instances"][0][
        "NetworkInterfaces"
    ]
    (same,) = site.ec2.describe_network_interfaces(NetworkInterfaceIds=[nic["NetworkInterfaceId"]])["NetworkInterfaces"]
    assert same["SourceDestCheck"] is False


def test_a_rule_is_in_force_when_the_api_has_answered(site: Site) -> None:
    rule = {"GroupId": site.group, "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIp": "0.0.0.0/0"}
    site.ec2.revoke_security_group_ingress(**rule)
    wait_for(lambda: not banner(site.address), "the revoked rule", seconds=5)
    site.ec2.authorize_security_group_ingress(**rule)
    wait_for(lambda: banner(site.address), "the rule", seconds=5)


@pytest.mark.parametrize("how", ["api", "inside"])
def test_a_reboot_keeps_the_disk_and_forgets_the_firewall(site: Site, how: str) -> None:
    namespace = namespaces.names(f"{registry.find(NAME).prefix}i-")[0]
    site.ssh(f"touch kept-{how}")
    run(in_namespace(namespace, ["nft", "add", "table", "ip", "forgotten"]))
    run(in_namespace(namespace, ["sysctl", "-qw", "net.ipv4.ip_forward=1"]))
    before = site.boot_id()
    if how == "api":
        site.ec2.reboot_instances(InstanceIds=[site.machine])
    else:
        # The connection goes away under the command's feet.
        with contextlib.suppress(CommandError):
            site.ssh("sudo systemctl reboot")
    wait_for(lambda: banner(site.address) and _quiet(site.boot_id) not in (before, ""), "the reboot")
    assert site.ssh("ls").split().count(f"kept-{how}") == 1
    assert site.ssh("cat /proc/sys/net/ipv4/ip_forward") == "0\n"
    assert "forgotten" not in run(in_namespace(namespace, ["nft", "list", "tables"]))


def _quiet(question: Callable[[], str]) -> str:
    with contextlib.suppress(CommandError):
        return question()
    return ""


def test_a_stopped_machine_is_silent_its_routes_black_and_its_disk_kept(site: Site) -> None:
    route = {"RouteTableId": site.table, "DestinationCidrBlock": "192.0.2.0/24"}
    site.ec2.create_route(**route, InstanceId=site.machine)
    site.ssh("touch before-stop")
    site.ec2.stop_instances(InstanceIds=[site.machine])
    wait_for(lambda: not banner(site.address), "silence")
    (table,) = site.ec2.describe_route_tables(RouteTableIds=[site.table])["RouteTables"]
    states = {one["DestinationCidrBlock"]: one["State"] for one in table["Routes"]}
    assert states["192.0.2.0/24"] == "blackhole"
    site.ec2.start_instances(InstanceIds=[site.machine])
    wait_for(lambda: banner(site.address), "the start")
    assert "before-stop" in site.ssh("ls")
    site.ec2.delete_route(**route)


def test_a_machine_that_switches_itself_off_is_stopped(living: LivingLab, site: Site) -> None:
    with contextlib.suppress(CommandError):
        site.ssh("sudo systemctl poweroff")
    wait_for(lambda: living.status()["instances"][0]["state"] == "stopped", "the state stopped")
    site.ec2.start_instances(InstanceIds=[site.machine])
    wait_for(lambda: banner(site.address), "the start")


def test_a_power_cut_loses_what_was_not_flushed_and_nothing_else(living: LivingLab, site: Site) -> None:
    site.ssh("echo flushed > kept-after-cut; sync")
    # File after file until the cut: any program that flushes takes with it what was written before.
    hasty = "i=0; while i=$((i + 1)); do touch hasty-$i; echo hasty-$i; sleep 0.02; done"
    with subprocess.Popen(site.ssh_command(hasty), stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout
        assert writer.stdout.readline()
        lab("power-off", "--name", NAME, site.machine)
        wait_for(lambda: living.status()["instances"][0]["state"] == "stopped", "the state stopped")
        writer.terminate()
        last = writer.stdout.read().split()[-1]
    site.ec2.start_instances(InstanceIds=[site.machine])
    wait_for(lambda: banner(site.address), "the start")
    files = site.ssh("ls").split()
    assert "kept-after-cut" in files
    assert last not in files
    assert site.ssh("cat kept-after-cut") == "flushed\n"


def test_a_machine_has_the_memory_of_its_type(site: Site) -> None:
    assert "MemTotal:        1048576 kB" in site.ssh("cat /proc/meminfo")


def test_exec_enters_a_machine_and_console_shows_its_boot(site: Site) -> None:
    assert lab("exec", "--name", NAME, site.machine, "--", "hostname") == "ip-10-9-1-10\n"
    assert "BEGIN SSH HOST KEY KEYS" in lab("console", "--name", NAME, site.machine)


def test_a_bad_line_and_a_full_disk_are_felt_and_healed(site: Site) -> None:
    lab("impair", "--name", NAME, site.machine, "--loss", "100")
    wait_for(lambda: not banner(site.address), "the loss")
    lab("impair", "--name", NAME, site.machine, "--full-disk")
    wait_for(lambda: banner(site.address), "the line")
    assert site.ssh("dd if=/dev/zero of=more bs=1M count=1 2>/dev/null || echo full") == "full\n"
    lab("impair", "--name", NAME, site.machine, "--mtu", "1280")
    assert site.ssh("dd if=/dev/zero of=more bs=1M count=1 2>/dev/null && echo room") == "room\n"
    assert site.ssh("ping -c 1 -W 1 -M do -s 1400 10.9.0.2 || echo narrow").endswith("narrow\n")
    lab("impair", "--name", NAME, site.machine, "--heal")
    assert len(site.ssh("head -c 200000 /dev/zero | tr '\\0' x")) == 200000


def test_a_fault_of_a_machine_is_told_outlives_a_change_of_rules_and_is_cleared(site: Site) -> None:
    lab("fault", "add", "--name", NAME, "loss", site.machine, "--amount", "100")
    wait_for(lambda: not banner(site.address), "the loss")
    rule = {"GroupId": site.group, "IpProtocol": "tcp", "FromPort": 23, "ToPort": 23, "CidrIp": "0.0.0.0/0"}
    site.ec2.authorize_security_group_ingress(**rule)
    (told,) = json.loads(lab("fault", "list", "--name", NAME, "--json"))
    assert (told["machine"], told["loss_percent"], told["full_disk"]) == (site.machine, 100, False)
    assert "loss 100" in lab("fault", "list", "--name", NAME)
    assert not banner(site.address)
    lab("fault", "clear", "--name", NAME, site.machine)
    wait_for(lambda: banner(site.address), "the line")
    assert lab("fault", "list", "--name", NAME) == "no fault is set\n"
    site.ec2.revoke_security_group_ingress(**rule)


def test_only_a_spot_instance_is_interrupted(site: Site) -> None:
    with pytest.raises(AssertionError, match="is no spot instance"):
        lab("interrupt", "--name", NAME, site.machine)


def test_a_spot_instance_reads_its_notice_and_goes(living: LivingLab, site: Site) -> None:
    image = site.ec2.describe_images(Filters=[{"Name": "name", "Values": ["debian-13-amd64-*"]}])["Images"][0]
    (spot,) = site.ec2.run_instances(
        ImageId=image["ImageId"], MinCount=1, MaxCount=1, InstanceType="t3.micro", KeyName="tests",
        SubnetId=site.subnet, SecurityGroupIds=[site.group], PrivateIpAddress="10.9.1.11",
        InstanceMarketOptions={"MarketType": "spot"},
    )["Instances"]  # fmt: skip
    one = spot["InstanceId"]
    ask = ["curl", "-sS", "-m", "5", "http://169.254.169.254/latest/meta-data/spot/instance-action"]
    inside = ("exec", "--name", NAME, one, "--")
    wait_for(lambda: banner_inside(living, one), "the spot instance")
    assert lab(*inside, *ask) == ""
    lab("interrupt", "--name", NAME, one, "--seconds", "3")
    assert '"action": "terminate"' in lab(*inside, *ask)
    wait_for(lambda: not (living.config.disk_dir / one).exists(), "the end of the spot instance")


def banner_inside(living: LivingLab, instance_id: str) -> bool:
    """Whether sshd of a machine without a public address listens."""
    namespace = f"{living.config.prefix}{short(instance_id)}"
    return ":22 " in _quiet(lambda: run(in_namespace(namespace, ["ss", "-ltn"])))


def test_terminate_takes_disk_and_interface_away(living: LivingLab, site: Site) -> None:
    site.ec2.disassociate_address(AssociationId=site.association)
    site.ec2.release_address(AllocationId=site.allocation)
    site.ec2.terminate_instances(InstanceIds=[site.machine])
    disk = living.config.disk_dir / site.machine
    wait_for(lambda: not disk.exists(), "the disk to go")
    assert not namespaces.names(f"{living.config.prefix}i-")
    site.ec2.delete_subnet(SubnetId=site.subnet)
    site.ec2.delete_security_group(GroupId=site.group)


def test_a_killed_lab_is_swept_by_the_next_up(living: LivingLab, key: Path) -> None:
    second = Site(living.ec2, key_again(living, key))
    wait_for(lambda: banner(second.address), "the second machine")
    pid = registry.daemon_pid(living.config)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: registry.daemon_pid(living.config) is None, "the lab to die")
    lab("up", "--name", NAME, "--port", str(PORT))
    assert namespaces.names(living.config.prefix) == [living.config.internet_namespace]
    assert not traces(living.config.name, second.machine)


def test_down_leaves_nothing(living: LivingLab) -> None:
    lab("down", "--name", NAME)
    assert not namespaces.names(living.config.prefix)
    assert str(living.config.pool) not in run(["ip", "route", "show", "table", "all"])
    assert living.config.operator_interface not in run(["ip", "link"])
    assert not traces(living.config.name, "onebox-lab/" + NAME)


def key_again(living: LivingLab, key: Path) -> Path:
    living.ec2.delete_key_pair(KeyName="tests")
    return key


def traces(name: str, word: str) -> list[str]:
    """Mounts and processes that still speak of a lab or machine."""
    mounts = [line for line in Path("/proc/self/mounts").read_text().splitlines() if f"onebox-lab/{name}/" in line]
    processes = [line for line in run(["ps", "-eo", "args"]).splitlines() if word in line and "pytest" not in line]
    return mounts + processes

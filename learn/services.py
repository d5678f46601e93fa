"""Exercises 7 to 12: from the bastion to the tear-down."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from learn.foundations import MACHINES, group_was_wrong
from learn.need import Need
from learn.world import World, name_of

INNER = MACHINES["learn-inner"]
# Lines of sshd begin with their time in seconds.
SSHD_LOG = "journalctl --no-pager -o short-unix -t sshd -t sshd-session"
BOOTED = "systemctl show --property UserspaceTimestamp --value --timestamp=unix"
ROOT_SINCE_BOOT = "journalctl --no-pager --boot -o cat -t sudo | grep -c COMMAND="
TRANSLATED = "iptables -t nat -vnxL POSTROUTING | awk '/MASQUERADE/ {sum += $1} END {print sum}'"
ASK_S3 = "curl -s -m 5 -o /dev/null -w '%{http_code}' http://s3.ap-northeast-2.amazonaws.com/"
ATTEMPTS = 3


def bastion(world: World) -> Iterator[Need]:
    """7"""
    address = world.elastic_ip("learn-bastion")
    found = world.connect("outside", address, 22) if address else ""
    yield Need(found == "open", "the bastion answers SSH", "배스천이 SSH에 응답한다", found=found)
    if found != "open":
        return
    reloads = _times(world, "learn-bastion", "Received SIGHUP")
    logins = _times(world, "learn-inner", r"Accepted publickey for admin from 10\.9\.1\.10 ")
    en, ko = "somebody has logged in to learn-inner by way of the bastion", "배스천을 거쳐 learn-inner에 로그인했다"
    yield Need(bool(logins), en, ko)
    en = "the bastion's sshd was given other settings, and others again"
    yield Need(len(reloads) > 1, en, "배스천의 sshd 설정을 바꾸었다가 다시 바꾸었다", "Break")
    allowed = world.run("learn-bastion", "sshd -T | grep -i allowtcpforwarding")
    en, ko = "it forwards connections", "연결을 전달한다"
    yield Need(allowed.lower() == "allowtcpforwarding yes", en, ko, "Repair", allowed)
    again = bool(logins and reloads) and logins[-1] > reloads[-1]
    yield Need(again, "and somebody has gone through it since", "그 뒤로 다시 거쳐서 로그인했다", "Repair")


def nat_instance(world: World) -> Iterator[Need]:
    """8"""
    machine = world.machine("learn-bastion")
    check = machine.get("SourceDestCheck", True)
    yield Need(
        check is False, "the source/dest check of learn-bastion is off", "learn-bastion의 소스/대상 확인이 꺼져 있다"
    )
    way = world.way_out("learn-private")
    led = bool(machine) and way == machine["InstanceId"]
    en, ko = "the private subnets' way out is learn-bastion", "프라이빗 서브넷의 기본 경로가 learn-bastion을 가리킨다"
    yield Need(led, en, ko, found=way)
    if not led:
        return
    address, seen = world.elastic_ip("learn-bastion"), world.seen_from("learn-inner")
    en, ko = f"the internet sees learn-inner as {address}", f"인터넷에서 learn-inner가 {address}(으)로 보인다"
    yield Need(bool(address) and seen == address, en, ko, "Repair", seen)
    table = world.table_of("learn-private")["RouteTableId"]
    routed = world.calls("CreateRoute", table, way)
    booted = float(world.run("learn-bastion", BOOTED).lstrip("@") or 0)
    rebooted = bool(routed) and booted > datetime.fromisoformat(routed[0]["time"]).timestamp()
    en, ko = "the bastion has been rebooted since", "그 뒤로 배스천을 재부팅했다"
    yield Need(rebooted, en, ko, "Break")
    if rebooted:
        by_hand = world.run("learn-bastion", ROOT_SINCE_BOOT)
        yield Need(
            by_hand == "0",
            "nobody became root there since it booted, so the rules came back by themselves (else reboot it once more)",
            "부팅한 뒤 아무도 root가 되지 않았으므로 규칙이 저절로 돌아온 것이다(아니면 한 번 더 재부팅)",
            "Repair",
        )


def managed_gateway(world: World) -> Iterator[Need]:
    """9: what it costs is asked by the caller."""
    made = world.calls("CreateNatGateway", world.named("subnets", "learn-public").get("SubnetId", "none"))
    yield Need(
        bool(made), "a managed NAT gateway was made in learn-public", "learn-public에 관리형 NAT 게이트웨이를 만들었다"
    )
    table = world.table_of("learn-private").get("RouteTableId", "none")
    used = [one for one in world.calls("ReplaceRoute", table) if any(r.startswith("nat-") for r in one["resources"])]
    yield Need(bool(used), "the private subnets went out by it", "프라이빗 서브넷이 그 게이트웨이로 나갔다")
    removed = bool(made) and world.calls("DeleteNatGateway", after=made[0]["n"])
    alive = [one["NatGatewayId"] for one in world.here("nat_gateways") if one["State"] in ("pending", "available")]
    en, ko = "it was removed again", "게이트웨이를 다시 삭제했다"
    yield Need(bool(removed) and not alive, en, ko, "Break", " ".join(alive))
    idle = world.idle_addresses
    en, ko = "no Elastic IP is left that belongs to nothing", "어디에도 연결되지 않은 Elastic IP가 없다"
    yield Need(not idle, en, ko, "Repair", " ".join(idle))
    address, seen = world.elastic_ip("learn-bastion"), world.seen_from("learn-inner")
    en, ko = "learn-inner goes out by the bastion as before", "learn-inner가 다시 배스천을 통해 나간다"
    yield Need(bool(address) and seen == address, en, ko, "Repair", seen)


def s3_endpoint(world: World) -> Iterator[Need]:
    """10"""
    table = world.table_of("learn-private").get("RouteTableId", "none")
    alive = [
        one
        for one in world.here("endpoints")
        if one["VpcEndpointType"] == "Gateway" and one["ServiceName"].endswith(".s3") and one["State"] == "available"
    ]
    ours = [one for one in alive if table in one["RouteTableIds"]]
    en, ko = (
        "a gateway endpoint for S3 serves the private table",
        "S3 게이트웨이 엔드포인트가 프라이빗 라우팅 테이블에 있다",
    )
    yield Need(bool(ours), en, ko, "Repair" if world.calls("DeleteVpcEndpoints") else "Build")
    gone = [one for one in world.calls("DeleteVpcEndpoints") if world.calls("CreateVpcEndpoint", table, after=one["n"])]
    en, ko = "an endpoint was deleted, and another made", "엔드포인트를 지웠다가 새로 만들었다"
    yield Need(bool(gone), en, ko, "Break")
    public = world.table_of("learn-public").get("RouteTableId", "none")
    en, ko = "the new one serves the public table too", "새 엔드포인트는 퍼블릭 라우팅 테이블에도 있다"
    yield Need(any(public in one["RouteTableIds"] for one in ours), en, ko, "Repair")
    if not ours:
        return
    answer, past = _past_the_nat(world)
    en, ko = "learn-inner reaches S3", "learn-inner가 S3에 닿는다"
    yield Need(answer.isdigit() and answer != "000", en, ko, "Repair", answer)
    en, ko = "without a packet through the NAT", "NAT를 거치는 패킷이 없다"
    yield Need(past, en, ko, "Repair")


def database(world: World) -> Iterator[Need]:
    """11"""
    found = next((one for one in world.all("databases") if one["DBInstanceIdentifier"] == "learn-data"), {})
    state = found.get("DBInstanceStatus", "")
    yield Need(
        state == "available",
        "the database learn-data is available",
        "데이터베이스 learn-data가 available 상태이다",
        found=state,
    )
    if state != "available":
        return
    yield Need(not found["PubliclyAccessible"], "it has no public address", "공인 주소가 없다")
    zones = {one["SubnetAvailabilityZone"]["Name"] for one in found["DBSubnetGroup"]["Subnets"]}
    en, ko = "it may stand in two zones", "두 가용 영역에 둘 수 있다"
    yield Need(len(zones) > 1, en, ko, found=" ".join(sorted(zones)))
    host = found["Endpoint"]["Address"]
    answer = world.connect("learn-inner", host, 3306)
    en, ko = "learn-inner reaches it by its name", "learn-inner가 이름으로 연결한다"
    yield Need(answer == "open", en, ko, "Repair", answer)
    answer = world.connect("learn-bastion", host, 3306)
    yield Need(answer == "silent", "the bastion does not", "배스천은 연결하지 못한다", "Repair", answer)
    yield group_was_wrong(world, "learn-data")


def teardown(world: World) -> Iterator[Need]:
    """12"""
    refused = [
        call
        for call in world.calls("DeleteVpc", error="DependencyViolation")
        if world.calls("AttachInternetGateway", *call["resources"])
    ]
    yield Need(
        bool(refused), "EC2 has refused to delete a VPC in use", "사용 중인 VPC의 삭제를 EC2가 거부했다", "Break"
    )
    gone = any(world.calls("DeleteVpc", *one["resources"], after=one["n"]) for one in refused)
    yield Need(gone and not world.vpc, "the VPC is gone", "VPC가 없어졌다", "Repair", world.vpc)
    disks = [one["VolumeId"] for one in world.all("volumes") if not one["Attachments"]]
    databases = [one["DBInstanceIdentifier"] for one in world.all("databases")]
    keys = [one["KeyName"] for one in world.all("key_pairs") if one["KeyName"] == "learn"]
    for en, ko, left in (
        ("no machine is left", "남은 인스턴스가 없다", _alive(world)),
        ("no disk is left", "남은 디스크가 없다", disks),
        (
            "no Elastic IP is left that belongs to nothing",
            "어디에도 연결되지 않은 Elastic IP가 없다",
            world.idle_addresses,
        ),
        ("no database is left", "남은 데이터베이스가 없다", [one for one in databases if one == "learn-data"]),
        ("the key is gone", "키가 없어졌다", keys),
    ):
        yield Need(bool(refused) and not left, en, ko, "Repair", " ".join(left))


def _alive(world: World) -> list[str]:
    there = [one for one in world.all("instances") if one["State"]["Name"] != "terminated"]
    return [name_of(one) for one in there if name_of(one) in MACHINES]


def _times(world: World, machine: str, pattern: str) -> list[float]:
    """When sshd of a machine said such a thing."""
    lines = world.run(machine, SSHD_LOG).splitlines()
    return [float(line.split()[0]) for line in lines if re.search(pattern, line)]


def _past_the_nat(world: World) -> tuple[str, bool]:
    """What S3 answers, and whether an attempt went by without a packet translated; others may use the NAT meanwhile."""
    answer = ""
    for _ in range(ATTEMPTS):
        before = world.run("learn-bastion", TRANSLATED)
        answer = world.run("learn-inner", ASK_S3)
        if before and before == world.run("learn-bastion", TRANSLATED):
            return answer, True
    return answer, False

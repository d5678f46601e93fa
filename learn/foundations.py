"""Exercises 1 to 6: from a prefix to a group. Each check yields what must be so, in the order of its page."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network

from learn.need import Need, Part
from learn.world import DEFAULT_ROUTE, World

RANGE = "10.9.0.0/16"
SUBNETS = {
    "learn-public": ("10.9.1.0/24", "ap-northeast-2a"),
    "learn-private": ("10.9.2.0/24", "ap-northeast-2a"),
    "learn-private-c": ("10.9.12.0/24", "ap-northeast-2c"),
}
MACHINES = {"learn-bastion": "10.9.1.10", "learn-inner": "10.9.2.10"}


def addresses(world: World) -> Iterator[Need]:
    """1: the pencil's part is asked by the caller."""
    refused = world.calls("CreateVpc", error="InvalidVpc.Range")
    yield Need(
        bool(refused), "EC2 has refused a VPC of the wrong size", "크기가 맞지 않는 VPC를 EC2가 거부했다", "Break"
    )


def private_ranges(world: World) -> Iterator[Need]:
    """2"""
    mine = [one for one in world.all("vpcs") if one["VpcId"] == world.vpc]
    found = mine[0]["CidrBlock"] if mine else ""
    yield Need(found == RANGE, f"the VPC learn has {RANGE}", f"VPC learn의 대역이 {RANGE}이다", found=found)
    gone = [one for one in world.calls("DeleteVpc") if world.vpc not in one["resources"]]
    en, ko = "a second VPC of the same range was made, and removed", "같은 대역의 VPC를 하나 더 만들었다가 삭제했다"
    yield Need(bool(gone), en, ko, "Break")
    others = [one for one in world.all("vpcs") if one["VpcId"] != world.vpc]
    clashes = [one["CidrBlock"] for one in others if IPv4Network(one["CidrBlock"]).overlaps(IPv4Network(RANGE))]
    en, ko = "no other VPC overlaps it", "이 대역과 겹치는 다른 VPC가 없다"
    yield Need(not clashes, en, ko, "Repair", found=" ".join(clashes))


def subnets(world: World) -> Iterator[Need]:
    """3"""
    for name, (cidr, zone) in SUBNETS.items():
        one = world.named("subnets", name)
        found = f"{one.get('CidrBlock', '')} {one.get('AvailabilityZone', '')}".strip()
        part: Part = "Repair" if name == "learn-private-c" else "Build"
        en, ko = f"the subnet {name} has {cidr} in {zone}", f"서브넷 {name}이(가) {zone}에 {cidr}로 있다"
        yield Need(found == f"{cidr} {zone}", en, ko, part, found)
    for name, address in MACHINES.items():
        found = world.machine(name).get("PrivateIpAddress", "")
        en, ko = f"the machine {name} runs at {address}", f"인스턴스 {name}이(가) {address}에서 실행 중이다"
        yield Need(found == address, en, ko, found=found)
    refused = world.calls("CreateSubnet", world.vpc, error="InvalidSubnet.Conflict")
    yield Need(bool(refused), "EC2 has refused a subnet that overlaps", "겹치는 서브넷을 EC2가 거부했다", "Break")


def internet_gateway(world: World) -> Iterator[Need]:
    """4"""
    gateway = _gateway(world)
    yield Need(bool(gateway), "an internet gateway is attached to learn", "learn에 인터넷 게이트웨이가 연결되어 있다")
    public = world.elastic_ip("learn-bastion")
    yield Need(bool(public), "learn-bastion has an Elastic IP", "learn-bastion에 Elastic IP가 있다")
    inner = world.machine("learn-inner").get("PublicIpAddress", "")
    en, ko = "learn-inner has no public address", "learn-inner에는 공인 주소가 없다"
    yield Need(bool(world.machine("learn-inner")) and not inner, en, ko, found=inner)
    refused = world.calls("DetachInternetGateway", gateway or "none", error="DependencyViolation")
    en, ko = "EC2 has refused to detach it from under a public address", "공인 주소가 있는 동안 EC2가 분리를 거부했다"
    yield Need(bool(refused), en, ko, "Break")


def route_tables(world: World) -> Iterator[Need]:
    """5"""
    gateway, bastion = _gateway(world), world.elastic_ip("learn-bastion")
    led = bool(gateway) and world.way_out("learn-public") == gateway
    yield Need(
        led,
        f"learn-public has a table with {DEFAULT_ROUTE} to the internet gateway",
        f"learn-public의 라우팅 테이블에 인터넷 게이트웨이로 가는 {DEFAULT_ROUTE} 경로가 있다",
        found=world.way_out("learn-public"),
    )
    private = [world.table_of(one) for one in ("learn-private", "learn-private-c")]
    own = bool(private[0]) and private[0] == private[1] and world.way_out("learn-private") != gateway
    yield Need(
        own,
        "both private subnets share a table of their own, without that route",
        "프라이빗 서브넷 둘이 그 경로가 없는 별도의 라우팅 테이블을 함께 쓴다",
    )
    yield _was_in_the_wrong_table(world)
    if led:
        seen = world.seen_from("learn-bastion")
        yield Need(
            bool(bastion) and seen == bastion,
            f"the internet sees learn-bastion as {bastion}",
            f"인터넷에서 learn-bastion이 {bastion}(으)로 보인다",
            "Repair",
            seen,
        )


def security_groups(world: World) -> Iterator[Need]:
    """6"""
    bastion = world.elastic_ip("learn-bastion")
    if not bastion or not world.machine("learn-inner"):
        yield Need(False, "exercises 3 and 4 have made both machines", "연습 3과 4에서 인스턴스 두 대를 만들었다")
        return
    for place, host, port, answer, en, ko in (
        ("outside", bastion, 22, "open", "the bastion answers SSH from outside", "외부에서 배스천의 SSH에 연결된다"),
        ("outside", bastion, 80, "refused", "its port 80 is refused: admitted, but nobody listens",
         "80번 포트는 거부된다(허용했지만 대기 중인 프로그램이 없음)"),
        ("outside", bastion, 8080, "silent", "its port 8080 stays silent: dropped by the group",
         "8080번 포트는 응답이 없다(보안 그룹이 버림)"),
        ("learn-bastion", MACHINES["learn-inner"], 22, "open", "the bastion reaches SSH of learn-inner",
         "배스천에서 learn-inner의 SSH에 연결된다"),
        ("learn-bastion", MACHINES["learn-inner"], 80, "silent", "but not its port 80",
         "그러나 80번 포트에는 닿지 못한다"),
    ):  # fmt: skip
        found = world.connect(place, host, port)
        yield Need(found == answer, en, ko, "Repair" if place == "learn-bastion" else "Build", found)
    ours, inner = world.group("learn-bastion"), world.group("learn-inner")
    by_group = [
        pair["GroupId"]
        for rule in inner.get("IpPermissions", [])
        for pair in rule["UserIdGroupPairs"]
        if rule.get("FromPort") == 22
    ]
    by_range = [one for rule in inner.get("IpPermissions", []) for one in rule["IpRanges"]]
    yield Need(
        by_group == [ours.get("GroupId")] and not by_range,
        "learn-inner admits SSH from the group learn-bastion, and no range",
        "learn-inner는 대역이 아니라 보안 그룹 learn-bastion에서 오는 SSH만 허용한다",
        "Repair",
    )
    yield group_was_wrong(world, "learn-inner")


def _gateway(world: World) -> str:
    for one in world.all("internet_gateways"):
        if world.vpc and any(attached["VpcId"] == world.vpc for attached in one["Attachments"]):
            return str(one["InternetGatewayId"])
    return ""


def _was_in_the_wrong_table(world: World) -> Need:
    """The public subnet was given its table, then lost it, and has it again."""
    table = world.table_of("learn-public").get("RouteTableId", "none")
    given = world.calls("AssociateRouteTable", table, world.named("subnets", "learn-public").get("SubnetId", "none"))
    lost = [
        call["n"]
        for action in ("DisassociateRouteTable", "ReplaceRouteTableAssociation")
        for call in world.calls(action)
        if given and given[0]["n"] < call["n"]
    ]
    again = bool(lost) and given[-1]["n"] > min(lost)
    en, ko = (
        "learn-public once lost its table, and has it again",
        "learn-public이 자기 테이블을 한 번 잃었다가 되찾았다",
    )
    return Need(again, en, ko, "Break")


def group_was_wrong(world: World, name: str) -> Need:
    """A rule was taken back, and another given afterwards."""
    group = world.group(name).get("GroupId", "none")
    taken = world.calls("RevokeSecurityGroupIngress", group)
    given = bool(taken) and world.calls("AuthorizeSecurityGroupIngress", group, after=taken[0]["n"])
    en, ko = f"the rule of {name} was wrong once", f"{name}의 규칙을 한 번 잘못 고쳤다"
    return Need(bool(given), en, ko, "Break")

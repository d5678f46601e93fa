"""Questions to be answered with a pencil, other ones in every lab: answers cannot be copied from a neighbour."""

from __future__ import annotations

import random
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

RESERVED = 5  # AWS keeps the first four addresses of each subnet and the last
PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
LETTERS = "abcdef"


@dataclass(frozen=True)
class Question:
    """Asked in both languages; `hints` are replies to the usual wrong answers."""

    en: str
    ko: str
    answer: str
    hints: dict[str, tuple[str, str]]

    def reply(self, given: str, language: str) -> str:
        """Empty if it is right, else a hint; never the answer."""
        if given.strip().lower() == self.answer:
            return ""
        usual = self.hints.get(given.strip().lower(), ("Not that.", "아닙니다."))
        return usual[language == "ko"]


def _network(dice: random.Random) -> IPv4Interface:
    """An address in the middle of a network whose border is not at a dot."""
    prefix = dice.choice([19, 20, 21, 22, 23, 26, 27])
    network = IPv4Network(
        (int(IPv4Address(f"10.{dice.randrange(20, 250)}.{dice.randrange(64, 250)}.77")), prefix), False
    )
    inside = dice.randrange(network.num_addresses // 3, network.num_addresses - 2)
    return IPv4Interface((int(network.network_address) + inside, prefix))


def prefixes(seed: str) -> list[Question]:
    """Network, number of machines, smallest network for a number of machines."""
    dice = random.Random(f"prefixes {seed}")
    mine = _network(dice)
    network, size = mine.network, mine.network.num_addresses
    room = dice.choice([28, 60, 124, 252])  # would fit, were it not for what AWS keeps
    fits = 32 - (room + RESERVED - 1).bit_length()
    as_usual = (
        "AWS keeps five addresses of each subnet, not two.",
        "AWS는 서브넷마다 두 개가 아니라 다섯 개를 예약합니다.",
    )
    return [
        Question(
            f"Which network is {mine} in? Answer like 10.1.2.0/24.",
            f"{mine}이(가) 속한 네트워크는 무엇입니까? 10.1.2.0/24처럼 답하세요.",
            str(network),
            {
                str(mine): ("The host bits of a network are all zero.", "네트워크 주소는 호스트 비트가 모두 0입니다."),
                str(network.network_address): (
                    "Name the length of the prefix too.",
                    "프리픽스 길이도 함께 적어야 합니다.",
                ),
            },
        ),
        Question(
            f"How many machines can a subnet of that size hold on AWS (/{mine.network.prefixlen})?",
            f"AWS에서 그 크기(/{mine.network.prefixlen})의 서브넷에는 인스턴스를 몇 대까지 둘 수 있습니까?",
            str(size - RESERVED),
            {
                str(size): ("AWS keeps five of them.", "그중 다섯 개는 AWS가 예약합니다."),
                str(size - 2): as_usual,
            },
        ),
        Question(
            f"What is the smallest AWS subnet with room for {room} machines? Answer like /24.",
            f"인스턴스 {room}대를 둘 수 있는 가장 작은 AWS 서브넷은 무엇입니까? /24처럼 답하세요.",
            f"/{fits}",
            {
                f"/{fits + 1}": as_usual,
                f"/{fits - 1}": ("It fits, but half of it would do.", "들어가기는 하지만 그 절반이면 충분합니다."),
                str(fits): ("Write it with its slash.", "앞에 /를 붙여 적으세요."),
            },
        ),
    ]


def private_addresses(seed: str) -> tuple[list[str], str]:
    """Six addresses, and the letters of those that RFC 1918 keeps for private networks."""
    dice = random.Random(f"private {seed}")
    some = [
        f"10.{dice.randrange(256)}.{dice.randrange(256)}.7",
        f"172.{dice.randrange(17, 32)}.0.9",
        f"172.{dice.randrange(32, 40)}.0.9",
        f"192.168.{dice.randrange(256)}.20",
        f"192.{dice.randrange(169, 200)}.1.20",
        f"100.{dice.randrange(64, 128)}.3.3",
    ]
    dice.shuffle(some)
    ranges = [IPv4Network(one) for one in PRIVATE]
    letters = [letter for letter, one in zip(LETTERS, some, strict=True) if any(IPv4Address(one) in r for r in ranges)]
    return some, "".join(letters)


def private_question(seed: str) -> Question:
    some, letters = private_addresses(seed)
    listed = ", ".join(f"{letter} {one}" for letter, one in zip(LETTERS, some, strict=True))
    shared = LETTERS[next(i for i, one in enumerate(some) if one.startswith("100."))]
    with_shared = "".join(sorted(letters + shared))
    return Question(
        f"Which of these may anybody use at home: {listed}? Answer with the letters, like abc.",
        f"다음 중 누구나 사설망에서 쓸 수 있는 주소는 무엇입니까? {listed}. abc처럼 글자로 답하세요.",
        letters,
        {
            with_shared: (
                "100.64.0.0/10 belongs to providers, between them and their customers (RFC 6598).",
                "100.64.0.0/10은 통신사와 가입자 사이에서 쓰는 대역입니다(RFC 6598).",
            )
        },
    )


def gateway_price() -> Question:
    """By the price list of roles/aws_cost: a gateway for 730 hours, and its address."""
    return Question(
        "What does a managed NAT gateway cost a month, with its address, before traffic? In USD, like 12.34.",
        "관리형 NAT 게이트웨이는 공인 주소를 포함해 트래픽 요금 전에 한 달에 얼마입니까? 12.34처럼 달러로 답하세요.",
        "46.72",
        {
            "43.07": ("Its address costs as well.", "공인 주소 요금도 더해야 합니다."),
            "47": ("To the cent, please: cost.yml says it.", "센트까지 적어 주세요. cost.yml이 알려 줍니다."),
        },
    )

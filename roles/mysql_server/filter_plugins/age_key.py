# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: the Onebox authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or
# https://www.gnu.org/licenses/gpl-3.0.txt). It runs inside Ansible, which has this licence.
"""A key pair of age, from a secret: who has the secret reads, who has the recipient only writes."""

from __future__ import annotations

import hashlib
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

LETTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)


def checksum(values: list[int]) -> int:
    """Of BIP 173, which age writes its keys by."""
    state = 1
    for value in values:
        top = state >> 25
        state = (state & 0x1FFFFFF) << 5 ^ value
        for bit, constant in enumerate(GENERATOR):
            state ^= constant if top >> bit & 1 else 0
    return state


def bech32(kind: str, data: bytes) -> str:
    bits = "".join(f"{byte:08b}" for byte in data)
    values = [int(bits[at : at + 5].ljust(5, "0"), 2) for at in range(0, len(bits), 5)]
    spread = [ord(letter) >> 5 for letter in kind] + [0] + [ord(letter) & 31 for letter in kind]
    total = checksum([*spread, *values, 0, 0, 0, 0, 0, 0]) ^ 1
    values += [total >> 5 * (5 - at) & 31 for at in range(6)]
    return f"{kind}1{''.join(LETTERS[value] for value in values)}"


def age_identity(secret: str) -> str:
    return bech32("age-secret-key-", hashlib.sha256(secret.encode()).digest()).upper()


def age_recipient(secret: str) -> str:
    private = X25519PrivateKey.from_private_bytes(hashlib.sha256(secret.encode()).digest())
    return bech32("age", private.public_key().public_bytes_raw())


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"age_identity": age_identity, "age_recipient": age_recipient}

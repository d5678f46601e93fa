"""An authority that speaks ACME: pebble, from Debian, which the makers of Let's Encrypt test with."""

from __future__ import annotations

import json
import shutil
import socket
import ssl
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from lab import registry
from tests.e2e.operator import wait_for

PORT, MANAGEMENT_PORT = 14000, 15000


def self_signed(folder: Path, stem: str, name: str, *, days: int = 30) -> tuple[Path, Path]:
    """A certificate that vouches for itself, and its key; `name` as openssl has it: DNS:shop.example.com."""
    certificate, key = folder / f"{stem}.pem", folder / f"{stem}.key"
    argv = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    argv += ["-days", str(days), "-subj", f"/CN={name.partition(':')[2]}", "-addext", f"subjectAltName={name}"]
    subprocess.run([*argv, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    return certificate, key


class Authority:
    """It stands where the operator is: outside, and reachable for the machines."""

    def __init__(self, folder: Path, lab_name: str) -> None:
        self.folder, self.address = folder, str(registry.find(lab_name).operator_address)
        self.certificate, self._key = self_signed(folder, "authority", f"IP:{self.address}")
        self.directory = f"https://{self.address}:{PORT}/dir"

    @contextmanager
    def serving(self, names: Mapping[str, str]) -> Iterator[None]:
        """`names` is what the authority's own resolver knows."""
        pebble = shutil.which("pebble")
        if not pebble:
            pytest.skip("pebble is not installed (Debian: apt-get install pebble)")
        hosts, settings = self.folder / "hosts", self.folder / "pebble.json"
        hosts.write_text("".join(f"{address} {name}\n" for name, address in names.items()))
        ports = {"listenAddress": f"{self.address}:{PORT}", "managementListenAddress": f"{self.address}:15000"}
        settings.write_text(
            json.dumps(
                {
                    "pebble": ports
                    | {"certificate": str(self.certificate), "privateKey": str(self._key)}
                    | {"httpPort": 80, "tlsPort": 443}
                }
            )
        )
        script = 'mount --bind "$0" /etc/hosts && exec env PEBBLE_VA_NOSLEEP=1 "$1" -config "$2"'
        argv = ["unshare", "--mount", "sh", "-c", script, str(hosts), pebble, str(settings)]
        with (self.folder / "pebble.log").open("wb") as log, subprocess.Popen(argv, stdout=log, stderr=log) as process:
            try:
                wait_for("the authority", lambda: self._listens(), seconds=10)
                yield
            finally:
                process.terminate()

    def _listens(self) -> bool:
        with socket.socket() as line:
            line.settimeout(1)
            return line.connect_ex((self.address, PORT)) == 0

    def root(self) -> str:
        """What browsers would trust; made anew at every start."""
        context = ssl.create_default_context(cafile=str(self.certificate))
        url = f"https://{self.address}:{MANAGEMENT_PORT}/roots/0"
        with urllib.request.urlopen(url, timeout=5, context=context) as answer:
            return str(answer.read().decode())

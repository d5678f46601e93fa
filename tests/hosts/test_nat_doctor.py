"""Promise 10: the NAT doctor mends what is flushed or switched off within ten seconds, and says where it cannot."""

from __future__ import annotations

import pytest

from tests.e2e.operator import wait_for

from .living import Living

FAULTS = {
    "rules flushed": "sudo iptables -t nat -F",
    "forwarding off": "sudo sysctl -qw net.ipv4.ip_forward=0",
    "forwarding to nobody": "sudo iptables -F FORWARD",
    "everything at once": "sudo iptables -t nat -F; sudo iptables -F; sudo sysctl -qw net.ipv4.ip_forward=0",
    "a reload of other rules": "sudo iptables-save | sed /MASQ/d | sudo iptables-restore",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_10_it_is_mended_within_ten_seconds(site: Living, fault: str, capsys: pytest.CaptureFixture[str]) -> None:
    site.ssh("public", FAULTS[fault])
    seconds = wait_for("the way out", site.egress, seconds=10)
    with capsys.disabled():
        print(f"\n    {fault}: private gets out again after {seconds:.1f} s")  # noqa: T201 - a figure
    assert "mended" in site.ssh("public", "sudo journalctl -q -u nat-doctor -n 3 -o cat")


def test_10_what_it_cannot_mend_is_a_failed_unit_until_it_is_well(site: Living) -> None:
    """No rules to load: somebody has taken the file away."""

    def failed() -> bool:
        return "nat-doctor" in site.ssh("public", "systemctl --failed --no-legend")

    site.ssh("public", "sudo mv /etc/nat-masquerade.rules /etc/nat-masquerade.away")
    try:
        wait_for("the doctor complains", failed, seconds=15)
        done, report = site.verify()
        assert done.status != 0
        # The unit itself is not failed while it tries once more.
        assert any("NAT settings" in suspect["name"] for suspect in report["suspects"])
    finally:
        site.ssh("public", "sudo mv /etc/nat-masquerade.away /etc/nat-masquerade.rules")
    wait_for("the doctor is well", lambda: not failed(), seconds=15)

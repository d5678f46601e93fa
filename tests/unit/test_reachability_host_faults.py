"""Each fault of a machine and of what runs on it is the first suspect."""

from __future__ import annotations

from typing import Any

import pytest

from tests.green import Params, dig, green, page
from tests.green_broken import check_suspect, no_database, no_egress, private_unreachable, stop


def masquerade_flushed(params: Params) -> None:
    no_egress(params)
    dig(params, "observations", "public", "evidence")["rules"]["nat"].pop()


def forwarding_off(params: Params) -> None:
    no_egress(params)
    dig(params, "observations", "public", "evidence")["ip_forward"] = "0"


def nginx_stopped(params: Params) -> None:
    dig(params, "observations", "internet", "cells")["internet -> public:80"] = "refused"
    page(params, 0)
    stop(params, "public", "nginx")
    dig(params, "observations", "public", "evidence")["listeners"].remove("*:80")


def tomcat_stopped(params: Params) -> None:
    page(params, 502, "Bad gateway")
    stop(params, "public", "tomcat11")
    dig(params, "observations", "public", "evidence")["listeners"].pop()


def tomcat_published(params: Params) -> None:
    dig(params, "observations", "public", "evidence")["listeners"][2] = "*:8080"


def doctor_stopped(params: Params) -> None:
    stop(params, "public", "nat-doctor.timer")


def doctor_cannot_help(params: Params) -> None:
    dig(params, "observations", "public", "evidence")["failed"].append("nat-doctor.service")


def mysql_on_loopback(params: Params) -> None:
    no_database(params)
    dig(params, "observations", "private", "evidence")["listeners"][1] = "127.0.0.1:3306"


def mysql_stopped(params: Params) -> None:
    no_database(params)
    stop(params, "private", "mysql")
    dig(params, "observations", "private", "evidence")["listeners"].pop()


def account_refused(params: Params) -> None:
    page(params, 503, "The database refuses the account")


def agent_forwarding_off(params: Params) -> None:
    dig(params, "observations", "internet", "logins")["agent"] = {
        "ok": False,
        "peer": "",
        "error": "Permission denied",
    }


def host_key_changed(params: Params) -> None:
    """Ansible still has the connection of an earlier run; who comes anew is not let in, by no way."""
    refused = {"ok": False, "peer": "", "error": "Host key verification failed."}
    for way in ("public", "jump", "agent"):
        dig(params, "observations", "internet", "logins")[way] = dict(refused)


def valve_missing(params: Params) -> None:
    page(params, 200, "row: kimchi\nclient: 127.0.0.1")


def forwarding_dropped(params: Params) -> None:
    no_egress(params)
    dig(params, "observations", "public", "evidence", "rules", "filter").insert(1, "-A FORWARD -j DROP")


def forwarding_rule_gone(params: Params) -> None:
    no_egress(params)
    dig(params, "observations", "public", "evidence", "rules", "filter").pop()


def resolver_dead(params: Params) -> None:
    names = dig(params, "observations", "private", "evidence", "names")
    names["servers"], names["found"] = ["192.0.2.1"], {"checkip.amazonaws.com": ""}
    dig(params, "observations", "private", "cells")["private -> internet:80"] = "unresolved"


def name_misleads(params: Params) -> None:
    names = dig(params, "observations", "private", "evidence", "names")
    names["found"] = {"checkip.amazonaws.com": "10.1.2.99"}
    dig(params, "observations", "private", "cells")["private -> internet:80"] = "unreachable"
    dig(params, "observations", "private", "resolved")["internet"] = "10.1.2.99"


def account_locked(params: Params) -> None:
    dig(params, "observations", "public")["database"] = "3118 Access denied for user 'app'. Account is locked."


def mtu_narrow(params: Params) -> None:
    dig(params, "observations", "public", "evidence", "interface")["mtu"] = 576


def disk_full(params: Params) -> None:
    dig(params, "observations", "private", "evidence", "disks", 0)["used"] = 100


def connections_full(params: Params) -> None:
    dig(params, "observations", "public", "evidence", "connections")["count"] = 262000


def passwords_allowed(params: Params) -> None:
    dig(params, "observations", "private", "evidence", "ssh")["passwordauthentication"] = "yes"


def unit_disabled(params: Params) -> None:
    dig(params, "observations", "public", "evidence", "units", "nginx")["enabled"] = "disabled"


def clock_alone(params: Params) -> None:
    dig(params, "observations", "private", "evidence", "clock")["synchronised"] = False


def settings_lost_at_reboot(params: Params) -> None:
    dig(params, "observations", "public", "evidence")["doctor"] = "different: net.ipv4.conf.all.rp_filter"


def forwarding_lost_at_reboot(params: Params) -> None:
    dig(params, "observations", "public", "evidence")["kept_forwarding"] = ""


def shown(params: Params, days: int | None, *names: str) -> None:
    one = {"asked": "shop.example", "days": days, "names": list(names)}
    dig(params, "observations", "public", "evidence")["certificates"] = [one]


def certificate_ends(params: Params) -> None:
    shown(params, 3, "shop.example")


def certificate_has_ended(params: Params) -> None:
    shown(params, -1, "*.example")


def certificate_for_another_name(params: Params) -> None:
    shown(params, 80, "old.example", "*.shop.example")


def certificate_not_shown(params: Params) -> None:
    shown(params, None)


def bastion_opens_anything(params: Params) -> None:
    dig(params, "observations", "public", "evidence", "ssh")["permitopen"] = "any"


def s3_through_the_nat(params: Params) -> None:
    dig(params, "observations", "public", "evidence")["flows"].append(["10.1.2.10", "192.0.2.77"])


def proxy_points_elsewhere(params: Params) -> None:
    page(params, 502, "Bad gateway")
    good = {"status": 200, "text": "row: kimchi"}
    dig(params, "observations", "public", "pages")["application"] = good


FAULTS = {
    masquerade_flushed: "MASQUERADE rule on public",
    forwarding_off: "net.ipv4.ip_forward on public",
    nginx_stopped: "nginx on public is not running",
    tomcat_stopped: "tomcat11 on public is not running",
    tomcat_published: "tomcat11 on public listens on the network, port 8080",
    doctor_stopped: "nat-doctor.timer on public is not running",
    doctor_cannot_help: "nat-doctor.service on public has failed",
    mysql_on_loopback: "mysql on private listens on loopback only, port 3306",
    mysql_stopped: "mysql on private is not running",
    account_refused: "MySQL on private, or the application's account in it: it says 503",
    agent_forwarding_off: "AllowAgentForwarding in sshd of public",
    host_key_changed: "SSH login to public",
    valve_missing: "forwarded headers (RemoteIpValve in Tomcat, X-Forwarded-For in nginx)",
    forwarding_dropped: "FORWARD chain on public: -A FORWARD -j DROP",
    forwarding_rule_gone: "FORWARD chain on public: policy DROP",
    resolver_dead: "name resolution on private (asks 192.0.2.1)",
    name_misleads: "name resolution on private: checkip.amazonaws.com is 10.1.2.99 (/etc/hosts",
    account_locked: "MySQL on private, or the application's account in it: 3118 Access denied",
    mtu_narrow: "MTU of ens5 on public is 576",
    disk_full: "disk of private is full (/ 100 %)",
    connections_full: "connection table of public (99 % full)",
    passwords_allowed: "sshd of private: passwordauthentication yes",
    unit_disabled: "nginx on public is disabled",
    clock_alone: "clock of private follows no other",
    settings_lost_at_reboot: "NAT settings of public (different: net.ipv4.conf.all.rp_filter)",
    forwarding_lost_at_reboot: "forwarding of public after a reboot",
    certificate_ends: "certificate of public for shop.example ends in 3 days",
    certificate_has_ended: "certificate of public for shop.example has ended",
    certificate_for_another_name: "certificate of public for shop.example is for old.example, *.shop.example",
    certificate_not_shown: "certificate of public for shop.example is not shown on port 443",
    bastion_opens_anything: "sshd of public: permitopen any",
    s3_through_the_nat: "S3 goes through public instead of the endpoint",
    proxy_points_elsewhere: "nginx on public: it does not hand on to Tomcat",
    private_unreachable: "SSH login to private",
}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_each_fault_is_the_first_suspect_with_its_advice(fault: Any) -> None:
    params = green()
    fault(params)
    check_suspect(params, FAULTS[fault])

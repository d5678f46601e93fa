"""Templates of the host roles, rendered as Ansible does, beside the files they should give.

After a change on purpose: ONEBOX_WRITE_EXPECTED=1 pytest tests/unit/test_host_templates.py, and read the diff.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

REPO = Path(__file__).resolve().parents[2]
EXPECTED = Path(__file__).parent / "host_templates"

FACTS = {
    "default_ipv4": {"interface": "ens5"},
    "all_ipv4_addresses": ["10.1.2.10"],
    "memtotal_mb": 952,
    "distribution_release": "trixie",
}
DATABASE = {
    "mysql_server_bind_addresses": ["10.1.2.10", "127.0.0.1"],
    "mysql_server_account_address": "10.1.1.10",
    "mysql_server_account_password": "not a secret at all",
}
APPLICATION = {
    "tomcat_app_war": "https://files.example.com/shop.war",
    "tomcat_app_war_checksum": "0123456789abcdef" * 4,
    "__tomcat_version": "000007-0123456789abcdef",
    "tomcat_database_host": "10.1.2.10",
    "tomcat_database_password": 'a&b"c<d',
}
BEHIND_A_BASTION = {"host_baseline_ssh_shared_addresses": ["10.1.1.10"]}
NETWORKS = {"nat_masquerade_source_cidrs": ["10.1.2.0/24", "10.1.12.0/24"]}


@dataclass(frozen=True)
class Case:
    """One template with inputs; `name` is the file that it should give."""

    name: str
    template: str
    inputs: dict[str, Any] = field(default_factory=dict)

    @property
    def role(self) -> Path:
        return REPO / "roles" / self.template.split("/")[0]


CASES = [
    Case("baseline_sshd.conf", "host_baseline/sshd.conf.j2"),
    Case(
        "baseline_noble_sshd.conf",
        "host_baseline/sshd.conf.j2",
        BEHIND_A_BASTION | {"ansible_facts": FACTS | {"distribution_release": "noble"}},
    ),
    Case("baseline_private_sshd.conf", "host_baseline/sshd.conf.j2", BEHIND_A_BASTION),
    Case("baseline_sysctl.conf", "host_baseline/sysctl.conf.j2"),
    Case("nat_rules", "nat_masquerade/nat-masquerade.rules.j2", NETWORKS),
    Case("nat_sysctl.conf", "nat_masquerade/sysctl.conf.j2", NETWORKS),
    Case("nat_vlan_sysctl.conf", "nat_masquerade/sysctl.conf.j2", NETWORKS | {"nat_masquerade_interface": "ens5.7"}),
    Case("nat_doctor", "nat_masquerade/nat-doctor.j2", NETWORKS),
    Case("bastion_sshd.conf", "ssh_bastion/sshd.conf.j2", {"ssh_bastion_destinations": ["10.1.2.10:22"]}),
    Case("tomcat_application.xml", "tomcat/ROOT.xml.j2", APPLICATION),
    Case("tomcat_application_alone.xml", "tomcat/ROOT.xml.j2", APPLICATION | {"tomcat_database_host": ""}),
    Case("tomcat_default", "tomcat/default.j2", {"tomcat_java_options": ["-Duser.timezone=Asia/Seoul"]}),
    Case("tomcat_server.xml", "tomcat/server.xml.j2"),
    Case("nginx.conf", "nginx_proxy/nginx.conf.j2", {"nginx_proxy_upstream_port": 8080}),
    Case(
        "nginx_websocket.conf",
        "nginx_proxy/nginx.conf.j2",
        {
            "nginx_proxy_upstream_port": 8080,
            "nginx_proxy_websocket_paths": ["/chat/"],
            "nginx_proxy_headers": {"Content-Security-Policy": 'default-src "self" \\'},
        },
    ),
    Case(
        "nginx_tls.conf",
        "nginx_proxy/nginx.conf.j2",
        {
            "nginx_proxy_upstream_port": 8080,
            "nginx_proxy_tls": "acme",
            "__nginx_proxy_placed": {"stat": {"exists": True}},
            "nginx_proxy_static_folders": {"/static/": "/srv/static"},
            "nginx_proxy_rate_per_second": 20,
        },
    ),
    Case(
        "nginx_before_the_certificate.conf",
        "nginx_proxy/nginx.conf.j2",
        {
            "nginx_proxy_upstream_port": 8080,
            "nginx_proxy_tls": "acme",
            "__nginx_proxy_placed": {"stat": {"exists": False}},
        },
    ),
    Case(
        "bastion_jump_users_sshd.conf",
        "ssh_bastion/sshd.conf.j2",
        {"ssh_bastion_destinations": ["10.1.2.10:22"], "ssh_bastion_jump_users": [{"name": "maria"}, {"name": "kim"}]},
    ),
    Case("mysql_backup.conf", "mysql_server/mysql-backup.conf.j2", DATABASE),
    Case(
        "mysql_backup_logs.service",
        "mysql_server/mysql-backup.service.j2",
        DATABASE | {"of_logs": True},
    ),
    Case("mysql_backup_logs.timer", "mysql_server/mysql-backup.timer.j2", DATABASE | {"of_logs": True}),
    Case("mysql_server.cnf", "mysql_server/server.cnf.j2", DATABASE),
]


def evaluate(role: Path, text: str, inputs: dict[str, Any]) -> str:
    """With the role's defaults, its own variables, and the inputs."""
    loader = DataLoader()
    loader.set_basedir(str(role / "templates"))
    variables: dict[str, Any] = {"ansible_facts": FACTS, "ansible_managed": "Ansible managed"}
    variables |= {"inventory_hostname": "sidedish-beta-public"}
    for part in ("defaults/main.yml", "vars/main.yml"):
        if (path := role / part).exists():
            variables |= loader.load_from_file(str(path), trusted_as_template=True) or {}
    templar = Templar(loader=loader, variables=variables | inputs)
    return str(templar.template(trust_as_template(text), escape_backslashes=False))


def render(case: Case) -> str:
    return evaluate(case.role, (case.role / "templates" / case.template.split("/")[1]).read_text(), case.inputs)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_template_gives_the_expected_file(case: Case) -> None:
    rendered = render(case)
    if os.environ.get("ONEBOX_WRITE_EXPECTED"):
        (EXPECTED / case.name).write_text(rendered)
    assert rendered == (EXPECTED / case.name).read_text()


def test_every_expected_file_belongs_to_a_case() -> None:
    assert {path.name for path in EXPECTED.iterdir()} == {case.name for case in CASES}


@pytest.mark.parametrize(
    ("system", "answer", "source"),
    [("Debian", 200, "vendor"), ("Debian", -1, "debian_sid"), ("Ubuntu", 200, "distribution")],
)
def test_mysql_comes_from_who_has_it(system: str, answer: int, source: str) -> None:
    """Debian has none; its unstable suite is for networks that reach Debian only; Ubuntu has its own."""
    told = {"mysql_origin": {"installed": False, "sources": [], "mirror": ""}}
    found = {"ansible_facts": FACTS | {"distribution": system, "ansible_local": told}}
    found |= {"__mysql_server_vendor": {"status": answer}}
    assert evaluate(REPO / "roles/mysql_server", "{{ __mysql_server_choice }}", found) == source


@pytest.mark.parametrize(
    ("system", "release", "version", "tomcats", "http2"),
    [
        ("Debian", "trixie", "13", [10, 11], "http2 on"),
        ("Debian", "forky", "14", [11], "http2 on"),
        ("Ubuntu", "noble", "24.04", [10], ""),
        ("Ubuntu", "resolute", "26.04", [11], "http2 on"),
        ("Amazon", "NA", "2023", [], "http2 on"),
    ],
)
def test_the_web_roles_know_what_each_system_has(
    system: str, release: str, version: str, tomcats: list[int], http2: str
) -> None:
    """Debian's and Ubuntu's packages.debian.org and packages.ubuntu.com, November 2026; noble's nginx is 1.24."""
    facts = FACTS | {"distribution": system, "distribution_release": release, "distribution_version": version}
    assert evaluate(REPO / "roles/tomcat", "{{ __tomcat_offered }}", {"ansible_facts": facts}) == str(tomcats)
    inputs = {"ansible_facts": facts, "nginx_proxy_upstream_port": 8080, "nginx_proxy_tls": "files"}
    assert http2 in render(Case("", "nginx_proxy/nginx.conf.j2", inputs))
    assert http2 or "http2" not in render(Case("", "nginx_proxy/nginx.conf.j2", inputs))


@pytest.mark.parametrize("number", [10, 11])
def test_each_tomcat_is_where_its_package_puts_it(number: int) -> None:
    """The names of Debian's tomcat10 and tomcat11, which Ubuntu shares."""
    expected = {
        "service": f"tomcat{number}",
        "other": f"tomcat{21 - number}",
        "base": f"/var/lib/tomcat{number}",
        "configuration": f"/etc/tomcat{number}",
    }
    for name, value in expected.items():
        role = REPO / "roles/tomcat"
        assert evaluate(role, f"{{{{ __tomcat_{name} }}}}", {"tomcat_version": number}) == value
    files = evaluate(REPO / "roles/tomcat", "{{ __tomcat_read_files | join(' ') }}", {"tomcat_version": number})
    assert files.split()[:2] == [f"/etc/tomcat{number}/server.xml", f"/etc/default/tomcat{number}"]


@pytest.mark.parametrize(
    ("other", "unchanged"),
    [
        ({}, "True"),
        ({"path": "/application/ROOT##000006-0123456789abcdef.xml"}, "False"),
        ({"mode": "0644"}, "False"),
        ({"pw_name": "tomcat"}, "False"),
        ({"gr_name": "root"}, "False"),
    ],
)
def test_tomcat_keeps_what_it_was_handed_only_as_it_was_handed(other: dict[str, str], unchanged: str) -> None:
    """The file has the password of the database in it, so who may read it counts as well."""
    handed = {"path": "/application/ROOT##000007-0123456789abcdef.xml", "checksum": "of it"}
    handed |= {"mode": "0640", "pw_name": "root", "gr_name": "tomcat"} | other
    found = {"__tomcat_versions": {"files": [handed]}, "__tomcat_version": "000007-0123456789abcdef"}
    assert evaluate(REPO / "roles/tomcat", "{{ __tomcat_unchanged }}", found) == unchanged

"""Single faults, each set on a living environment, and the name under which the proof must report it first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .operator import Operator


@dataclass(frozen=True)
class Fault:
    """`suspect` must occur in the name of the first suspect."""

    name: str
    inject: Callable[[Operator], object]
    suspect: str


def on(machine: str, command: str) -> Callable[[Operator], object]:
    return lambda operator: operator.ssh(machine, command)


def switch_source_dest_check_on(operator: Operator) -> None:
    public = operator.machine("public")["InstanceId"]
    operator.ec2.modify_instance_attribute(InstanceId=public, SourceDestCheck={"Value": True})


def open_mysql_to_the_world(operator: Operator) -> None:
    (group,) = operator.machine("private")["SecurityGroups"]
    operator.ec2.authorize_security_group_ingress(
        GroupId=group["GroupId"], IpProtocol="tcp", FromPort=3306, ToPort=3306, CidrIp="0.0.0.0/0"
    )


def remove_private_route(operator: Operator) -> None:
    subnet = operator.machine("private")["SubnetId"]
    filters = [{"Name": "association.subnet-id", "Values": [subnet]}]
    (table,) = operator.ec2.describe_route_tables(Filters=filters)["RouteTables"]  # type: ignore[arg-type]
    operator.ec2.delete_route(RouteTableId=table["RouteTableId"], DestinationCidrBlock="0.0.0.0/0")


def bind_mysql_to_loopback(operator: Operator) -> None:
    settings = "/etc/mysql/mysql.conf.d/zz-mysql-server.cnf"
    change = f"sudo sed -i 's/^bind[-_]address.*/bind-address = 127.0.0.1/' {settings}"
    operator.ssh("private", f"{change} && grep -q '= 127.0.0.1$' {settings} && sudo systemctl restart mysql")


# Otherwise the NAT doctor mends it before anybody has asked; the repair starts it again.
NO_DOCTOR = "sudo systemctl stop nat-doctor.timer && "

FAULTS = [
    Fault("masquerade_flushed", on("public", NO_DOCTOR + "sudo iptables -t nat -F"), "MASQUERADE rule on public"),
    Fault(
        "forwarding_off",
        on("public", NO_DOCTOR + "sudo sysctl -qw net.ipv4.ip_forward=0"),
        "net.ipv4.ip_forward on public",
    ),
    Fault("source_dest_check_on", switch_source_dest_check_on, "source/dest check of public"),
    Fault("private_route_removed", remove_private_route, "default route of private"),
    Fault("mysql_open_to_the_world", open_mysql_to_the_world, "admits tcp 3306 from 0.0.0.0/0"),
    Fault("mysql_on_loopback", bind_mysql_to_loopback, "mysql on private listens on loopback only"),
    Fault("nginx_stopped", on("public", "sudo systemctl stop nginx"), "nginx on public is not running"),
    Fault("tomcat_stopped", on("public", "sudo systemctl stop tomcat11"), "tomcat11 on public is not running"),
    Fault("mysql_stopped", on("private", "sudo systemctl stop mysql"), "mysql on private is not running"),
]

"""A VPC over two zones with a load balancer, and web servers to stand behind it; asked with real requests."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from typing import Any

import boto3

from lab.config import REGION
from tests.lab.living import LivingLab, lab, wait_for

ZONES = ("a", "c")
# Answers with its own name and with what it was told of the client; /slow takes its time.
WEB_SERVER = """
import http.server, socket, time
open("/run/web", "w").close()
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/slow":
            open("/run/web", "w").write("slow")
            time.sleep(2)
        told = self.headers.get("X-Forwarded-For", "")
        body = f"{socket.gethostname()} {told}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass
http.server.ThreadingHTTPServer(("", 80), Handler).serve_forever()
"""


class Site:
    """Clients of the API, two public subnets, and three groups: of the balancer, of its targets, of nobody."""

    def __init__(self, living: LivingLab) -> None:
        self.lab, self.ec2 = living, living.ec2
        self.elb, self.groups = self.client("elbv2"), self.client("autoscaling")
        self.vpc = self.ec2.create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
        self.subnets = [self._subnet(number, zone) for number, zone in enumerate(ZONES)]
        self.front, self.back = self._group("front"), self._group("back")
        self.admit(self.front, 80, IpRanges=[{"CidrIp": "0.0.0.0/0"}])
        self.admit(self.back, 80, UserIdGroupPairs=[{"GroupId": self.front}])

    def client(self, service: str) -> Any:
        values = json.loads(lab("env", "--name", self.lab.config.name, "--json"))
        made: Any = boto3.client(  # type: ignore[call-overload]  # its names are overloads, one for each service
            service,
            endpoint_url=self.lab.config.endpoint_url,
            region_name=REGION,
            aws_access_key_id=values["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=values["AWS_SECRET_ACCESS_KEY"],
        )
        return made

    def _subnet(self, number: int, zone: str) -> str:
        made = self.ec2.create_subnet(
            VpcId=self.vpc, CidrBlock=f"10.8.{number}.0/24", AvailabilityZone=f"{REGION}{zone}"
        )
        return str(made["Subnet"]["SubnetId"])

    def _group(self, name: str) -> str:
        return str(self.ec2.create_security_group(GroupName=name, Description="test", VpcId=self.vpc)["GroupId"])

    def admit(self, group: str, port: int, **peer: Any) -> None:
        rule = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, **peer}
        self.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])

    def revoke(self, group: str, port: int, **peer: Any) -> None:
        rule = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, **peer}
        self.ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=[rule])

    def attach_gateway(self) -> None:
        gateway = self.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        self.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=self.vpc)
        table = self.ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [self.vpc]}])["RouteTables"][0]
        self.ec2.create_route(RouteTableId=table["RouteTableId"], DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)

    @property
    def image(self) -> str:
        found = self.ec2.describe_images(Filters=[{"Name": "name", "Values": ["debian-13-amd64-*"]}])
        return str(found["Images"][0]["ImageId"])

    def machine(self, zone: int) -> str:
        (made,) = self.ec2.run_instances(
            ImageId=self.image, MinCount=1, MaxCount=1, InstanceType="t3.micro", SubnetId=self.subnets[zone],
            SecurityGroupIds=[self.back],
        )["Instances"]  # fmt: skip
        return str(made["InstanceId"])

    def private_address(self, machine: str) -> str:
        found = self.ec2.describe_instances(InstanceIds=[machine])["Reservations"][0]["Instances"][0]
        return str(found["PrivateIpAddress"])

    def target_group(self, name: str) -> str:
        (made,) = self.elb.create_target_group(
            Name=name, Protocol="HTTP", Port=80, VpcId=self.vpc, HealthCheckPath="/", HealthCheckIntervalSeconds=5,
            HealthCheckTimeoutSeconds=2, HealthyThresholdCount=2, UnhealthyThresholdCount=2,
        )["TargetGroups"]  # fmt: skip
        return str(made["TargetGroupArn"])

    def balancer(self, name: str, **more: Any) -> dict[str, Any]:
        made = self.elb.create_load_balancer(Name=name, Subnets=self.subnets, SecurityGroups=[self.front], **more)
        found: dict[str, Any] = made["LoadBalancers"][0]
        return found

    def listen(self, balancer_arn: str, group_arn: str) -> None:
        self.elb.create_listener(
            LoadBalancerArn=balancer_arn, Protocol="HTTP", Port=80,
            DefaultActions=[{"Type": "forward", "TargetGroupArn": group_arn}],
        )  # fmt: skip

    def bake(self, machine: str, name: str) -> str:
        """An image of a machine on which the web server starts by itself."""
        unit = "[Service]\nExecStart=/usr/bin/python3 /opt/web.py\n[Install]\nWantedBy=multi-user.target\n"
        for path, text in (("/opt/web.py", WEB_SERVER), ("/etc/systemd/system/site.service", unit)):
            run_inside(name, machine, "sh", "-c", 'printf %s "$1" > "$2"', "write", text, path)
        run_inside(name, machine, "systemctl", "enable", "site.service")
        self.ec2.stop_instances(InstanceIds=[machine])
        self.ec2.get_waiter("instance_stopped").wait(InstanceIds=[machine], WaiterConfig={"Delay": 1})
        tags = [{"ResourceType": kind, "Tags": [{"Key": "Name", "Value": "web"}]} for kind in ("image", "snapshot")]
        image = str(self.ec2.create_image(InstanceId=machine, Name="web-1", TagSpecifications=tags)["ImageId"])
        self.ec2.get_waiter("image_available").wait(ImageIds=[image], WaiterConfig={"Delay": 1})
        return image

    def template(self, name: str, image: str) -> None:
        disk = {"DeviceName": "/dev/xvda", "Ebs": {"VolumeType": "gp3", "VolumeSize": 8, "Encrypted": True}}
        data = {
            "ImageId": image,
            "InstanceType": "t3.micro",
            "SecurityGroupIds": [self.back],
            "BlockDeviceMappings": [disk],
        }
        self.ec2.create_launch_template(LaunchTemplateName=name, LaunchTemplateData=data)

    def serving(self, name: str, group_arn: str) -> set[str]:
        """The machines of an Auto Scaling group that are in service and healthy."""
        told = self.groups.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"][0]
        members = {one["InstanceId"] for one in told["Instances"] if one["LifecycleState"] == "InService"}
        return {one for one in members if self.states(group_arn).get(one) == "healthy"}

    def refresh(self, name: str) -> str:
        told = self.groups.describe_instance_refreshes(AutoScalingGroupName=name)
        return str(told["InstanceRefreshes"][0]["Status"])

    def states(self, group_arn: str) -> dict[str, str]:
        told = self.elb.describe_target_health(TargetGroupArn=group_arn)["TargetHealthDescriptions"]
        return {one["Target"]["Id"]: one["TargetHealth"]["State"] for one in told}

    def reach(self, group_arn: str, target: str, state: str, *, seconds: float = 30.0) -> None:
        wait_for(lambda: self.states(group_arn).get(target) == state, f"{target} to be {state}", seconds=seconds)


def serve(machine: str, name: str) -> None:
    """Start the web server as soon as the machine has come up so far."""
    start = ["systemd-run", "--unit=web", "python3", "-c", WEB_SERVER]
    command = [sys.executable, "-m", "lab.cli", "exec", "--name", name, machine, "--", *start]
    wait_for(lambda: subprocess.run(command, capture_output=True, check=False).returncode == 0, "the web server")


def run_inside(name: str, machine: str, *argv: str) -> str:
    return lab("exec", "--name", name, machine, "--", *argv)


def get(host: str, path: str = "/", headers: dict[str, str] | None = None, *, seconds: float = 5) -> tuple[int, str]:
    """One request on a connection of its own; 0 if there is no answer."""
    connection = http.client.HTTPConnection(host, timeout=seconds)
    try:
        connection.request("GET", path, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except (OSError, http.client.HTTPException):
        return 0, ""
    finally:
        connection.close()


def addresses(host: str) -> set[str]:
    return {str(one[4][0]) for one in socket.getaddrinfo(host, 80, proto=socket.IPPROTO_TCP)}


class Load:
    """Requests at a steady pace from the operator's machine; the statuses with their moments."""

    def __init__(self, host: str, each_second: float = 20.0) -> None:
        self._host, self._pause = host, 1 / each_second
        self._stopping = threading.Event()
        self.seen: list[tuple[float, int]] = []
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        while not self._stopping.is_set():
            moment = time.monotonic()
            self.seen.append((moment, get(self._host)[0]))
            self._stopping.wait(max(0.0, moment + self._pause - time.monotonic()))

    def __enter__(self) -> Load:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    def count(self, since: float = 0.0) -> Counter[int]:
        return Counter(status for moment, status in self.seen if moment >= since)

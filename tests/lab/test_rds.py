"""RDS in the lab: a database is a real MySQL without a login, and the API says of it what is true."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import boto3
import pymysql
import pytest
from botocore.exceptions import ClientError

from lab.apply import namespaces
from lab.compile.names import short
from lab.config import REGION
from tests.lab.databases import knock, resolve, session
from tests.lab.living import LivingLab, banner, lab, living_lab, wait_for

NAME, PORT = "rds", 4700
FIRST, SECOND = "it's_a\\secret", "another-secret"
BUILD_SECONDS = 600.0  # the image, once on each machine


class Site:
    """A VPC with a web machine, another one, and room for a database that only the web machine may use."""

    def __init__(self, living: LivingLab) -> None:
        self.lab, self.ec2 = living, living.ec2
        values = json.loads(lab("env", "--name", NAME, "--json"))
        self.environment = {**os.environ, **{key: value for key, value in values.items() if value}}
        self.rds: Any = boto3.client(
            "rds",
            endpoint_url=living.config.endpoint_url,
            region_name=REGION,
            aws_access_key_id=values["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=values["AWS_SECRET_ACCESS_KEY"],
        )
        self.vpc = self.ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
        self.public = self.subnet("10.9.1.0/24", "a")
        self.private = [self.subnet("10.9.2.0/24", "a"), self.subnet("10.9.3.0/24", "c")]
        self.web, self.other, self.data = (self.group(name) for name in ("web", "other", "data"))
        self.ec2.authorize_security_group_ingress(
            GroupId=self.data,
            IpPermissions=[
                {
                    "IpProtocol": "tcp",
                    "FromPort": 3306,
                    "ToPort": 3306,
                    "UserIdGroupPairs": [{"GroupId": self.web}],
                }
            ],
        )
        self.from_web, self.from_other = self.machine(self.web), self.machine(self.other)

    def subnet(self, cidr: str, zone: str) -> str:
        made = self.ec2.create_subnet(VpcId=self.vpc, CidrBlock=cidr, AvailabilityZone=f"{REGION}{zone}")
        return str(made["Subnet"]["SubnetId"])

    def group(self, name: str) -> str:
        return str(self.ec2.create_security_group(GroupName=name, Description="test", VpcId=self.vpc)["GroupId"])

    def machine(self, group: str) -> str:
        """The network namespace of a new machine."""
        image = self.ec2.describe_images(Filters=[{"Name": "name", "Values": ["debian-13-amd64-*"]}])["Images"][0]
        (made,) = self.ec2.run_instances(
            ImageId=image["ImageId"], MinCount=1, MaxCount=1, InstanceType="t3.micro", SubnetId=self.public,
            SecurityGroupIds=[group],
        )["Instances"]  # fmt: skip
        namespace = f"{self.lab.config.prefix}{short(made['InstanceId'])}"
        wait_for(lambda: namespaces.names(namespace), "the machine's namespace")
        return namespace

    def module(self, module: str, **arguments: Any) -> bool:
        """Run one module of amazon.aws against the lab; whether it changed something."""
        argv = ["ansible", "localhost", "--inventory=localhost,", "--connection=local"]
        argv += [f"--extra-vars=ansible_python_interpreter={sys.executable}", f"--module-name=amazon.aws.{module}"]
        argv += [f"--args={json.dumps(arguments)}"]
        done = subprocess.run(argv, env=self.environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return "CHANGED" in done.stdout

    def database(self, name: str = "shop") -> dict[str, Any]:
        found: dict[str, Any] = self.rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]
        return found

    def reach(self, status: str, name: str = "shop", *, seconds: float = 60.0) -> list[str]:
        """Wait for a status; all that were seen on the way."""
        seen: list[str] = []

        def there() -> bool:
            now = str(self.database(name)["DBInstanceStatus"])
            if now not in seen:
                seen.append(now)
            assert now != "failed", self.lab.config.log_file.read_text()[-2000:]
            return now == status

        wait_for(there, f"{name} to be {status}", seconds=seconds)
        return seen

    def address(self, name: str = "shop") -> str:
        return resolve(self.from_web, "10.9.0.2", self.database(name)["Endpoint"]["Address"])

    def sql(self, statement: str, *, name: str = "shop", password: str = FIRST) -> list[Any]:
        with session(self.from_web, self.address(name), user="chef", password=password) as cursor:
            cursor.execute(statement)
            return [row[0] for row in cursor.fetchall()]


@pytest.fixture(scope="module")
def living() -> Iterator[LivingLab]:
    with living_lab(NAME, PORT) as one:
        yield one


@pytest.fixture(scope="module")
def site(living: LivingLab) -> Site:
    """With a database, made by the modules that a playbook would use."""
    made = Site(living)
    group = {"state": "present", "name": "data", "description": "two zones", "subnets": made.private}
    assert made.module("rds_subnet_group", **group) is True
    assert made.module("rds_instance", **wanted(made)) is True
    seen = made.reach("available", seconds=BUILD_SECONDS)
    assert seen[0] == "creating"
    assert made.module("rds_subnet_group", **group) is False
    made.sql("CREATE TABLE recipes.dishes (name VARCHAR(40) PRIMARY KEY)")
    made.sql("INSERT INTO recipes.dishes VALUES ('kimchi')")
    return made


def wanted(site: Site) -> dict[str, Any]:
    return {
        "id": "shop", "engine": "mysql", "engine_version": "8.4.9", "db_instance_class": "db.t4g.micro",
        "allocated_storage": 20, "storage_type": "gp3", "storage_encrypted": True, "db_name": "recipes",
        "username": "chef", "password": FIRST, "db_subnet_group_name": "data", "publicly_accessible": False,
        "vpc_security_group_ids": [site.data], "backup_retention_period": 1, "wait": False,
    }  # fmt: skip


def refused(call: Any, **parameters: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    return str(caught.value.response["Error"]["Code"])


def test_the_module_changes_nothing_the_second_time(site: Site) -> None:
    assert site.module("rds_instance", **wanted(site)) is False


def test_only_the_named_group_reaches_it_and_only_at_its_port(site: Site) -> None:
    address = site.address()
    assert address.startswith("10.9.2.")
    assert knock(site.from_web, address, 3306) == "open"
    assert knock(site.from_web, address, 22) == "filtered"
    assert knock(site.from_other, address, 3306) == "filtered"


def test_the_master_is_the_masters_name_over_tls_and_root_is_nobody(site: Site) -> None:
    assert site.sql("SELECT CURRENT_USER()") == ["chef@%"]
    with session(site.from_web, site.address(), user="chef", password=FIRST) as cursor:
        cursor.execute("SHOW STATUS LIKE 'Ssl_cipher'")
        assert cursor.fetchone()[1].startswith("TLS_")
        cursor.execute("SELECT @@innodb_flush_log_at_trx_commit, @@sync_binlog, @@skip_name_resolve, @@bind_address")
        assert cursor.fetchone() == (1, 1, 1, "0.0.0.0")
    with pytest.raises(pymysql.err.OperationalError), session(site.from_web, site.address(), user="root", password=""):
        pass


def test_the_machine_has_the_memory_of_its_class_and_no_login(site: Site) -> None:
    assert site.sql("SELECT @@innodb_buffer_pool_size") == [512 << 20]
    inside = lab("exec", "--name", NAME, "shop", "--", "sh", "-c", "ss -Hltn; grep MemTotal /proc/meminfo; ls /home")
    assert inside.split()[3::5][:1] == ["0.0.0.0:3306"]
    assert ":22 " not in inside
    assert "MemTotal:        1048576 kB" in inside
    assert "stands for 8.4.9" in lab("status", "--name", NAME)


def test_what_it_stands_on_cannot_be_deleted(site: Site) -> None:
    assert refused(site.rds.delete_db_subnet_group, DBSubnetGroupName="data") == "InvalidDBSubnetGroupStateFault"
    assert refused(site.ec2.delete_subnet, SubnetId=site.private[0]) == "DependencyViolation"
    assert refused(site.ec2.delete_security_group, GroupId=site.data) == "DependencyViolation"


def test_a_new_password_replaces_the_old_one(site: Site) -> None:
    site.rds.modify_db_instance(DBInstanceIdentifier="shop", MasterUserPassword=SECOND)
    assert "resetting-master-credentials" in site.reach("available")
    assert site.sql("SELECT 1", password=SECOND) == [1]
    with pytest.raises(pymysql.err.OperationalError):
        site.sql("SELECT 1", password=FIRST)
    site.rds.modify_db_instance(DBInstanceIdentifier="shop", MasterUserPassword=FIRST)
    site.reach("available")


def test_groups_change_in_place(site: Site) -> None:
    site.rds.modify_db_instance(DBInstanceIdentifier="shop", VpcSecurityGroupIds=[site.other])
    wait_for(lambda: knock(site.from_web, site.address(), 3306) == "filtered", "the group to be gone", seconds=10)
    site.rds.modify_db_instance(DBInstanceIdentifier="shop", VpcSecurityGroupIds=[site.data])
    wait_for(lambda: knock(site.from_web, site.address(), 3306) == "open", "the group to be back", seconds=10)


def test_it_is_public_only_when_told_so(site: Site) -> None:
    public = {"DBInstanceIdentifier": "shop", "PubliclyAccessible": True}
    assert refused(site.rds.modify_db_instance, **public) == "InvalidVPCNetworkStateFault"
    gateway = site.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    site.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=site.vpc)
    site.ec2.modify_vpc_attribute(VpcId=site.vpc, EnableDnsHostnames={"Value": True})
    table = site.ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [site.vpc]}])["RouteTables"][0]
    route = {"RouteTableId": table["RouteTableId"], "DestinationCidrBlock": "0.0.0.0/0"}
    site.ec2.create_route(**route, GatewayId=gateway)
    outside = {"IpProtocol": "tcp", "FromPort": 3306, "ToPort": 3306, "IpRanges": [{"CidrIp": "198.18.0.0/15"}]}
    site.ec2.authorize_security_group_ingress(GroupId=site.data, IpPermissions=[outside])
    site.rds.modify_db_instance(**public)
    filters = [{"Name": "description", "Values": ["RDSNetworkInterface"]}]
    (nic,) = site.ec2.describe_network_interfaces(Filters=filters)["NetworkInterfaces"]
    address = nic["Association"]["PublicIp"]
    wait_for(lambda: banner(address, 3306), "the public address to answer the operator", seconds=10)
    assert site.address().startswith("10.9.2.")
    site.rds.modify_db_instance(**{**public, "PubliclyAccessible": False})
    wait_for(lambda: not banner(address, 3306), "the address to be gone", seconds=10)
    site.ec2.revoke_security_group_ingress(GroupId=site.data, IpPermissions=[outside])


def test_a_stop_keeps_rows_and_address(site: Site) -> None:
    before = site.address()
    site.rds.stop_db_instance(DBInstanceIdentifier="shop")
    assert site.reach("stopped")[0] == "stopping"
    assert knock(site.from_web, before, 3306) == "filtered"
    site.rds.start_db_instance(DBInstanceIdentifier="shop")
    assert site.reach("available")[0] == "starting"
    assert site.address() == before
    assert site.sql("SELECT name FROM recipes.dishes") == ["kimchi"]


def test_a_class_waits_for_its_moment_and_then_boots_a_larger_machine(site: Site) -> None:
    larger = {"DBInstanceIdentifier": "shop", "DBInstanceClass": "db.t4g.small"}
    site.rds.modify_db_instance(**larger)
    assert site.database()["PendingModifiedValues"] == {"DBInstanceClass": "db.t4g.small"}
    assert site.database()["DBInstanceClass"] == "db.t4g.micro"
    site.rds.modify_db_instance(**larger, ApplyImmediately=True)
    assert site.reach("available")[0] == "modifying"
    assert site.database()["PendingModifiedValues"] == {}
    assert site.sql("SELECT @@innodb_buffer_pool_size") == [1152 << 20]


def test_a_snapshot_holds_its_moment_and_a_restored_database_is_another_one(site: Site) -> None:
    snapshot = {"DBSnapshotIdentifier": "before-lunch"}
    site.rds.create_db_snapshot(DBInstanceIdentifier="shop", **snapshot)
    assert refused(site.rds.reboot_db_instance, DBInstanceIdentifier="shop") == "InvalidDBInstanceState"
    site.reach("available")
    site.sql("INSERT INTO recipes.dishes VALUES ('bibimbap')")
    site.rds.restore_db_instance_from_db_snapshot(
        DBInstanceIdentifier="restored", **snapshot, VpcSecurityGroupIds=[site.data], DBInstanceClass="db.t4g.micro"
    )
    site.reach("available", "restored")
    assert site.sql("SELECT name FROM recipes.dishes", name="restored") == ["kimchi"]
    assert site.sql("SELECT name FROM recipes.dishes ORDER BY 1") == ["bibimbap", "kimchi"]
    assert site.sql("SELECT @@server_uuid", name="restored") != site.sql("SELECT @@server_uuid")
    site.rds.delete_db_instance(DBInstanceIdentifier="restored", SkipFinalSnapshot=True)
    site.rds.delete_db_snapshot(**snapshot)
    files = site.lab.config.disk_dir / "snapshots"
    wait_for(lambda: len(list(files.glob("*.img"))) == 1, "the snapshot's file to go (the automated one stays)")


def test_a_power_cut_loses_no_committed_row_and_rds_starts_it_again(site: Site) -> None:
    site.sql("INSERT INTO recipes.dishes VALUES ('japchae')")
    lab("power-off", "--name", NAME, "shop")
    assert "rebooting" in site.reach("rebooting")
    site.reach("available")
    assert "japchae" in site.sql("SELECT name FROM recipes.dishes")


def test_deletion_has_its_rules_and_leaves_the_final_snapshot(site: Site) -> None:
    shop = {"DBInstanceIdentifier": "shop"}
    assert refused(site.rds.delete_db_instance, **shop) == "InvalidParameterCombination"
    site.rds.modify_db_instance(**shop, DeletionProtection=True)
    assert refused(site.rds.delete_db_instance, **shop, SkipFinalSnapshot=True) == "InvalidParameterCombination"
    site.rds.modify_db_instance(**shop, DeletionProtection=False)
    resource = site.database()["DbiResourceId"]
    site.rds.delete_db_instance(**shop, FinalDBSnapshotIdentifier="the-last")
    assert site.database()["DBInstanceStatus"] == "deleting"
    wait_for(lambda: not site.rds.describe_db_instances()["DBInstances"], "the database to go")
    (final,) = site.rds.describe_db_snapshots(DBSnapshotIdentifier="the-last")["DBSnapshots"]
    assert final["Status"] == "available"
    wait_for(lambda: not namespaces.names(f"{site.lab.config.prefix}db-"), "the machine to go")
    assert not (site.lab.config.disk_dir / resource).exists()
    site.rds.delete_db_subnet_group(DBSubnetGroupName="data")
    site.ec2.delete_subnet(SubnetId=site.private[0])
    site.ec2.delete_security_group(GroupId=site.data)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"Engine": "postgres"}, "InvalidParameterValue"),
        ({"DBInstanceClass": "db.t9.huge"}, "InvalidParameterValue"),
        ({"MasterUserPassword": "short"}, "InvalidParameterValue"),
        ({"MasterUserPassword": "with/slash-in-it"}, "InvalidParameterValue"),
        ({"AllocatedStorage": 5}, "InvalidParameterCombination"),
        ({"VpcSecurityGroupIds": ["sg-0123456789abcdef0"]}, "InvalidParameterValue"),
        ({"DBSubnetGroupName": "nobody"}, "DBSubnetGroupNotFoundFault"),
    ],
)
def test_what_rds_refuses_to_create(site: Site, change: dict[str, Any], code: str) -> None:
    good = {
        "DBInstanceIdentifier": "refused", "Engine": "mysql", "DBInstanceClass": "db.t4g.micro",
        "AllocatedStorage": 20, "MasterUsername": "chef", "MasterUserPassword": FIRST,
    }  # fmt: skip
    assert refused(site.rds.create_db_instance, **{**good, **change}) == code
    group = {"DBSubnetGroupName": "narrow", "DBSubnetGroupDescription": "one zone", "SubnetIds": [site.public]}
    assert refused(site.rds.create_db_subnet_group, **group) == "DBSubnetGroupDoesNotCoverEnoughAZs"

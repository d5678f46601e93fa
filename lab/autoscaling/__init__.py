"""Auto Scaling groups: moto keeps what was asked for, the lab launches, watches and replaces real machines."""

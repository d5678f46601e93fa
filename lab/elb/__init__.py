"""Application Load Balancers: moto keeps what was asked for, the lab answers with HAProxy and real health checks.

One proxy in a namespace of its own stands for the nodes in all zones, with an interface in each of their subnets.
"""

"""RDS: moto keeps the account's databases, the lab gives each of them a machine with a real MySQL and no login.

Debian's MySQL (9.7) stands for whatever version the API was asked for; `lab status` says so.
"""

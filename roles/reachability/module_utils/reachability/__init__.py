"""The proof's own code: it asks (probe, login, evidence) and it judges (the rest).

The asking runs where the question is asked, also on the machines: Python 3.9 and the standard library only.
"""

"""Follow a packet and its reply through what the API says, and name every decision: no packet is sent."""

"""The EC2 API: moto in the lab's own process, with the manners of EC2 that moto lacks."""

"""Follow one packet and its reply through the model and name every decision: pure, without API or root."""

"""The picture of a living environment: what to draw, as text for Graphviz, and what a click on an arrow shows."""

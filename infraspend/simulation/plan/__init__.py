"""What the company is and does, hour by hour, from a seed: its machines, clusters and charges."""

"""The contracts: what lies on every topic, and nothing else."""

"""``probewatch demo``: the main job on simulated traffic, for a person to watch."""

from streams.demo.session import run_demo


__all__ = ["run_demo"]

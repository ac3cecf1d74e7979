"""Faust with batched delivery and a transaction per barrier.

::

    consumer.py ── chunks ──▶ agent ──▶ ownership.py ──▶ node
      │  thread.py  how the broker is asked       │
      │  guard.py   every offset once, in order   ├─ recovery.py   state rows back
      │  gate.py    which partitions may speak    ├─ cadence.py    when a barrier is due
      └  inflight.py  what Faust may commit       └─ barrier.py    the commit protocol

``driver.py`` gives all of it to Faust under a URL scheme of our own.
"""

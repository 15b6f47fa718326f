"""How often one client may ask: a bucket of tokens for each, filled at a steady rate.

The package limits has windows and no bucket: who has used up 600 at once would wait for 23 s in place of 0.05, and it
starts a thread after each request to forget old ones.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable

__all__ = ["Rate"]

_MOST_CLIENTS = 10_000


class Rate:
    """a_second: how many requests a client may make in the long run; at_once: how many after a pause.

    For one thread, the event loop's.
    """

    def __init__(self, a_second: float, at_once: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.a_second = a_second
        self.at_once = at_once
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def left(self, client: str) -> float:
        """As `wait`, without counting one."""
        tokens = self._tokens(client, self._clock())
        return 0.0 if tokens >= 1 else max(math.ulp(1.0), (1 - tokens) / self.a_second)

    def _tokens(self, client: str, now: float) -> float:
        tokens, at = self._buckets.get(client, (float(self.at_once), now))
        return min(self.at_once, tokens + (now - at) * self.a_second)

    def wait(self, client: str) -> float:
        """Count one request of this client: 0 if it may be made, else the seconds after which it may."""
        now = self._clock()
        tokens = self._tokens(client, now)
        self._buckets.pop(client, None)
        allowed = tokens >= 1
        self._buckets[client] = (tokens - allowed, now)
        if len(self._buckets) > _MOST_CLIENTS:  # the one that has been silent for longest
            self._buckets.popitem(last=False)
        return 0.0 if allowed else max(math.ulp(1.0), (1 - tokens) / self.a_second)

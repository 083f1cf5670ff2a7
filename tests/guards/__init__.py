"""The guard of each fault, as it stands in the product, and how the product would read without it.

`python -m tests.guards [F05 ...]` takes each out in a copy and demands that a test marked with its fault fails.
"""

from tests.guards.feed import FEED
from tests.guards.guard import Guard
from tests.guards.readers import READERS
from tests.guards.stores import STORES
from tests.guards.stream import STREAM

GUARDS: tuple[Guard, ...] = (*FEED, *STREAM, *READERS, *STORES)

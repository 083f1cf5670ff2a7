"""What a process that loads the past is told, and what it says when it is done."""

import msgspec

DAY_MS = 86_400_000


class Task(msgspec.Struct, frozen=True):
    """`spans` of minutes to load (since, until), in order of time; `judged`: the span in which bars ended whose signals
    are looked for, if any. All Unix ms. `grows`: the last span, and `judged` with it, ends now, and as many minutes
    later as loading takes. `symbols`: those that the feed brings, empty = all there are; minutes are loaded of every
    one. `awaited`: the feed waits for it."""

    spans: tuple[tuple[int, int], ...]
    judged: tuple[int, int] | None
    seed: int
    grows: bool
    symbols: tuple[str, ...] = ()
    awaited: bool = True


class Done(msgspec.Struct, frozen=True):
    """What was loaded: from `since` to `until` (Unix ms), with holes if there was more than one span."""

    symbols: int
    sessions: int
    signals: int
    since: int
    until: int

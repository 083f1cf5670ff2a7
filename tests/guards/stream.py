"""Guards against what the stream does to who writes to it: F21 to F26."""

from tests.guards.guard import Guard

FRAMER = "speed_layer/ingest/framer.py"
KINESIS = "shared/clients/kinesis.py"
PUBLISHER = "speed_layer/ingest/publisher.py"

STREAM = (
    Guard("F21", PUBLISHER, "except StoreUnavailable as error:", "except ZeroDivisionError as error:"),
    Guard("F21", PUBLISHER, "backoff = min(2 * backoff, LONGEST_BACKOFF_S)", "pass"),
    Guard("F21", PUBLISHER, "if self._bytes > ROOM_BYTES:", "if False:"),
    Guard(
        "F21",
        KINESIS,
        "Records=records)\n        except (BotoCoreError, ClientError)",
        "Records=records)\n        except ZeroDivisionError",
    ),
    Guard("F22", KINESIS, '"ErrorCode" not in record for', "True for"),
    Guard("F22", PUBLISHER, "                if ok:\n", "                if True:\n"),
    Guard("F23", PUBLISHER, "taken = [False] * len(entries)", "taken = [True] * len(entries)"),
    Guard(
        "F24",
        PUBLISHER,
        "entries.append((lane, data))",
        "entries.extend((lane, one.data) for one in self._queues[lane])",
    ),
    Guard(
        "F24",
        "speed_layer/ingest/service.py",
        "self.framer.promise, promise)\n            await self._trades.drained()\n",
        "self.framer.promise, promise)\n",
    ),
    Guard("F25", FRAMER, "if len(data) > FRAME_BYTES and count > 1:", "if False:"),
    Guard("F26", FRAMER, "FRAME_TRADES = 2_000", "FRAME_TRADES = 1"),
)
"""In order of the faults."""

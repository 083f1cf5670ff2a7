"""Guards of who reads the streams, and of the engine: F30 to F35, F65 to F70."""

from tests.guards.guard import Guard

ENGINE = "speed_layer/engine/python.py"
FRAMES = "shared/frames.py"
READER = "stacks/constructs/stream_reader.py"
RECOVERY = "speed_layer/ingest/recovery.py"
RECORDS = "speed_layer/kinesis_event.py"
SERVICE = "speed_layer/ingest/service.py"
RESPONSE = "local_dev/runtime/batch_response.py"

READERS = (
    Guard("F30", RECORDS, "except InvalidRecord as error:", "except ZeroDivisionError as error:"),
    Guard("F30", RECORDS, "str(error)[:200], record.sequence, record.data)", 'str(error)[:200], record.sequence, b"")'),
    Guard("F30", READER, "bisect_batch_on_function_error=True", "bisect_batch_on_function_error=False"),
    Guard("F30", "local_dev/runtime/mapping_rules.py", "if self.settings.bisect and len(rest) > 1:", "if False:"),
    Guard("F33", RESPONSE, "return min(reported)", "return max(reported)"),
    Guard(
        "F33",
        "speed_layer/archive/handler.py",
        "lake.put_raw(first.shard, first.sequence, ",
        "lake.put_raw(first.shard, str(time.monotonic_ns()), ",
    ),
    Guard(
        "F33",
        FRAMES,
        'return f"{self.f}#{self.sec}"',
        'import time\n\n        return f"{self.f}#{self.sec}#{time.monotonic_ns()}"',
    ),
    Guard("F34", RECORDS, "except RetryableError as error:", "except ZeroDivisionError as error:"),
    Guard("F34", RESPONSE, "    if result.error is not None:\n        return 0\n", ""),
    Guard("F35", RECORDS, "except RetryableError as error:", "except Exception as error:"),
    Guard(
        "F65",
        SERVICE,
        "self.bars_out.emit(self.engine.close(tail.promise), tail.promise)",
        "self.engine.close(tail.promise)",
    ),
    Guard("F65", RECOVERY, "if part.identity not in ids:", "if True:"),
    Guard("F66", READER, 'starting_position="TRIM_HORIZON"', 'starting_position="LATEST"'),
    Guard("F67", RECORDS, "except InvalidRecord as error:", "except ZeroDivisionError as error:"),
    Guard("F67", RECOVERY, "except InvalidRecord as error:", "except ZeroDivisionError as error:"),
    Guard(
        "F68", FRAMES, 'Price = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,9}(\\.[0-9]{1,9})?\\Z")]', "Price = str"
    ),
    Guard(
        "F69",
        "speed_layer/ingest/framer.py",
        "parts = self._open[lane_of(sym, self.lanes)]\n",
        "parts, sec = self._open[lane_of(sym, self.lanes)], sec - sec % 60\n",
    ),
    Guard(
        "F70",
        ENGINE,
        "self._merge_into(rank + 1, sym, start, partial)",
        "self._merge_into(rank + 1, sym, start + width, partial)",
    ),
)
"""In order of the faults."""

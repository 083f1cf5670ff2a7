"""Guards against what tables and the cache do: F39 to F43, F48 to F54, F82."""

from tests.guards.guard import Guard

AWS = "shared/clients/aws.py"
BARS = "shared/stores/bars.py"
BATCH_WRITE = "shared/stores/batch_write.py"
BREAKER = "shared/stores/breaker.py"
CACHE = "shared/stores/cache.py"
CONTROL = "shared/stores/control.py"
VALKEY = "shared/stores/valkey.py"
WATCH = "speed_layer/watch/measures.py"

STORES = (
    Guard("F39", AWS, '"total_max_attempts": attempts', '"total_max_attempts": 1'),
    Guard(
        "F39",
        BARS,
        'from error\n            raise StoreUnavailable(f"bars table: {error}") from',
        "from error\n            raise KeyError from",
    ),
    Guard(
        "F39", "speed_layer/kinesis_event.py", "except RetryableError as error:", "except ZeroDivisionError as error:"
    ),
    Guard("F40", BATCH_WRITE, "            if not left:\n                break\n", "            break\n"),
    Guard("F40", BATCH_WRITE, "            time.sleep(pause_s)\n", ""),
    Guard("F40", BATCH_WRITE, 'raise StoreUnavailable(f"table {table} did not take {len(left)} items")', "pass"),
    Guard("F41", BARS, 'ConditionExpression="attribute_not_exists(#n) OR #n <= :n",', ""),
    Guard("F42", BARS, "OR #n <= :n", "OR #n < :n"),
    Guard("F42", CONTROL, " OR #owner = :owner", ""),
    Guard(
        "F42",
        BARS,
        "                raise _ConditionFailed from error\n",
        "                raise StoreUnavailable from error\n",
    ),
    Guard("F43", BATCH_WRITE, "repr([item[name] for name in key]): item", "id(item): item"),
    Guard("F48", VALKEY, "except redis.RedisError as error:", "except redis.ResponseError as error:"),
    Guard("F49", VALKEY, "socket_timeout=BUDGET_S", "socket_timeout=5.0"),
    Guard("F49", BREAKER, "self._open_until = self._clock() + OPEN_S", "pass"),
    Guard("F50", CACHE, "if not held or string.match(held, '^[^|]+') <= ARGV[2] then", "if true then"),
    Guard(
        "F50",
        CACHE,
        "if not held or tonumber(string.match(held, '^%d+')) <= tonumber(ARGV[i + 1]) then",
        "if true then",
    ),
    Guard("F51", "shared/stores/answers.py", "self.put(asked, msgspec.msgpack.encode(made), kept_s)", "pass"),
    Guard("F52", VALKEY, "except redis.RedisError as error:", "except redis.TimeoutError as error:"),
    Guard(
        "F53",
        VALKEY,
        "except redis.RedisError as error:",
        "except (redis.ConnectionError, redis.TimeoutError) as error:",
    ),
    Guard("F54", CACHE, "if not held or string.match(held, '^[^|]+') <= ARGV[2] then", "if true then"),
    Guard(
        "F54",
        CACHE,
        "if not held or tonumber(string.match(held, '^%d+')) <= tonumber(ARGV[i + 1]) then",
        "if true then",
    ),
    Guard("F54", CACHE, "if held is None or (held.t, held.q) <= (trade.t, trade.q):", "if True:"),
    Guard("F82", WATCH, "NIGHTS_MISSING: len(missing_nights(now_ms, sessions, seen)),", "NIGHTS_MISSING: 0,"),
)
"""In order of the faults."""

"""Guards against what the feed does: F01 to F20."""

from tests.guards.guard import Guard

ALGEBRA = "shared/bars/algebra.py"
CLOCK = "speed_layer/ingest/clock.py"
CONDITIONS = "shared/bars/conditions.py"
ELEMENTS = "speed_layer/ingest/elements.py"
FILL = "speed_layer/ingest/fill.py"
FRAMER = "speed_layer/ingest/framer.py"
GAP = "speed_layer/ingest/gap.py"
INTAKE = "speed_layer/ingest/intake.py"
LEASE = "speed_layer/ingest/lease.py"
REFILL = "speed_layer/ingest/refill.py"
PULSE = "speed_layer/ingest/pulse.py"
SERVICE = "speed_layer/ingest/service.py"
SOCKET = "speed_layer/ingest/socket.py"
TRADES = "shared/polygon/trades.py"

FEED = (
    Guard("F01", SOCKET, "except (OSError, TimeoutError, ", "except (TimeoutError, "),
    Guard("F01", SOCKET, "backoff = min(2 * backoff, LONGEST_BACKOFF_S)", "pass"),
    Guard("F01", SOCKET, "if self._was_healthy():", "if False:"),
    Guard("F01", GAP, "self._unfilled_from = min(starts)", "self._unfilled_from = max(starts)"),
    Guard("F01", GAP, "self.is_open, self._given_up = True, False", "self._given_up = False"),
    Guard("F01", REFILL, "if loop.time() > self._answered + PATIENCE_S:", "if False:"),
    Guard("F01", GAP, "call_later(LONGEST_S, ", "call_later(10**6, "),
    Guard("F01", GAP, "self._now_ms() or 0) > self._stood_at:", "self._now_ms() or 0):"),
    Guard("F01", GAP, "if self._given_up and self._went_on_at:", "if self._went_on_at:"),
    Guard("F01", SERVICE, "self.gap.fill(self._refill_from())", "self.gap.fill(None)"),
    Guard("F02", SOCKET, "InvalidHandshake, WebSocketException, SourceUnavailable) as", "InvalidHandshake) as"),
    Guard("F03", SOCKET, 'raise SourceUnavailable(f"no frame and no answer to a ping within {PING_S} s")', "pass"),
    Guard("F04", SOCKET, "            if is_silent():\n", "            if False:\n"),
    Guard("F04", SOCKET, "                    if self._listener.is_silent():\n", "                    if False:\n"),
    Guard("F04", SERVICE, "return min(self.clock.last_t, ", "return min(self.clock.now_ms, "),
    Guard("F04", PULSE, "return now - self._heard > self._allowed_s * self._patience", "return False"),
    Guard("F04", PULSE, "if not self._busiest or sym in self._busiest:", "if True:"),
    Guard("F04", SERVICE, "or not self._in_session():", "or False:"),
    Guard("F04", "shared/stores/control.py", 'return state if connection == "up" else connection', "return state"),
    Guard("F05", SERVICE, "asyncio.timeout(LONGEST_LAG_S if self._live else None)", "asyncio.timeout(None)"),
    Guard("F05", FILL, "if ingester.is_pressed and not ended:", "if False:"),
    Guard("F06", SOCKET, 'if b\'"status"\' in data and "max_connections" in _names(data):', "if False:"),
    Guard("F06", SOCKET, "class _Evicted(AccessRefused):", "class _Evicted(SourceUnavailable):"),
    Guard("F06", LEASE, "if not ours:", "if False:"),
    Guard("F06", LEASE, "if time.monotonic() + seconds > self._deadline:", "if False:"),
    Guard("F06", "stacks/constructs/task_service.py", "100 if at_most_one else 200", "200"),
    Guard("F07", SOCKET, "if not self._was_taken:", "if False:"),
    Guard("F07", SOCKET, "self._was_taken = True", "pass"),
    Guard("F08", SOCKET, "if refused >= len(self._channels):", "if refused:"),
    Guard("F08", SOCKET, 'refused += found.count("error")', "pass"),
    Guard(
        "F08",
        REFILL,
        "            except InvalidRecord as error:\n",
        "            except ZeroDivisionError as error:\n",
    ),
    Guard("F08", SERVICE, 'self.refused_channels.add(detail.rpartition("subscribe to: ")[2])', "pass"),
    Guard("F09", INTAKE, "except (msgspec.DecodeError, RecursionError, UnicodeError):", "except ZeroDivisionError:"),
    Guard("F09", ELEMENTS, "return [_read(bytes(raw)) for raw in _raw_decoder.decode(data)]", "raise UnicodeError"),
    Guard("F10", INTAKE, 'elif kind != "T":', "elif False:"),
    Guard(
        "F10",
        TRADES,
        "class TradeEvent(msgspec.Struct, ",
        "class TradeEvent(msgspec.Struct, forbid_unknown_fields=True, ",
    ),
    Guard("F11", TRADES, "if not 0 < scaled <= MAX_PRICE:", "if False:"),
    Guard("F12", TRADES, "repr(size) if decimal_size is None else decimal_size", "repr(size)"),
    Guard("F13", TRADES, "msgspec.Meta(ge=10**12, lt=10**13)", "msgspec.Meta(ge=0)"),
    Guard("F13", INTAKE, "if host_ms is not None and t > host_ms + AHEAD_MS:", "if False:"),
    Guard("F13", INTAKE, "if clock.now_ms is not None and t > clock.limit_ms:", "if False:"),
    Guard("F14", INTAKE, "            if known is not None:\n", "            if False:\n"),
    Guard("F14", INTAKE, "MEMORY_S = 21 * 60", "MEMORY_S = 60"),
    Guard("F15", ALGEBRA, "key_of(min(open_close))", "key_of(open_close[0])"),
    Guard("F15", ALGEBRA, "key_of(max(open_close))", "key_of(open_close[-1])"),
    Guard("F16", FRAMER, "late_rank(sec, promise)", "0"),
    Guard("F16", "speed_layer/live/handler.py", "send(edges.bars_out, revised(", "list(revised("),
    Guard("F16", "shared/stores/bars.py", "if not self.late:", "if True:"),
    Guard("F17", "shared/stores/daily.py", "WHERE known_at <= %s ORDER", "WHERE %s::timestamptz IS NOT NULL ORDER"),
    Guard("F17", "shared/stores/schema/0004_corrections.sql", "WHEN (OLD.revision <> NEW.revision)", "WHEN (false)"),
    Guard("F17", "shared/stores/schema/0004_corrections.sql", "AT TIME ZONE 'America/New_York'", "AT TIME ZONE 'UTC'"),
    Guard(
        "F18",
        CONDITIONS,
        "rule = rules.get(condition, UNKNOWN | VOLUME)",
        "rule = rules.get(condition, _PRICES | VOLUME)",
    ),
    Guard("F18", CONDITIONS, "allowed &= rule", "allowed |= rule"),
    Guard("F18", INTAKE, "self.unknown_conditions += 1", "pass"),
    Guard("F19", FRAMER, "for lane in range(self.lanes):", "for lane in range(1):"),
    Guard("F19", SERVICE, "self.clock.silence(int((now - self._idle_since) * 1000))", "pass"),
    Guard("F20", INTAKE, "min(self.clock.limit_ms, latest)", "self.clock.limit_ms"),
    Guard("F20", LEASE, "epoch, asked + self._seconds", "epoch, time.monotonic() + self._seconds"),
    Guard("F20", SERVICE, "self.host_behind_ms = behind if behind >= SKEW_MS else 0", "pass"),
)
"""In order of the faults."""

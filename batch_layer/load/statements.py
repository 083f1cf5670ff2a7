"""The SQL of a load, made from its target: nothing in it comes from outside this package and the catalogue."""

from collections.abc import Mapping

from batch_layer.load.targets import Target


def create_staging(target: Target) -> str:
    columns = ", ".join(f"{name} {kind.staged}" for name, kind in target.columns.items())
    return f"CREATE TEMPORARY TABLE {staging(target)} ({columns}) ON COMMIT DROP"


def staging(target: Target) -> str:
    return f"staged_{target.table}"


def copy_in(target: Target) -> str:
    return f"COPY {staging(target)} ({', '.join(target.columns)}) FROM STDIN (FORMAT binary)"


def copy_straight(target: Target) -> str:
    return f"COPY {target.table} ({', '.join(_names(target))}) FROM STDIN (FORMAT binary)"


def months(target: Target) -> str:
    """First and last day, or time, in staging, and each month in it; of times, months are UTC's."""
    by = target.by
    day = f"({by} AT TIME ZONE 'UTC')::date" if target.columns[by].staged == "timestamptz" else by
    days = f"SELECT min({by}) AS first, max({by}) AS last, {day} AS day FROM {staging(target)} GROUP BY 3"
    months = "array_agg(DISTINCT date_trunc('month', day)::date) FILTER (WHERE day IS NOT NULL)"
    return f"SELECT min(first), max(last), {months} FROM ({days}) days"


RULES = """
SELECT attname || ' IS NOT NULL', attname FROM pg_attribute
WHERE attrelid = %(table)s::regclass AND attnotnull AND attname = ANY (%(columns)s)
UNION ALL
SELECT pg_get_expr(conbin, conrelid), conname FROM pg_constraint
WHERE conrelid = %(table)s::regclass AND contype = 'c'
ORDER BY 2
"""
"""What the table's own constraints demand of the columns of a load: condition and name."""


def set_aside(target: Target, rules: Mapping[str, str]) -> str:
    """Move what breaks a rule (condition -> name) from staging to quarantine; reason and number of rows."""
    broken = " ".join(f"WHEN NOT ({condition}) THEN '{name}'" for condition, name in rules.items())
    return f"""
    WITH broken AS MATERIALIZED (
        SELECT place, reason FROM (SELECT place, CASE {broken} END AS reason FROM ({_typed(target)}) s) judged
        WHERE reason IS NOT NULL
    ), taken AS (
        DELETE FROM {staging(target)} r USING broken WHERE r.ctid = broken.place RETURNING reason, to_jsonb(r) AS row
    ), kept AS ({_quarantine(target, "taken")})
    SELECT reason, count(*) FROM taken GROUP BY reason
    """


def upsert(target: Target) -> str:
    """Write what is new or known later, in the order of the key; rows that are not there as such, written, changed.

    Rows that are there already are found by a join and not locked: a repeat writes nothing.
    """
    names, keys = _names(target), ", ".join(target.keys)
    kept = ", ".join(f"{name} = {_kept(target, name)}" for name in names if name not in target.keys)
    conflict = f"""
        ON CONFLICT ({keys}) DO UPDATE SET {kept}, revision = b.revision + {target.raises}
        WHERE {_differs(target, "excluded")} AND {_newer(target, "excluded")}
    """
    return f"""
    WITH compared AS MATERIALIZED (
        SELECT s.*, b.{target.keys[0]} IS NULL AS missing, {_newer(target)} AS newer
        FROM ({_typed(target)}) s LEFT JOIN {target.table} b ON {_matches(target)}
        WHERE b.{target.keys[0]} IS NULL OR {_differs(target)}
    ), written AS (
        INSERT INTO {target.table} AS b ({", ".join(names)})
        SELECT DISTINCT ON ({keys}) {", ".join(names)} FROM compared
        WHERE missing OR newer ORDER BY {keys}, {target.best}
        {conflict}
        RETURNING b.revision
    )
    SELECT (SELECT count(*) FROM compared), count(*), count(*) FILTER (WHERE revision > 0) FROM written
    """


def left_over(target: Target) -> str:
    """Quarantine what contradicts a row that was known at the same time; number of those, and of rows known earlier."""
    return f"""
    WITH differing AS MATERIALIZED (
        SELECT place, s.known_at = b.known_at AND {target.replaces.format(s="s")} AS conflict
        FROM ({_typed(target)}) s JOIN {target.table} b ON {_matches(target)} WHERE {_differs(target)}
    ), taken AS (
        SELECT 'conflict' AS reason, to_jsonb(r) AS row
        FROM {staging(target)} r JOIN differing ON r.ctid = place WHERE conflict
    ), kept AS ({_quarantine(target, "taken")})
    SELECT count(*) FILTER (WHERE conflict), count(*) FILTER (WHERE NOT conflict) FROM differing
    """


def note_due(target: Target, *, staged: bool) -> str:
    """Note the days of staging, or those that are given."""
    days = f"SELECT DISTINCT day FROM {staging(target)}" if staged else "SELECT unnest(%(days)s::date[])"
    return f"INSERT INTO {target.due} (day) {days} ORDER BY 1"


QUARANTINE = """
INSERT INTO quarantine (relation, reason, row, source, known_at) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (relation, reason, md5(row), source) DO NOTHING
"""


def _quarantine(target: Target, rows: str) -> str:
    return f"""
        INSERT INTO quarantine (relation, reason, row, source, known_at)
        SELECT '{target.table}', reason, row::text, %(source)s, %(known_at)s FROM {rows}
        ON CONFLICT (relation, reason, md5(row), source) DO NOTHING
    """


def _names(target: Target) -> list[str]:
    """The columns that a load writes."""
    return [*target.columns, "source"] + ([] if "known_at" in target.columns else ["known_at"])


def _typed(target: Target) -> str:
    """Staged rows as the table's own values, computed once; `place` keeps the order in which they came."""
    columns = ", ".join(f"{kind.value.format(name)} AS {name}" for name, kind in target.columns.items())
    known_at = "" if "known_at" in target.columns else ", %(known_at)s::timestamptz AS known_at"
    return f"SELECT ctid AS place, {columns}, %(source)s::text AS source{known_at} FROM {staging(target)} OFFSET 0"


def _matches(target: Target) -> str:
    """The same key; with months, only those of the load are looked at."""
    same = " AND ".join(f"b.{key} = s.{key}" for key in target.keys)
    return f"{same} AND b.{target.by} BETWEEN %(since)s AND %(through)s" if target.by else same


def _core_differs(target: Target, s: str) -> str:
    ours, theirs = (", ".join(f"{row}.{name}" for name in target.values) for row in (s, "b"))
    return f"({ours}) IS DISTINCT FROM ({theirs})"


def _differs(target: Target, s: str = "s") -> str:
    """Whether row s says something that b does not."""
    told = [f"{s}.{name} IS NOT NULL AND {s}.{name} IS DISTINCT FROM b.{name}" for name in target.extras]
    return "(" + " OR ".join([_core_differs(target, s), *told]) + ")"


def _newer(target: Target, s: str = "s") -> str:
    return f"({s}.known_at > b.known_at AND {target.replaces.format(s=s)})"


def _kept(target: Target, name: str) -> str:
    if name not in target.extras:
        return f"excluded.{name}"
    different = _core_differs(target, "excluded")
    return f"CASE WHEN {different} THEN excluded.{name} ELSE coalesce(excluded.{name}, b.{name}) END"

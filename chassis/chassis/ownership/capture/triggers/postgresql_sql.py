# ruff: noqa: S608  # only quoted names and texts are put into statements
"""The function and the triggers of a watch, as PostgreSQL is told them.

- The function runs with its owner's rights, so that a writer needs none on the log, and with a search_path of its own;
  every name in it is qualified.
- The triggers are ENABLE ALWAYS: replication and `session_replication_role` don't switch them off.
- The condition of the update trigger stands in the trigger and not in the function, so that PostgreSQL knows which
  columns it needs, and refuses to drop one of them instead of failing every later write.
- Values are compared by their bytes: by `=` a changed letter in a citext would be no change, and json has no `=`.

"""

from collections.abc import Mapping

from chassis.ownership.capture.watches import ROW, Watch
from chassis.ownership.tables import column_of

NOW = "(extract(epoch FROM pg_catalog.clock_timestamp()) * 1000000)::bigint"
XID = "pg_catalog.pg_current_xact_id()::text::bigint"
_EVENTS = {
    "row": "AFTER INSERT OR DELETE ON {relation} FOR EACH ROW",
    "update": "AFTER UPDATE ON {relation} FOR EACH ROW WHEN (pg_catalog.record_image_ne({old}, {new}))",
    "truncate": "BEFORE TRUNCATE ON {relation} FOR EACH STATEMENT",
}


def function_name(log: str, watch: Watch) -> str:
    """In the schema of the log."""
    return f"{log.rpartition('.')[0]}.chassis_capture_{watch.digest}"


def function_text(log: str, states: str, relation: str, watch: Watch) -> str:
    """`log`, `states` and `relation` are the tables, qualified and quoted."""
    place = f"{text(watch.table)}, {text(watch.column)}"
    column = name(column_of(watch.key))
    nullable = watch.key.null and watch.column != ROW

    def write(row: str) -> str:
        entry = f"{into(log)} VALUES ({place}, {row}.{column}::text, {NOW}, {XID});"
        return f"IF {row}.{column} IS NOT NULL THEN {entry} END IF;" if nullable else entry

    capabilities = ", ".join(text(capability) for capability in sorted(watch.capabilities))
    body = f"""
BEGIN
    IF TG_OP = 'INSERT' THEN
        {write("NEW")}
    ELSIF TG_OP = 'UPDATE' THEN
        {write("NEW")}
        IF (NEW.{column}::text COLLATE pg_catalog."C") IS DISTINCT FROM (OLD.{column}::text COLLATE pg_catalog."C") THEN
            {write("OLD")}
        END IF;
    ELSIF TG_OP = 'DELETE' THEN
        {write("OLD")}
    ELSE
        {into(log)} SELECT {place}, held.{column}::text, {NOW}, {XID} FROM {relation} AS held WHERE held.{column} IS NOT NULL;
        -- An older snapshot does not see all the rows that go.
        IF pg_catalog.current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
            UPDATE {states} SET incarnation = pg_catalog.gen_random_uuid() WHERE capability IN ({capabilities});
        END IF;
    END IF;
    RETURN NULL;
END
"""
    tag = "chassis"
    while f"${tag}$" in body:
        tag += "_"
    return (
        f"CREATE OR REPLACE FUNCTION {function_name(log, watch)}() RETURNS trigger LANGUAGE plpgsql "
        f"SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS ${tag}${body}${tag}$"
    )


def trigger_texts(log: str, relation: str, watch: Watch) -> Mapping[str, str]:
    """By the triggers' names."""
    old, new = (
        f"ROW({', '.join(f'{row}.{name(column_of(field))}' for field in watch.watched)})"
        for row in ("OLD", "NEW")
    )
    return {
        f"chassis_capture_{event}_{watch.digest}": (
            f"CREATE TRIGGER chassis_capture_{event}_{watch.digest} "
            f"{clause.format(relation=relation, old=old, new=new)} "
            f"EXECUTE FUNCTION {function_name(log, watch)}()"
        )
        for event, clause in _EVENTS.items()
    }


def into(log: str) -> str:
    return f'INSERT INTO {log} ("table", "column", "key", "at", "xid")'


def name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"

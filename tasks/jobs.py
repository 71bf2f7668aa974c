"""The engine's own jobs."""

from __future__ import annotations

import logging

from django.db import InterfaceError, OperationalError, connection

from core import retention
from core.database import statement_deadline
from core.errors import NexusError
from core.retention import Deleted, Rule
from tasks import schedules
from tasks.job import Context, External, Job, Steps, jobs

logger = logging.getLogger(__name__)

MEGABYTE = 1_000_000


class RulesBroken(NexusError):
    """Retention rules raised; what the others let go is deleted."""

    code = "rules_broken"


@jobs.register("database_cleanup")
class DatabaseCleanup(Job):
    """Deletes what the registered retention rules let go, in batches.

    The result's `records_cleaned` counts the deleted rows; `space_freed_mb` is what they took
    in their tables as PostgreSQL stored them (`pg_column_size`), in millions of bytes. VACUUM
    gives that space to new rows; files on disk don't shrink.
    """

    steps = Steps(delete=External(90, repeatable=True), vacuum=External(10, repeatable=True))

    @classmethod
    def concurrency_key(cls, parameters: Job.Parameters) -> str:
        return "database_cleanup"

    def delete(self, context: Context) -> None:
        """Raises RulesBroken at the end for rules that could not be applied."""
        found = context.state.setdefault("deleted", {})
        rules = retention.rules.items()
        broken: list[str] = []
        for position, (name, rule) in enumerate(rules):
            rows = 0
            while (deleted := self._batch(name, rule, broken, context)).rows:
                rows += deleted.rows
                found[rule.table] = found.get(rule.table, 0) + deleted.rows
                context.state["size"] = context.state.get("size", 0) + deleted.size
                context.checkpoint()
            if rows:
                context.info(f"{name}: {rows} rows deleted")
            context.progress((position + 1) / len(rules))
        context.result(
            {
                "records_cleaned": sum(found.values()),
                "space_freed_mb": round(context.state.get("size", 0) / MEGABYTE, 6),
            }
        )
        if broken:
            raise RulesBroken(f"These rules could not be applied: {', '.join(broken)}.")

    def _batch(self, name: str, rule: Rule, broken: list[str], context: Context) -> Deleted:
        """One batch of one rule; a rule that breaks must not keep the others from their rows."""
        try:
            return rule.delete_batch()
        except (OperationalError, InterfaceError):
            raise
        except Exception as error:
            logger.exception("the retention rule %s broke", name)
            context.log("ERROR", f"{name}: {type(error).__name__}: {error}")
            broken.append(name)
            return Deleted(rows=0, size=0)

    def vacuum(self, context: Context) -> None:
        tables = list(context.state.get("deleted", {}))
        for position, table in enumerate(tables):
            with statement_deadline(self.time_limit()), connection.cursor() as cursor:
                cursor.execute(f"VACUUM (ANALYZE) {connection.ops.quote_name(table)}")
            context.progress((position + 1) / len(tables))


@jobs.register("canary")
class Canary(Job):
    """Does nothing, through the real queue: that it ends shows that tasks are run."""

    steps = Steps(sing=1)
    timeout = 30.0
    hidden = True

    @classmethod
    def concurrency_key(cls, parameters: Job.Parameters) -> str:
        return "canary"  # without a worker one waits, not one more each minute

    def sing(self, context: Context) -> None:
        """Being here is all."""


schedules.register("database cleanup", job_type="database_cleanup", cron="17 3 * * *")
schedules.register("canary", job_type="canary", every=60)

"""The job that goes on where a clear of the cache stood when the wait for it was over."""

from __future__ import annotations

from core.cache import operations
from tasks.job import Context, External, Job, Steps, jobs

JOB = "cache.clear"


@jobs.register(JOB)
class ClearCache(Job):
    """`cursor` is the server's, as text, for it may be larger than JSON's integers. An attempt
    that is killed is repeated from there; what it had deleted is not counted again."""

    class Parameters(Job.Parameters):
        pattern: str | None = None
        level: str = operations.ALL
        dry_run: bool = False
        cursor: str = "0"
        cleared: int = 0

    steps = Steps(clear=External(1, repeatable=True))
    timeout = 3600.0

    def clear(self, context: Context) -> None:
        given = self.parameters
        asked = operations.checked(pattern=given.pattern, level=given.level, dry_run=given.dry_run)
        asked.cursor, asked.cleared = int(given.cursor), given.cleared
        done = operations.go_on(asked, actor=context.actor, progress=context.progress)
        context.info(f"{done.cleared} keys {'match' if given.dry_run else 'were deleted'}")
        context.result(done.document())

"""The job that moves the live runs of a cadence to another version of it."""

from typing import Literal

from pydantic import BaseModel

from cadences.errors import IllegalMove
from cadences.migrate import migrate
from cadences.models import Version
from queues.handlers import handler
from queues.outcomes import Bury
from queues.running import RunningJob

HOUR = 3600.0


class CadenceMigrate(BaseModel):
    """Which version live runs move to, and what becomes of one whose step vanished."""

    version: int
    vanished: Literal["next", "end"] = "next"
    actor: str = ""


@handler("cadence-migrate", timeout=HOUR)
def cadence_migrate(data: CadenceMigrate, job: RunningJob) -> dict[str, object] | Bury:
    """Move the live runs of a cadence to a published version of it, one by one."""
    version = Version.objects.select_related("cadence").get(pk=data.version)

    def stop(done: int) -> bool:
        job.progress(done, None, str(version))
        return job.cancelled()

    try:
        counts = migrate(version, actor=data.actor, vanished=data.vanished, stop=stop)
    except IllegalMove as error:
        return Bury(str(error))
    return dict(counts)

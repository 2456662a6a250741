"""Know long ids that a gateway told again: they were cut, and are digested now.

Two different ones with the same beginning were taken for one message.
"""

import json
from hashlib import sha256
from typing import Any

from django.db import migrations
from django.db.models.functions import Length

TOLD, HEARD = "plain:told:", "plain:in:"
CUT, MOST = 150, 200


def fitted(text: str, most: int) -> str:
    """Return what `queues.payload.fitted` did when this was written."""
    if len(text) <= most:
        return text
    digest = sha256(text.encode(errors="surrogatepass")).hexdigest()[:32]
    return f"{text[: most - 33]}~{digest}"


def name_in_full(apps: Any, schema_editor: Any) -> None:
    """Give what came under a cut id the key that the whole one has now."""
    messages = apps.get_model("cadences", "Message").objects
    cut = messages.annotate(size=Length("key")).filter(
        size=len(TOLD) + CUT, key__startswith=TOLD
    )
    for told in cut.iterator(chunk_size=500):
        if (whole := _id_of(told.body)) is None:
            continue
        messages.filter(pk=told.pk).update(key=fitted(TOLD + whole, MOST))
        heard = messages.filter(key=HEARD + whole[:CUT], details__delivery=told.pk)
        heard.update(key=HEARD + fitted(whole, CUT))


def _id_of(body: str) -> str | None:
    try:
        whole = str(json.loads(body)["payload"]["message_id"])
    except (ValueError, KeyError, TypeError):
        return None  # an erased one
    return whole.replace("\x00", "\ufffd").encode(errors="replace").decode()


class Migration(migrations.Migration):
    """Keys of messages, and nothing else."""

    dependencies = [("cadences", "0013_rows_by_hand")]

    operations = [
        migrations.RunPython(name_in_full, migrations.RunPython.noop, elidable=True)
    ]

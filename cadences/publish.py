"""Publish a version: look for faults, freeze its steps, let new runs follow it."""

from django.db import connection, transaction
from django.db.models import Max, QuerySet

from cadences import clock
from cadences.errors import BadTemplate, IllegalMove, NotPublishable
from cadences.grammar import variables
from cadences.hours import Hours
from cadences.lint import Finding, Plan
from cadences.lint import lint as examine
from cadences.models import (
    Account,
    Cadence,
    Calendar,
    Revision,
    Step,
    Template,
    Variant,
    Version,
)
from cadences.ports import names
from cadences.steps import hours_of
from cadences.values import is_known
from queues.audit import record

FACTS = (
    "key", "position", "kind", "medium", "fallbacks", "template_code", "delay", "unit",
    "base", "local_time", "calendar_id", "stop_on_reply", "conditions", "on_unknown",
    "gap_minutes", "title", "is_blocking",
)  # fmt: skip
"""What a step says, and a copy of it says as well."""


def revise(
    template: Template, *, body: str, subject: str = "", actor: str = "", **facts: str
) -> Revision:
    """Write a new wording of a template and let all sends from now on use it.

    `facts` say what its provider calls it. Raises BadTemplate for a text that does not
    follow the grammar.
    """
    unknown = [
        name
        for text in (body, subject)
        for name in variables(text)
        if not is_known(name)
    ]
    if unknown:
        raise BadTemplate(f"unknown variable: {', '.join(unknown)}")
    with transaction.atomic():
        held = Template.objects.select_for_update().get(pk=template.pk)
        last = held.revisions.aggregate(last=Max("number"))["last"] or 0
        revision = Revision.objects.create(
            template=held, number=last + 1, body=body, subject=subject,
            created_by=actor, created_at=clock.now(), **facts,
        )  # fmt: skip
        Template.objects.filter(pk=held.pk).update(revision=revision)
        record("template.revise", held, after={"revision": revision.number})
    template.revision = revision
    return revision


def draft(cadence: Cadence) -> Version:
    """Return the draft of a cadence: the one there is, or a copy of what is published.

    Copied steps keep their keys, so that runs can be moved to the new version.
    """
    with transaction.atomic():
        Cadence.objects.select_for_update().get(pk=cadence.pk)
        if found := cadence.versions.filter(state=Version.State.DRAFT).first():
            return found
        last = cadence.versions.order_by("number").last()
        version = Version.objects.create(
            cadence=cadence, number=1 if last is None else last.number + 1
        )
        for step in _steps(last) if last else ():
            _copy(step, version)
        record("version.draft", version, after={"from": last and last.number})
        return version


def _copy(step: Step, version: Version) -> None:
    facts = {name: getattr(step, name) for name in FACTS}
    copy = Step.objects.create(version=version, **facts)
    Variant.objects.bulk_create(
        Variant(step=copy, code=v.code, template_code=v.template_code, weight=v.weight)
        for v in step.variants.all()
    )


def read(version: Version) -> Plan:
    """Read what the steps of a version refer to, in a few statements."""
    cadence, steps = version.cadence, list(_steps(version))
    codes = {step.template_code for step in steps} | {
        each.template_code for step in steps for each in step.variants.all()
    }
    company = cadence.company_id
    texts = Template.objects.filter(company=company, code__in=codes)
    senders: dict[str, bool] = {}
    for account in Account.objects.filter(company=company):
        ready = account.state == Account.State.ACTIVE and account.adapter in names()
        senders[account.medium] = senders.get(account.medium, False) or ready
    return Plan(
        steps=steps,
        texts={(t.medium, t.code): t for t in texts.select_related("revision")},
        senders=senders,
        hours=_hours(cadence, steps),
    )


def _steps(version: Version) -> QuerySet[Step]:
    return version.steps.order_by("position").prefetch_related("variants")


def _hours(cadence: Cadence, steps: list[Step]) -> dict[int | None, tuple[str, Hours]]:
    shared = cadence.calendar_id or cadence.company.calendar_id
    wanted = {step.calendar_id for step in steps} | {shared}
    found: dict[int | None, tuple[str, Hours]] = {}
    rows = Calendar.objects.filter(pk__in=[each for each in wanted if each])
    for each in rows.prefetch_related("slots", "holidays"):
        if (hours := hours_of(each)) is not None:
            found[each.pk] = (each.name, hours)
    if shared in found:
        found[None] = found[shared]
    return found


def findings(version: Version) -> list[Finding]:
    """Return everything to know of a version before it is published."""
    return examine(read(version))


def lint(version: Version) -> list[str]:
    """Return the faults that keep a version from being published, a line each."""
    return [str(each) for each in findings(version) if each.is_fault]


@transaction.atomic
def publish(version: Version, *, actor: str = "") -> Version:
    """Freeze a draft and let new runs follow it; runs on other versions stay there.

    Raises NotPublishable with every fault.
    """
    cadence = Cadence.objects.select_for_update().get(pk=version.cadence_id)
    held = Version.objects.select_for_update().get(pk=version.pk)
    if held.state != Version.State.DRAFT:
        raise IllegalMove(f"The version is {held.state}")
    if faults := lint(held):
        raise NotPublishable(faults)
    cadence.versions.filter(state=Version.State.PUBLISHED).update(
        state=Version.State.RETIRED
    )
    Version.objects.filter(pk=held.pk).update(
        state=Version.State.PUBLISHED, checksum=checksum(held),
        published_at=clock.now(), published_by=actor,
    )  # fmt: skip
    fresh = cadence.state == Cadence.State.DRAFT
    Cadence.objects.filter(pk=cadence.pk).update(
        published=held, state=Cadence.State.ACTIVE if fresh else cadence.state
    )
    held.refresh_from_db()
    record("version.publish", held, after={"checksum": held.checksum})
    return held


def checksum(version: Version) -> str:
    """Return the hash over everything that the steps of a version say."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT cadence_checksum(%s)", [version.pk])
        return str(cursor.fetchone()[0])

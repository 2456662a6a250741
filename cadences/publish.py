"""Publish a version: look for faults, freeze its steps, let new runs follow it."""

from django.db import connection, transaction
from django.db.models import Max

from cadences import clock
from cadences.errors import BadTemplate, IllegalMove, NotPublishable
from cadences.gates import FIELDS
from cadences.grammar import variables
from cadences.models import Cadence, Revision, Step, Template, Variant, Version
from cadences.states import Medium
from cadences.values import is_known

FACTS = (
    "key", "position", "kind", "medium", "fallbacks", "template_code", "delay", "unit",
    "base", "local_time", "calendar_id", "stop_on_reply", "conditions", "on_unknown",
    "gap_minutes", "title", "is_blocking",
)  # fmt: skip
"""What a step says, and a copy of it says as well."""


def revise(
    template: Template, *, body: str, subject: str = "", actor: str = ""
) -> Revision:
    """Write a new wording of a template and let all sends from now on use it.

    Raises BadTemplate for a text that does not follow the grammar.
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
            created_by=actor, created_at=clock.now(),
        )  # fmt: skip
        Template.objects.filter(pk=held.pk).update(revision=revision)
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
        for step in last.steps.order_by("position") if last else ():
            _copy(step, version)
        return version


def _copy(step: Step, version: Version) -> None:
    facts = {name: getattr(step, name) for name in FACTS}
    copy = Step.objects.create(version=version, **facts)
    Variant.objects.bulk_create(
        Variant(step=copy, code=v.code, template_code=v.template_code, weight=v.weight)
        for v in step.variants.all()
    )


def lint(version: Version) -> list[str]:
    """Return the faults that keep a version from being published, a line each."""
    steps = list(version.steps.order_by("position").prefetch_related("variants"))
    faults = [] if steps else ["There are no steps"]
    for step in steps:
        faults += [f"Step {step.position}: {fault}" for fault in _faults(step, version)]
    calendar = version.cadence.calendar or version.cadence.company.calendar
    if calendar is not None and not calendar.slots.exists():
        faults.append(f"The calendar {calendar} is never open")
    return faults


def _faults(step: Step, version: Version) -> list[str]:
    found = []
    if step.calendar is not None and not step.calendar.slots.exists():
        found.append(f"the calendar {step.calendar} is never open")
    for each in step.conditions:
        name = str(each.get("field", "")) if isinstance(each, dict) else ""
        if name not in FIELDS and not name.startswith(("data.", "context.")):
            found.append(f"unknown field of a condition: {name or each}")
    if step.kind == Step.Kind.TASK:
        return found
    variants = list(step.variants.all())
    if variants and not any(each.weight for each in variants):
        found.append("no variant has a weight")
    codes = [each.template_code for each in variants] or [step.template_code]
    media = [str(step.medium), *step.fallbacks]
    found += [f"unknown channel: {each}" for each in media if each not in Medium]
    for code in codes:
        for medium in (each for each in media if each in Medium):
            found += _text_faults(version.cadence.company_id, medium, code)
    return found


def _text_faults(company: str, medium: str, code: str) -> list[str]:
    template = (
        Template.objects.filter(company=company, medium=medium, code=code)
        .select_related("revision").first()
    )  # fmt: skip
    if template is None or template.revision is None:
        return [f"no template {code} for {medium}"]
    if not template.is_active:
        return [f"the template {code} is not active"]
    try:
        texts = (template.revision.body, template.revision.subject)
        used = [name for text in texts for name in variables(text)]
    except BadTemplate as error:
        return [f"{code}: {error}"]
    return [f"{code}: unknown variable {name}" for name in used if not is_known(name)]


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
    return held


def checksum(version: Version) -> str:
    """Return the hash over everything that the steps of a version say."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT cadence_checksum(%s)", [version.pk])
        return str(cursor.fetchone()[0])

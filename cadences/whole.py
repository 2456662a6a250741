"""A run with everything that decides about it, read under its locks in few statements."""

from functools import cache
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User

from cadences.models import (
    Account,
    Cadence,
    Calendar,
    Company,
    Contact,
    Execution,
    Lead,
    Revision,
    Run,
    Template,
    Version,
)
from cadences.rows import Shape, one, split
from cadences.states import MAYBE_SENT
from queues.ask import ask

LEAD_OF_RUN = """
SELECT lead.id FROM leads AS lead JOIN lead_cadence_runs AS run ON run.lead_id = lead.id
WHERE run.id = %s FOR NO KEY UPDATE OF lead
"""
LEAD = "SELECT FROM leads WHERE id = %s FOR NO KEY UPDATE"


@cache
def _run_shapes() -> tuple[Shape[Any], ...]:
    return (
        Shape(Run, "run"), Shape(Lead, "lead"), Shape(Company, "company"),
        Shape(Cadence, "cadence"), Shape(Version, "version"), Shape(User, "owner"),
        Shape(Calendar, "of_company"), Shape(Calendar, "of_cadence"),
    )  # fmt: skip


@cache
def _run_statement() -> str:
    columns = ", ".join(shape.columns for shape in _run_shapes())
    return f"""
        SELECT {columns} FROM lead_cadence_runs AS run
        JOIN leads AS lead ON lead.id = run.lead_id
        JOIN companies AS company ON company.code = run.company_id
        JOIN cadences AS cadence ON cadence.id = run.cadence_id
        JOIN cadence_versions AS version ON version.id = run.version_id
        LEFT JOIN {User._meta.db_table} AS owner ON owner.id = lead.owner_id
        LEFT JOIN calendars AS of_company ON of_company.id = company.calendar_id
        LEFT JOIN calendars AS of_cadence ON of_cadence.id = cadence.calendar_id
        WHERE run.id = %s FOR UPDATE OF run
    """  # noqa: SLF001 - Django's own name for it


def locked(run_id: UUID) -> Run | None:
    """Lock the lead, then the run, in that order; return the run with all it needs."""
    if one(LEAD_OF_RUN, [run_id]) is None:
        return None
    values = one(_run_statement(), [run_id])
    if values is None:
        return None
    shapes = _run_shapes()
    parts = split(values, shapes)
    run, lead, company, cadence, version = (
        shape.build(part) for shape, part in zip(shapes[:5], parts[:5], strict=True)
    )
    lead.owner, company.calendar, cadence.calendar = (
        shape.build_or_none(part)
        for shape, part in zip(shapes[5:], parts[5:8], strict=True)
    )
    run.lead, run.company, run.cadence, run.version = lead, company, cadence, version
    lead.company = company
    return run  # type: ignore[no-any-return]


@cache
def _fence_statement() -> str:
    columns = Shape(Run, "run").columns
    return f"""
        SELECT {columns}, execution.attempt_token, execution.state
        FROM lead_cadence_runs AS run
        JOIN lead_step_executions AS execution ON execution.run_id = run.id
        WHERE execution.id = %s FOR UPDATE OF run, execution
    """


def relocked(run: Run, execution_id: UUID) -> tuple[Run, UUID | None, str] | None:
    """Lock lead, run and execution again; return the run as it is now, with the token
    and the state of the execution.

    What a run needs beside itself is as it was a moment ago: it only says when the next
    step is due. None if the run follows another version by now.
    """
    one(LEAD, [run.lead_id])
    values = one(_fence_statement(), [execution_id])
    shape = _run_shapes()[0]
    part, (token, state) = split(values, [shape])
    fresh: Run = shape.build(part)
    if fresh.version_id != run.version_id:
        return None
    fresh.lead, fresh.company = run.lead, run.company
    fresh.cadence, fresh.version = run.cadence, run.version
    return fresh, token, state


@cache
def _execution_statement() -> tuple[Shape[Execution], str]:
    shape = Shape(Execution, "execution")
    return shape, (
        f"SELECT {shape.columns} FROM lead_step_executions AS execution"
        " WHERE run_id = %s AND round = %s AND step_key = %s"
    )


def execution_of(run: Run) -> Execution | None:
    """Return the row of the run's next step in this round."""
    if run.next_step_key is None:
        return None
    shape, statement = _execution_statement()
    values = one(statement, [run.pk, run.round, run.next_step_key])
    return None if values is None else shape.build(values)


@cache
def _contact_statement() -> tuple[Shape[Contact], str]:
    shape = Shape(Contact, "contact")
    return shape, (
        f"SELECT {shape.columns} FROM lead_contacts AS contact WHERE lead_id = %s"
    )


def with_contacts(lead: Lead) -> list[Contact]:
    """Return the contacts of a lead, read once for all that ask for them."""
    known = getattr(lead, "_prefetched_objects_cache", {})
    if "contacts" not in known:
        shape, statement = _contact_statement()
        found: Any = lead.contacts.get_queryset()
        found._result_cache = [shape.build(v) for v in ask(statement, lead.pk)]  # noqa: SLF001 - as a prefetch does
        found._prefetch_done = True  # noqa: SLF001
        lead._prefetched_objects_cache = {**known, "contacts": found}  # type: ignore[attr-defined] # noqa: SLF001
    return list(lead.contacts.all())


@cache
def _template_statement() -> tuple[Shape[Template], Shape[Revision], str]:
    template, revision = Shape(Template, "template"), Shape(Revision, "revision")
    return template, revision, (
        f"SELECT {template.columns}, {revision.columns} FROM message_templates AS template"
        " LEFT JOIN template_revisions AS revision ON revision.id = template.revision_id"
        " WHERE template.company_id = %s AND template.medium = %s AND template.code = %s"
    )  # fmt: skip


def template_of(company: str, medium: str, code: str) -> Template | None:
    """Return the template of that code, with the wording that is said now."""
    template, revision, statement = _template_statement()
    values = one(statement, [company, medium, code])
    if values is None:
        return None
    first, second, _ = split(values, [template, revision])
    found = template.build(first)
    found.revision = revision.build_or_none(second)
    return found


@cache
def _account_statement() -> tuple[Shape[Account], str]:
    shape = Shape(Account, "account")
    return shape, (
        f"SELECT {shape.columns} FROM channel_accounts AS account"
        " WHERE company_id = %s AND medium = %s ORDER BY name"
    )


def accounts_of(company: str, medium: str) -> list[Account]:
    """Return the senders of a company in a channel."""
    shape, statement = _account_statement()
    return [shape.build(values) for values in ask(statement, company, medium)]


HISTORY = """
SELECT control.is_on, control.reason, control.redirects,
    (SELECT json_agg(json_build_array(medium, address_hash)) FROM suppressions
     WHERE address_hash = ANY(%(hashes)s)
       AND (company_id IS NULL OR company_id = %(company)s)
       AND (expires_at IS NULL OR expires_at > %(now)s)),
    (SELECT json_agg(json_build_array(medium, standing) ORDER BY at, id)
     FROM consents WHERE lead_id = %(lead)s),
    (SELECT max(intended_at) FROM lead_step_executions AS execution
     JOIN lead_cadence_runs AS run ON run.id = execution.run_id
     WHERE run.lead_id = %(lead)s AND execution.state = ANY(%(states)s)
       AND run.id IS DISTINCT FROM %(but)s)
FROM (SELECT) AS always LEFT JOIN cadence_control AS control ON control.id = 1
"""
"""What must be read after the addresses are held: the switch, who said no, what went."""


def history(run: Run, hashes: list[str], *, now: Any, but: UUID | None) -> Any:
    """Return switch, reason, redirects, suppressions, consents and the last message to
    the lead; `but` is a run whose own messages do not count."""
    return one(HISTORY, {
        "hashes": hashes, "company": run.company_id, "now": now, "lead": run.lead_id,
        "states": [str(each) for each in MAYBE_SENT], "but": but,
    })  # fmt: skip

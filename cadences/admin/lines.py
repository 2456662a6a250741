"""Steps as the pages list them: in words, with their texts and what is wrong."""

from collections.abc import Iterable
from typing import Any

from cadences.admin import words
from cadences.lint import Finding, Plan
from cadences.models import Step, Template


class Line:
    """One step for a page."""

    def __init__(
        self, step: Step, text: str = "", notes: Iterable[Finding] = ()
    ) -> None:
        self.step = step
        self.title = words.title(step)
        self.ways = words.ways(step)
        self.when = words.when(step)
        self.text = text
        self.notes = [each for each in notes if each.position == step.position]
        self.conditions = [words.condition(each) for each in step.conditions]
        self.is_task = step.kind == Step.Kind.TASK


def lines_of(plan: Plan, notes: Iterable[Finding]) -> list[Line]:
    """Return the steps of a version in order."""
    return [Line(step, _text(step, plan.texts), notes) for step in plan.steps]


def _text(step: Step, texts: Any) -> str:
    codes = [v.template_code for v in step.variants.all()] or [step.template_code]
    found: Template | None = texts.get((str(step.medium), codes[0]))
    return found.revision.body if found and found.revision else ""

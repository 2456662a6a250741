"""The form of a step: what it says, when, for whom, and its variants."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cadences.admin.defaults import beginnings, without_blanks
from cadences.admin.words import COMPARED, medium
from cadences.models import Cadence, Calendar, Step, Template
from cadences.states import Medium

ROWS = 5
"""Conditions and variants of a step that the form has room for."""
LONGEST_DELAY = 3650
FIRST = {"delay": 1, "unit": Step.Unit.DAYS}
"""What a new step begins with, other than a row would."""


class StepForm(forms.ModelForm):
    """One step of a draft."""

    fallbacks = forms.MultipleChoiceField(
        label=gettext_lazy("If that way is closed"),
        choices=Medium.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy(
            "Tried in this order. The template must exist there, too."
        ),
    )
    template_code = forms.ChoiceField(label=gettext_lazy("Template"), required=False)

    class Meta:
        model = Step
        fields = (
            "kind", "medium", "fallbacks", "template_code", "title", "is_blocking",
            "delay", "unit", "base", "local_time", "calendar", "gap_minutes",
            "stop_on_reply", "on_unknown",
        )  # fmt: skip
        labels = {
            "kind": gettext_lazy("What"),
            "medium": gettext_lazy("Channel"),
            "title": gettext_lazy("Title of the task"),
            "is_blocking": gettext_lazy("The run waits until the task is done"),
            "delay": gettext_lazy("Wait"),
            "unit": gettext_lazy("Unit"),
            "base": gettext_lazy("Counted from"),
            "local_time": gettext_lazy("At this time of day"),
            "calendar": gettext_lazy("Calendar"),
            "gap_minutes": gettext_lazy("Minutes between messages"),
            "stop_on_reply": gettext_lazy("A reply to it ends the run"),
            "on_unknown": gettext_lazy("If nobody knows whether it was sent"),
        }
        help_texts = {
            "local_time": gettext_lazy("On the lead’s own clock. Empty: as it falls."),
            "gap_minutes": gettext_lazy(
                "At least so long after any message to the lead."
            ),
        }
        widgets = {
            "local_time": forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
            "kind": forms.RadioSelect,
        }

    def __init__(self, *args: Any, cadence: Cadence, **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **kwargs})
        self.fields["calendar"].empty_label = _("as the cadence says")  # type: ignore[attr-defined]
        self.fields["calendar"].queryset = Calendar.objects.order_by("name")  # type: ignore[attr-defined]
        self.fields["delay"].max_value = LONGEST_DELAY  # type: ignore[attr-defined]
        self.fields["template_code"].choices = templates(  # type: ignore[attr-defined]
            cadence, self.instance.template_code
        )
        for name in ("delay", "gap_minutes"):
            self.fields[name].required = False
        without_blanks(self, Step)

    def clean(self) -> dict[str, Any]:
        """Ask for what the kind of step needs; lint tells the rest."""
        data = super().clean() or self.cleaned_data
        data["delay"] = data.get("delay") or 0
        data["gap_minutes"] = data.get("gap_minutes") or 0
        is_task = data.get("kind") == Step.Kind.TASK
        if is_task and not data.get("title", "").strip():
            self.add_error("title", _("Say what has to be done."))
        if data["delay"] > LONGEST_DELAY and data.get("unit") in DAYS:
            self.add_error("delay", _("That is longer than ten years."))
        if data.get("medium") in data.get("fallbacks", ()):
            self.add_error("fallbacks", _("This is the channel of the step itself."))
        return data


DAYS = (Step.Unit.DAYS, Step.Unit.BUSINESS_DAYS)


class ConditionForm(forms.Form):
    """One condition: a field of the lead, how to compare, with what."""

    field = forms.CharField(
        label=gettext_lazy("Field"),
        required=False,
        max_length=100,
        widget=forms.TextInput(attrs={"list": "known-fields"}),
    )
    compared = forms.ChoiceField(
        label=gettext_lazy("Compared"), choices=COMPARED.items(), required=False
    )
    value = forms.CharField(label=gettext_lazy("Value"), required=False, max_length=500)

    def clean(self) -> dict[str, Any]:
        """Ask for a value where there is something to compare with."""
        data = super().clean() or self.cleaned_data
        name, value = data.get("field", ""), data.get("value", "")
        if value and not name:
            self.add_error("field", _("Which field?"))
        if name and not value and data.get("compared") == "one_of":
            self.add_error("value", _("Say at least one value, with commas between."))
        return data

    def said(self) -> dict[str, Any] | None:
        """Return the condition as the step stores it."""
        data = self.cleaned_data
        if not data.get("field"):
            return None
        word = data.get("compared") or "equal"
        found = {"field": data["field"].strip(), "is": word}
        if word == "known":
            return found
        if word == "one_of":
            parts = [each.strip() for each in data["value"].split(",")]
            return {**found, "value": [each for each in parts if each]}
        return {**found, "value": data["value"]}


class VariantForm(forms.Form):
    """One variant: another wording for some of the leads."""

    code = forms.SlugField(label=gettext_lazy("Name"), required=False, max_length=50)
    template_code = forms.ChoiceField(label=gettext_lazy("Template"), required=False)
    weight = forms.IntegerField(
        label=gettext_lazy("Weight"), required=False, min_value=0, max_value=1000
    )

    def __init__(self, *args: Any, choices: list[Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["template_code"].choices = choices  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Ask for the other half of what is half there."""
        data = super().clean() or self.cleaned_data
        if bool(data.get("code")) != bool(data.get("template_code")):
            missing = "template_code" if data.get("code") else "code"
            self.add_error(missing, _("A variant needs a name and a template."))
        return data

    def said(self) -> tuple[str, str, int] | None:
        """Return the variant as the step stores it."""
        data = self.cleaned_data
        if not data.get("code"):
            return None
        weight = data.get("weight")
        return data["code"], data["template_code"], 1 if weight is None else weight


class _Variants(forms.BaseFormSet):
    def clean(self) -> None:
        """Refuse two variants of one name."""
        codes = [each.cleaned_data.get("code") for each in self.forms]
        named = [each for each in codes if each]
        if len(named) != len(set(named)):
            text = _("Two variants have the same name.")
            raise forms.ValidationError(text)


Conditions = forms.formset_factory(ConditionForm, extra=2, max_num=ROWS)
Variants = forms.formset_factory(VariantForm, formset=_Variants, extra=2, max_num=ROWS)


class StepForms:
    """The three forms of a step as one."""

    def __init__(self, cadence: Cadence, step: Step | None, data: Any = None) -> None:
        known = templates(cadence, "")
        self.step = step
        begin = None if step else {**beginnings(Step), **FIRST}
        self.form = StepForm(data, instance=step, initial=begin, cadence=cadence)
        conditions = [_initial(each) for each in (step.conditions if step else [])]
        self.conditions = Conditions(data, initial=conditions, prefix="conditions")
        variants = step.variants.order_by("code") if step else []
        self.variants = Variants(
            data, prefix="variants", form_kwargs={"choices": known},
            initial=[
                {"code": v.code, "template_code": v.template_code, "weight": v.weight}
                for v in variants
            ],
        )  # fmt: skip

    def is_valid(self) -> bool:
        """Check all of them, so that every fault is told at once."""
        checks = [
            each.is_valid() for each in (self.form, self.conditions, self.variants)
        ]
        return all(checks)

    def facts(self) -> dict[str, Any]:
        """Return what the step says now."""
        data = dict(self.form.cleaned_data)
        calendar = data.pop("calendar")
        found = [each.said() for each in self.conditions.forms]
        return {
            **data,
            "calendar_id": calendar and calendar.pk,
            "conditions": [each for each in found if each],
        }

    def wordings(self) -> list[tuple[str, str, int]]:
        """Return the variants."""
        found = [each.said() for each in self.variants.forms]
        return [each for each in found if each]


def templates(cadence: Cadence, current: str) -> list[tuple[str, str]]:
    """Return the templates of a company by code, with the channels that have each."""
    rows = Template.objects.filter(Q(company=cadence.company_id), is_active=True)
    media: dict[str, list[str]] = {}
    for code, word in rows.order_by("code", "medium").values_list("code", "medium"):
        media.setdefault(code, []).append(medium(word))
    if current and current not in media:
        media[current] = [_("missing")]
    known = [(code, f"{code} ({', '.join(words)})") for code, words in media.items()]
    return [("", _("— choose —")), *known]


def _initial(said: Mapping[str, Any]) -> dict[str, Any]:
    value = said.get("value", "")
    shown = ", ".join(map(str, value)) if isinstance(value, list) else value
    return {"field": said.get("field"), "compared": said.get("is"), "value": shown}

"""What staff fill in to suppress an address, or a list of them."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cadences.admin import deeds
from cadences.admin.lead_verbs import check_address
from cadences.admin.run_forms import SaidForm
from cadences.errors import BadAddress
from cadences.models import Company, Suppression
from cadences.numbers import normal
from cadences.states import Medium
from cadences.suppress import hashed, suppress

MOST = 50_000
"""Lines of one list."""
LARGEST = 5 * 1024 * 1024
SEPARATORS = ("\t", ";", ",")

Hashed = list[str]


class WhereForm(SaidForm):
    """For whom a suppression holds."""

    company = forms.ModelChoiceField(
        label=gettext_lazy("Company"),
        queryset=Company.objects.order_by("name"),
        required=False,
        empty_label=gettext_lazy("all companies"),
    )
    why = forms.ChoiceField(
        label=gettext_lazy("Kind"),
        choices=Suppression.Reason.choices,
        initial=Suppression.Reason.MANUAL,
    )

    def _where(self) -> dict[str, Any]:
        found = self.cleaned_data
        company = found["company"].pk if found["company"] else None
        return {"company": company, "reason": found["why"]}


class AddForm(WhereForm):
    """One address."""

    medium = forms.ChoiceField(label=gettext_lazy("Channel"), choices=Medium.choices)
    text = forms.CharField(label=gettext_lazy("Number or address"), max_length=254)
    everywhere = forms.BooleanField(
        label=gettext_lazy("On all channels"), required=False, initial=True
    )
    field_order = ("medium", "text", "everywhere", "company", "why", "reason")

    def clean(self) -> dict[str, Any]:
        """Say what is no address."""
        found = super().clean() or {}
        check_address(self, found.get("medium"), found.get("text"))
        return found

    def act(self, *, actor: str) -> Suppression:
        """Suppress it, with its row in the audit."""
        found = self.cleaned_data
        address, _identity = normal(found["medium"], found["text"])
        row = suppress(
            found["medium"], address, everywhere=found["everywhere"], source=actor,
            **self._where(),
        )  # fmt: skip
        told = {**self._where(), "medium": row.medium}
        deeds.note("suppression.add", row, reason=found["reason"], after=told)
        return row


class ImportForm(WhereForm):
    """A list of addresses, pasted or as a file; they hold on all channels."""

    text = forms.CharField(
        label=gettext_lazy("Addresses"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false"}),
    )
    file = forms.FileField(label=gettext_lazy("Or a file"), required=False)
    field_order = ("text", "file", "company", "why", "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.faults: list[int] = []
        """Lines that are no addresses."""
        self._hashes: Hashed = []

    def clean_file(self) -> Any:
        """Refuse what is far too large."""
        found = self.cleaned_data["file"]
        if found is not None and found.size > LARGEST:
            raise forms.ValidationError(_("This file is larger than 5 MB."))
        return found

    def clean(self) -> dict[str, Any]:
        """Read every line; say so if none is an address."""
        found = super().clean() or {}
        text = found.get("text", "")
        if found.get("file") is not None:
            text = f"{text}\n{found['file'].read().decode('utf-8-sig', 'replace')}"
        lines = text.splitlines()
        if len(lines) > MOST:
            raise forms.ValidationError(
                _("At most %(most)d lines at once.") % {"most": MOST}
            )
        self._take(lines)
        if not self._hashes:
            raise forms.ValidationError(_("There is no address in it."))
        return found

    def _take(self, lines: list[str]) -> None:
        found: dict[str, None] = {}
        for number, line in enumerate(lines, 1):
            if not (cell := _first_cell(line)):
                continue
            try:
                found[_hash(cell)] = None
            except BadAddress:
                self.faults.append(number)
        self._hashes = list(found)

    def read(self) -> Hashed:
        """Return the hashes, each once."""
        return self._hashes

    def options(self) -> dict[str, Any]:
        """Return what holds for all of them."""
        return {**self._where(), "note": self.cleaned_data["reason"]}


def _hash(text: str) -> str:
    medium = Medium.EMAIL if "@" in text else Medium.WHATSAPP
    return hashed(medium, normal(medium, text)[0])


def _first_cell(line: str) -> str:
    for each in SEPARATORS:
        line = line.partition(each)[0]
    return line.strip().strip('"').strip()

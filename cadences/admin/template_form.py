"""The forms of templates: their facts, and the wording that becomes a revision."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from cadences.lint import read_text
from cadences.models import Revision, Template
from cadences.states import Medium

WORDS = ("subject", "body", "provider_name", "language", "approval")


class Wording(forms.ModelForm):
    """The words, beside whatever else a form asks."""

    subject = forms.CharField(
        label=gettext_lazy("Subject"),
        required=False,
        max_length=255,
        help_text=gettext_lazy("E-mail only."),
        widget=forms.TextInput(attrs={"class": "vTextField"}),
    )
    body = forms.CharField(
        label=gettext_lazy("Text"),
        max_length=20_000,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 9, "class": "vLargeTextField"}),
    )
    provider_name = forms.CharField(
        label=gettext_lazy("Name at the provider"), required=False, max_length=200
    )
    language = forms.CharField(
        label=gettext_lazy("Language"), required=False, max_length=10, initial="pt_BR"
    )
    approval = forms.ChoiceField(
        label=gettext_lazy("Approval"),
        choices=Revision.Approval.choices,
        required=False,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        revision = self.instance.revision if self.instance.pk else None
        if revision is not None:
            held = {name: getattr(revision, name) for name in WORDS}
            self.initial = {**held, **self.initial}

    def clean(self) -> dict[str, Any]:
        """Refuse what could never be sent."""
        data = super().clean() or self.cleaned_data
        medium = data.get("medium") or self.instance.medium
        if "body" in data and medium in Medium:
            subject = data.get("subject", "")
            for said in list(read_text(data["body"], subject, medium)):
                if len(said) == 1:
                    self.add_error(_place(said[0], subject, medium), said[0])
        return data

    def has_new_words(self) -> bool:
        """Tell whether anything of the wording was changed."""
        return any(name in self.changed_data for name in WORDS)

    def wording(self) -> dict[str, str]:
        """Return the words as a revision stores them."""
        data = {name: self.cleaned_data[name] for name in WORDS}
        data["language"] = data["language"] or "pt_BR"
        data["approval"] = data["approval"] or Revision.Approval.LOCAL
        return {**data, "body": data["body"].replace("\r\n", "\n").rstrip()}


def _place(fault: str, subject: str, medium: str) -> str:
    """Return which field a fault belongs to."""
    of_subject = [said[0] for said in read_text("-", subject, medium)]
    return "subject" if fault in of_subject else "body"


class TemplateForm(Wording):
    """A template that is there: its place never changes."""

    class Meta:
        model = Template
        fields = ("name", "is_active")


class NewTemplateForm(Wording):
    """A new template."""

    class Meta:
        model = Template
        fields = ("company", "medium", "code", "name")
        help_texts = {
            "code": gettext_lazy("Steps name it. The same code in another channel is"
                                 " the same message there."),
        }  # fmt: skip

"""What is said: templates by code, and revisions that never change."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from cadences.models.people import Company
from cadences.states import Medium


class Template(models.Model):
    """A text by its code; sends resolve it at dispatch and keep the revision."""

    id = models.BigAutoField(primary_key=True)
    company = models.ForeignKey(
        Company, models.PROTECT, verbose_name=_("company"), related_name="templates"
    )
    medium = models.CharField(_("channel"), max_length=10, choices=Medium)
    code = models.CharField(_("code"), max_length=100)
    name = models.CharField(_("name"), max_length=200, blank=True, db_default="")
    is_active = models.BooleanField(_("active"), db_default=True)
    revision = models.ForeignKey(
        "Revision", models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        db_table = "message_templates"
        verbose_name = _("template")
        verbose_name_plural = _("templates")
        constraints = [
            models.UniqueConstraint(
                name="template_once", fields=["company", "medium", "code"]
            )
        ]

    def __str__(self) -> str:
        return self.code


class Revision(models.Model):
    """One wording of a template; a trigger keeps its words from changing."""

    class Approval(models.TextChoices):
        LOCAL = "local", _("needs none")
        PENDING = "pending", _("pending")
        APPROVED = "approved", _("approved")
        REJECTED = "rejected", _("rejected")

    id = models.BigAutoField(primary_key=True)
    template = models.ForeignKey(Template, models.CASCADE, related_name="revisions")
    number = models.IntegerField(_("number"))
    subject = models.CharField(_("subject"), max_length=255, blank=True, db_default="")
    body = models.TextField(_("text"))
    # A message that the provider approved beforehand, by its name there.
    provider_name = models.CharField(
        _("name at the provider"), max_length=200, blank=True, db_default=""
    )
    language = models.CharField(_("language"), max_length=10, db_default="pt_BR")
    approval = models.CharField(
        _("approval"), max_length=10, choices=Approval, db_default=Approval.LOCAL
    )
    parameters = models.JSONField(
        _("parameters"), blank=True, default=list, db_default=[]
    )
    created_at = models.DateTimeField(_("created"), db_default=Now())
    created_by = models.CharField(_("by"), max_length=150, blank=True, db_default="")

    class Meta:
        db_table = "template_revisions"
        verbose_name = _("template revision")
        verbose_name_plural = _("template revisions")
        constraints = [
            models.UniqueConstraint(name="revision_once", fields=["template", "number"])
        ]

    def __str__(self) -> str:
        return f"#{self.number}"

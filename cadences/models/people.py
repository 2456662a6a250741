"""Companies, the people they write to, and what those people allowed."""

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from cadences.models.calendars import Calendar
from cadences.models.keys import RandomUUID
from cadences.states import Medium
from queues.seal import Sealed


class Company(models.Model):
    """One of the companies that share this installation."""

    code = models.CharField(_("code"), max_length=50, primary_key=True)
    name = models.CharField(_("name"), max_length=200, blank=True, db_default="")
    time_zone = models.CharField(
        _("time zone"), max_length=64, db_default="America/Sao_Paulo"
    )
    calendar = models.ForeignKey(
        Calendar, models.PROTECT, null=True, blank=True, related_name="+",
        verbose_name=_("calendar"),
    )  # fmt: skip

    class Meta:
        db_table = "companies"
        verbose_name = _("company")
        verbose_name_plural = _("companies")

    def __str__(self) -> str:
        return self.name or self.code


class Lead(models.Model):
    """A person a company may write to."""

    class Mode(models.TextChoices):
        AUTO = "auto", _("automatic")
        MANUAL = "manual", _("a person talks to them")

    id = models.UUIDField(primary_key=True, db_default=RandomUUID(), editable=False)
    company = models.ForeignKey(
        Company, models.PROTECT, verbose_name=_("company"), related_name="leads"
    )
    external_id = models.CharField(
        _("id elsewhere"), max_length=200, null=True, blank=True
    )
    name = models.CharField(_("name"), max_length=200, blank=True, db_default="")
    first_name = models.CharField(
        _("first name"), max_length=100, blank=True, db_default=""
    )
    time_zone = models.CharField(
        _("time zone"), max_length=64, blank=True, db_default=""
    )
    stage = models.CharField(_("stage"), max_length=100, blank=True, db_default="")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True,
        related_name="+",
    )  # fmt: skip
    data = models.JSONField(_("more facts"), blank=True, default=dict, db_default={})
    mode = models.CharField(
        _("mode"), max_length=10, choices=Mode, db_default=Mode.AUTO
    )
    do_not_contact = models.BooleanField(_("do not contact"), db_default=False)
    # The last thing a human being said: greetings of machines do not count.
    replied_at = models.DateTimeField(_("replied"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), db_default=Now())
    erased_at = models.DateTimeField(_("erased"), null=True, blank=True)

    class Meta:
        db_table = "leads"
        verbose_name = _("lead")
        verbose_name_plural = _("leads")
        permissions = [
            ("reveal_lead", _("Can see addresses of leads and what they wrote")),
        ]
        constraints = [
            models.UniqueConstraint(
                name="lead_external_id_once",
                fields=["company", "external_id"],
                condition=Q(external_id__isnull=False),
            ),
        ]
        indexes = [
            # the list: the newest
            models.Index(name="lead_newest", fields=["created_at", "id"]),
            # the filters of the list
            models.Index(
                name="lead_in_person",
                fields=["created_at", "id"],
                condition=Q(mode="manual"),
            ),
            models.Index(
                name="lead_erased",
                fields=["created_at", "id"],
                condition=Q(erased_at__isnull=False),
            ),
            models.Index(
                name="lead_never",
                fields=["created_at", "id"],
                condition=Q(do_not_contact=True),
            ),
            # the search of the list; that by name is in the migration `lead_words`
            models.Index(
                name="lead_by_external_id",
                fields=["external_id"],
                condition=Q(external_id__isnull=False),
            ),
            # the panel: who replied today
            models.Index(
                name="lead_by_reply",
                fields=["replied_at"],
                condition=Q(replied_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        # No name: what a row is called is kept where an erasure does not come.
        return f"#{str(self.pk)[:8]}"


class Contact(models.Model):
    """One address of a lead, in its one normal form."""

    class Standing(models.TextChoices):
        UNKNOWN = "unknown", _("not checked")
        VALID = "valid", _("valid")
        INVALID = "invalid", _("invalid")
        PLACEHOLDER = "placeholder", _("placeholder")

    id = models.BigAutoField(primary_key=True)
    lead = models.ForeignKey(Lead, models.CASCADE, related_name="contacts")
    medium = models.CharField(_("channel"), max_length=10, choices=Medium)
    address = models.CharField(_("address"), max_length=254)
    # What is the same for all spellings of a number; see `numbers.identity`.
    identity = models.CharField(_("identity"), max_length=254, db_default="")
    aliases = models.JSONField(
        _("names at providers"), blank=True, default=list, db_default=[]
    )
    is_preferred = models.BooleanField(_("preferred"), db_default=False)
    standing = models.CharField(
        _("standing"), max_length=12, choices=Standing, db_default=Standing.UNKNOWN
    )
    checked_at = models.DateTimeField(_("checked"), null=True, blank=True)

    class Meta:
        db_table = "lead_contacts"
        verbose_name = _("contact")
        verbose_name_plural = _("contacts")
        constraints = [
            models.UniqueConstraint(
                name="contact_once", fields=["lead", "medium", "address"]
            ),
            models.UniqueConstraint(
                name="contact_one_preferred",
                fields=["lead", "medium"],
                condition=Q(is_preferred=True),
            ),
        ]
        # matching: whose number is this
        indexes = [
            models.Index(name="contact_by_identity", fields=["identity"]),
            GinIndex(name="contact_by_alias", fields=["aliases"]),
        ]

    def __str__(self) -> str:
        return f"{self.get_medium_display()} #{self.pk}"


class ContactIssue(models.Model):
    """Something about a lead's addresses that a person should look at."""

    class Kind(models.TextChoices):
        NO_CONTACT = "SEM_CANAL_CONTATO", _("no address")
        EMAIL_PLACEHOLDER = "EMAIL_PLACEHOLDER", _("placeholder e-mail")
        EMAIL_INVALID = "EMAIL_INVALIDO", _("invalid e-mail")
        PHONE_JUNK = "TELEFONE_LIXO", _("not a number")
        NOT_ON_WHATSAPP = "TELEFONE_SEM_WHATSAPP", _("not on WhatsApp")
        SUSPICIOUS = "DADO_SUSPEITO", _("suspicious")

    id = models.BigAutoField(primary_key=True)
    lead = models.ForeignKey(Lead, models.CASCADE, related_name="issues")
    contact = models.ForeignKey(Contact, models.SET_NULL, null=True, blank=True)
    kind = models.CharField(_("kind"), max_length=30, choices=Kind)
    detail = models.TextField(_("detail"), blank=True, db_default="")
    created_at = models.DateTimeField(_("created"), db_default=Now())
    resolved_at = models.DateTimeField(_("resolved"), null=True, blank=True)

    class Meta:
        db_table = "lead_contact_issues"
        verbose_name = _("contact issue")
        verbose_name_plural = _("contact issues")

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.lead_id}"


class Consent(models.Model):
    """What a lead said about being written to; only ever added, the last one counts."""

    class Standing(models.TextChoices):
        GRANTED = "granted", _("granted")
        REVOKED = "revoked", _("revoked")
        OBJECTED = "objected", _("objected")

    id = models.BigAutoField(primary_key=True)
    lead = models.ForeignKey(Lead, models.CASCADE, related_name="consents")
    medium = models.CharField(
        _("channel"), max_length=10, choices=Medium, null=True, blank=True
    )
    standing = models.CharField(_("standing"), max_length=10, choices=Standing)
    legal_basis = models.CharField(
        _("legal basis"), max_length=100, blank=True, db_default=""
    )
    source = models.CharField(_("source"), max_length=100, blank=True, db_default="")
    evidence = models.JSONField(_("evidence"), blank=True, default=dict, db_default={})
    at = models.DateTimeField(_("at"), db_default=Now())

    class Meta:
        db_table = "consents"
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        # gates: the last word of a lead
        indexes = [models.Index(name="consent_by_lead", fields=["lead", "-at"])]

    def __str__(self) -> str:
        return f"{self.get_standing_display()}: {self.lead_id}"


class Pepper(models.Model):
    """The one secret that addresses are hashed with; see `cadences.pepper`."""

    id = models.SmallIntegerField(primary_key=True, default=1, db_default=1)
    sealed = Sealed(null=True)
    # Only where there is no FIELD_ENCRYPTION_KEYS to seal it with.
    plain = models.TextField(db_default="", editable=False)

    class Meta:
        db_table = "suppression_pepper"
        verbose_name = _("pepper")
        verbose_name_plural = _("peppers")
        constraints = [
            models.CheckConstraint(name="pepper_is_one", condition=Q(id=1)),
            models.CheckConstraint(
                name="pepper_is_kept_once",
                condition=Q(sealed__isnull=True) ^ Q(plain=""),
            ),
        ]

    def __str__(self) -> str:
        return "•••"


class Suppression(models.Model):
    """An address nobody may write to. It holds a hash, so it survives an erasure."""

    class Reason(models.TextChoices):
        OPT_OUT = "opt_out", _("opted out")
        BOUNCE = "bounce", _("bounced")
        COMPLAINT = "complaint", _("complained")
        INVALID = "invalid", _("invalid")
        MANUAL = "manual", _("by hand")
        ERASURE = "erasure", _("erased by request")

    id = models.BigAutoField(primary_key=True)
    company = models.ForeignKey(
        Company, models.PROTECT, verbose_name=_("company"), null=True, blank=True
    )
    medium = models.CharField(
        _("channel"), max_length=10, choices=Medium, null=True, blank=True
    )
    address_hash = models.CharField(_("hash of the address"), max_length=64)
    reason = models.CharField(_("reason"), max_length=10, choices=Reason)
    source = models.CharField(_("source"), max_length=100, blank=True, db_default="")
    created_at = models.DateTimeField(_("created"), db_default=Now())
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)

    class Meta:
        db_table = "suppressions"
        verbose_name = _("suppression")
        verbose_name_plural = _("suppressions")
        constraints = [
            models.UniqueConstraint(
                name="suppression_once",
                fields=["address_hash", "company", "medium"],
                nulls_distinct=False,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_reason_display()} {self.address_hash[:8]}…"

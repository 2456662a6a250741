"""When people may be written to: weekly slots less holidays, all of it rows."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class Calendar(models.Model):
    """Open hours and holidays. Without any slot it is always closed."""

    id = models.BigAutoField(primary_key=True)
    name = models.CharField(_("name"), max_length=100, unique=True)
    country = models.CharField(_("country"), max_length=2, db_default="BR")
    region = models.CharField(_("state"), max_length=6, blank=True, db_default="")
    with_optional = models.BooleanField(_("optional holidays too"), db_default=False)
    # Written by triggers on both tables below: what was sent before is not judged.
    hours_since = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        db_table = "calendars"
        verbose_name = _("calendar")
        verbose_name_plural = _("calendars")

    def __str__(self) -> str:
        return self.name


class Slot(models.Model):
    """Open from `opens` to just before `closes`; one that closes first ends next day."""

    class Weekday(models.IntegerChoices):
        MONDAY = 0, _("Monday")
        TUESDAY = 1, _("Tuesday")
        WEDNESDAY = 2, _("Wednesday")
        THURSDAY = 3, _("Thursday")
        FRIDAY = 4, _("Friday")
        SATURDAY = 5, _("Saturday")
        SUNDAY = 6, _("Sunday")

    id = models.BigAutoField(primary_key=True)
    calendar = models.ForeignKey(Calendar, models.CASCADE, related_name="slots")
    weekday = models.SmallIntegerField(_("weekday"), choices=Weekday)
    opens = models.TimeField(_("opens"))
    closes = models.TimeField(_("closes"))

    class Meta:
        db_table = "calendar_slots"
        verbose_name = _("open hours")
        verbose_name_plural = _("open hours")
        constraints = [
            models.UniqueConstraint(
                name="slot_once", fields=["calendar", "weekday", "opens"]
            ),
            models.CheckConstraint(
                name="slot_weekday_known", condition=Q(weekday__range=(0, 6))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_weekday_display()} {self.opens:%H:%M}–{self.closes:%H:%M}"


class Holiday(models.Model):
    """A closed day; with `until`, closed only until then."""

    id = models.BigAutoField(primary_key=True)
    calendar = models.ForeignKey(Calendar, models.CASCADE, related_name="holidays")
    date = models.DateField(_("date"))
    name = models.CharField(_("name"), max_length=200, blank=True, db_default="")
    until = models.TimeField(_("closed until"), null=True, blank=True)

    class Meta:
        db_table = "calendar_holidays"
        verbose_name = _("holiday")
        verbose_name_plural = _("holidays")
        constraints = [
            models.UniqueConstraint(name="holiday_once", fields=["calendar", "date"])
        ]

    def __str__(self) -> str:
        return f"{self.date} {self.name}".rstrip()

"""What was sold, line by line and refund by refund: facts that every figure is made of."""

from decimal import Decimal
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from syncs.models.connections import Connection

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise


def money(label: "StrPromise") -> "models.DecimalField[Decimal | str, Decimal]":
    """Return a column for money in the shop's currency; no currency has more places."""
    return models.DecimalField(
        label, max_digits=20, decimal_places=4, db_default=Decimal(0)
    )


class Order(models.Model):
    """One order, as the provider told it last; an older word never replaces a newer."""

    id = models.BigAutoField(primary_key=True)
    connection = models.ForeignKey(
        Connection, models.CASCADE, related_name="orders", db_index=False
    )
    external_id = models.CharField(_("id at the provider"), max_length=64)
    name = models.CharField(_("number"), max_length=100, db_default="")
    processed_at = models.DateTimeField(_("sold"))
    created_at = models.DateTimeField(_("created"))
    provider_updated_at = models.DateTimeField(_("changed at the provider"))
    cancelled_at = models.DateTimeField(_("cancelled"), null=True, blank=True)
    is_test = models.BooleanField(_("a test"), db_default=False)
    currency = models.CharField(_("currency"), max_length=3)
    presentment_currency = models.CharField(
        _("the customer's currency"), max_length=3, db_default=""
    )
    taxes_included = models.BooleanField(_("prices include taxes"), db_default=False)
    total = money(_("total"))
    subtotal = money(_("subtotal"))
    tax = money(_("taxes"))
    shipping = money(_("shipping"))
    refunded = money(_("refunded"))
    financial_status = models.CharField(_("payment"), max_length=40, db_default="")
    fulfillment_status = models.CharField(_("delivery"), max_length=40, db_default="")
    source = models.CharField(_("channel"), max_length=100, db_default="")
    # HMAC of the customer's id under a key of the store; empty for a guest.
    customer = models.CharField(_("customer"), max_length=64, db_default="")
    seen_at = models.DateTimeField(_("read"), db_default=Now())

    class Meta:
        db_table = "order_facts"
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(
                name="order_once", fields=["connection", "external_id"]
            )
        ]
        indexes = [
            # the figures of a period
            models.Index(name="order_by_sale", fields=["connection", "processed_at"]),
            # whether a customer had bought before
            models.Index(
                name="order_of_customer",
                fields=["connection", "customer", "processed_at"],
                condition=~Q(customer=""),
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.external_id


class OrderLine(models.Model):
    """One line of an order; replaced with its order, never by itself."""

    id = models.BigAutoField(primary_key=True)
    order = models.ForeignKey(
        Order, models.CASCADE, related_name="lines", db_index=False
    )
    external_id = models.CharField(_("id at the provider"), max_length=64)
    title = models.CharField(_("title"), max_length=255, db_default="")
    sku = models.CharField(_("SKU"), max_length=255, db_default="")
    product = models.CharField(_("product"), max_length=64, db_default="")
    quantity = models.IntegerField(_("quantity"), db_default=0)
    is_gift_card = models.BooleanField(_("a gift card"), db_default=False)
    original = money(_("price"))
    discounted = money(_("price after discounts of the line"))

    class Meta:
        db_table = "order_line_facts"
        verbose_name = _("line of an order")
        verbose_name_plural = _("lines of orders")
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(
                name="order_line_once", fields=["order", "external_id"]
            )
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.title}"


class Refund(models.Model):
    """Money given back, booked on the day it was; what it was for sums to `amount`."""

    id = models.BigAutoField(primary_key=True)
    connection = models.ForeignKey(
        Connection, models.CASCADE, related_name="refunds", db_index=False
    )
    order = models.ForeignKey(
        Order, models.CASCADE, related_name="refunds", db_index=False
    )
    external_id = models.CharField(_("id at the provider"), max_length=64)
    created_at = models.DateTimeField(_("refunded"))
    amount = money(_("amount"))
    goods = money(_("goods"))
    tax = money(_("taxes"))
    shipping = money(_("shipping and the rest"))

    class Meta:
        db_table = "refund_facts"
        verbose_name = _("refund")
        verbose_name_plural = _("refunds")
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(name="refund_once", fields=["order", "external_id"])
        ]
        indexes = [
            # the returns of a period
            models.Index(name="refund_by_day", fields=["connection", "created_at"])
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.external_id}"


class OrderCoverage(models.Model):
    """Which changes of orders are known: all of them, from one moment up to another.

    A period is known whole when every change since its first day is: a sale, a change
    and a refund all move the time at which an order was updated.
    """

    connection = models.OneToOneField(
        Connection, models.CASCADE, primary_key=True, related_name="coverage"
    )
    covered_from = models.DateTimeField(_("from"))
    covered_until = models.DateTimeField(_("until"))

    class Meta:
        db_table = "order_coverage"
        verbose_name = _("known orders")
        verbose_name_plural = _("known orders")
        default_permissions = ("view",)
        constraints = [
            models.CheckConstraint(
                name="coverage_is_no_hole",
                condition=Q(covered_from__lte=F("covered_until")),
            )
        ]

    def __str__(self) -> str:
        return f"{self.covered_from}/{self.covered_until}"

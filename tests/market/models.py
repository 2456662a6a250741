"""What the adapter of the pretended provider stores."""

from django.db import models


class Sale(models.Model):
    """One order, as the provider told it last."""

    connection_id = models.UUIDField()
    external_id = models.CharField(max_length=50)
    day = models.DateField()
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    run_id = models.UUIDField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="sale_once", fields=["connection_id", "external_id"]
            )
        ]

    def __str__(self) -> str:
        return self.external_id

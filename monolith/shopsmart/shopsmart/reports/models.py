"""The reports have no tables. What is here gives the sales report a name in the table of permissions."""

from django.db import models


class SalesReport(models.Model):
    """What was sold; reckoned by `sales` each time somebody looks."""

    class Meta:
        managed = False
        default_permissions = ("view",)
        verbose_name = "sales report"

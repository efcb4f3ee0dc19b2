"""The sales report as a page, and as CSV. For the accounts department."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from shopsmart.reports.export import sales_csv, sales_csv_name
from shopsmart.reports.figures import Period
from shopsmart.reports.forms import SalesForm
from shopsmart.reports.sales import latest_sale, sales_report
from shopsmart.staff import staff_with

SEES = staff_with("reports.view_salesreport")


@login_required
@SEES
@never_cache
@require_safe
def sales(request: HttpRequest) -> HttpResponse:
    """What was sold in a period, by day, category, brand, country or promotion."""
    form = SalesForm(request.GET)
    report = sales_report(**form.wanted) if form.is_valid() else None
    latest = None
    if report and not report.totals.orders:
        latest = latest_sale(currency=report.currency)
    shown = {
        "form": form,
        "report": report,
        "latest": Period.until(latest) if latest else None,
        "asked": urlencode(form.data),
        "most": max((row.figures.net for row in report.rows), default=0) if report else 0,
    }
    return render(request, "reports/sales.html", shown)


@login_required
@SEES
@never_cache
@require_safe
def sales_file(request: HttpRequest) -> HttpResponse:
    """The same as CSV; what can't be understood leads to the page, which says what is wrong."""
    form = SalesForm(request.GET)
    if not form.is_valid():
        return redirect(f"{reverse('reports:sales')}?{request.GET.urlencode()}")
    report = sales_report(**form.wanted)
    return HttpResponse(
        sales_csv(report),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{sales_csv_name(report)}"'},
    )

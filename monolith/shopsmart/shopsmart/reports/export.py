"""A sales report as CSV: plain numbers, and names that no spreadsheet runs as a formula."""

import csv
import io

from shopsmart.catalog.export import spreadsheet_text
from shopsmart.reports.figures import Figures, SalesReport

COLUMNS = (
    "currency",
    "orders",
    "shoppers",
    "new_shoppers",
    "units",
    "goods",
    "discount",
    "shipping",
    "charged",
    "refunded",
    "net",
)


def sales_csv(report: SalesReport) -> str:
    """The report, heading first and totals last."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow((report.by.value, "name", *COLUMNS))
    for row in report.rows:
        names = (spreadsheet_text(row.key), spreadsheet_text(row.label))
        writer.writerow((*names, report.currency, *_numbers(row.figures)))
    writer.writerow(("", "Total", report.currency, *_numbers(report.totals)))
    return out.getvalue()


def sales_csv_name(report: SalesReport) -> str:
    """What the file is called."""
    first, last = report.period.first, report.period.last
    return f"sales-by-{report.by}-{first}-{last}-{report.currency.lower()}.csv"


def _numbers(figures: Figures) -> list[object]:
    return [getattr(figures, name) for name in COLUMNS[1:]]

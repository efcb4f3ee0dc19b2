"""The page on which a card holder says yes or no. It works without a script, in the dark and on a phone."""

import base64
import hashlib
from html import escape
from urllib.parse import urlsplit

from starlette.responses import HTMLResponse

from card_gateway.charging import Confirmation

STYLE = """
:root { color-scheme: light dark; --ground: #eef1f5; --sheet: #fff; --ink: #17202b; --soft: #4c5866; --line: #c9d1db;
  --strong: #0b5c7d; --stronger: #083f57; --on-strong: #fff; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #10151b; --sheet: #1a222c; --ink: #e9eef4; --soft: #aab6c4; --line: #3a4654;
    --strong: #7cc7e8; --stronger: #a9dcf2; --on-strong: #06222f; }
}
* { box-sizing: border-box; }
body { display: grid; place-items: center; min-height: 100vh; margin: 0; padding: 1rem; background: var(--ground);
  color: var(--ink); font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
  overflow-wrap: anywhere; }
main { width: min(100%, 27rem); padding: clamp(1.25rem, 5vw, 2rem); border: 1px solid var(--line); border-radius: 1rem;
  background: var(--sheet); }
.who { margin: 0 0 .25rem; color: var(--soft); font-size: .875rem; }
h1 { margin: 0 0 1rem; font-size: 1.4rem; line-height: 1.25; text-wrap: balance; }
p { margin: 0 0 1rem; }
dl { margin: 0 0 1.5rem; border-top: 1px solid var(--line); }
dl div { display: flex; flex-wrap: wrap; gap: 0 1rem; justify-content: space-between; padding: .6rem 0;
  border-bottom: 1px solid var(--line); }
dt { color: var(--soft); }
dd { margin: 0; font-weight: 600; text-align: right; }
form { display: grid; gap: .75rem; }
button, .button { min-height: 2.9rem; padding: .6rem 1rem; border: 1px solid var(--strong); border-radius: .6rem;
  background: var(--strong); color: var(--on-strong); font: inherit; font-weight: 600; text-align: center;
  text-decoration: none; cursor: pointer; }
.button { display: block; }
button:hover, .button:hover { border-color: var(--stronger); background: var(--stronger); }
button.quiet { background: transparent; color: var(--strong); }
button.quiet:hover { background: var(--ground); color: var(--stronger); }
:focus-visible { outline: 3px solid var(--strong); outline-offset: 3px; }
.foot { margin: 1.5rem 0 0; color: var(--soft); font-size: .875rem; }
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} – card gateway</title>
<style>{style}</style>
</head>
<body>
<main>
<p class="who">Card gateway (simulated)</p>
<h1>{title}</h1>
{body}
<p class="foot">No card and no money here is real.</p>
</main>
</body>
</html>
"""

_ASK = """<p>{host} asks you to confirm that this payment is yours.</p>
<dl>
<div><dt>Amount</dt><dd>{amount} {currency}</dd></div>
<div><dt>For</dt><dd>{reference}</dd></div>
<div><dt>Card</dt><dd>{brand}, ending in {last4}</dd></div>
</dl>
<form method="post">
<button name="answer" value="yes">Yes, pay {amount} {currency}</button>
<button name="answer" value="no" class="quiet">No, do not pay</button>
</form>"""

_SAID = {
    "approved": (
        "You have confirmed this payment",
        "{amount} {currency} were charged for {reference}.",
    ),
    "declined": ("This payment was declined", "Nothing was charged for {reference}."),
    "cancelled": (
        "This payment was cancelled",
        "{host} has cancelled it. Nothing was charged for {reference}.",
    ),
}


def show_confirmation(confirmation: Confirmation) -> HTMLResponse:
    """Ask, or say what has been answered already."""
    origin = urlsplit(confirmation.return_url)
    words = {
        "amount": confirmation.amount,
        "currency": confirmation.currency,
        "reference": escape(confirmation.reference),
        "brand": escape(confirmation.card_brand.capitalize()),
        "last4": escape(confirmation.card_last4),
        "host": escape(origin.hostname or ""),
    }
    if confirmation.status == "needs_confirmation":
        page = _render("Confirm your payment", _ASK.format(**words))
    else:
        title, said = _SAID[confirmation.status]
        back = f'<a class="button" href="{escape(confirmation.return_url)}">Back to {words["host"]}</a>'
        page = _render(title, f"<p>{said.format(**words)}</p>\n{back}")
    # The shop too: browsers hold the redirect that answers a form against `form-action`.
    return _response(page, 200, f"'self' {origin.scheme}://{origin.netloc}")


def show_nothing_there() -> HTMLResponse:
    """404: no such confirmation."""
    said = "<p>There is no payment to confirm here. Go back to the shop and look at your order.</p>"
    return _response(_render("Nothing to confirm", said), 404, "'none'")


def show_no_answer() -> HTMLResponse:
    """400: neither yes nor no."""
    said = "<p>Neither yes nor no came with this form. Go back a page and press one of its buttons.</p>"
    return _response(_render("Your answer is missing", said), 400, "'none'")


def _render(title: str, body: str) -> str:
    return _PAGE.format(title=title, style=STYLE, body=body)


def _response(page: str, status: int, form_action: str) -> HTMLResponse:
    return HTMLResponse(
        page,
        status,
        {
            "Content-Security-Policy": (
                f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action {form_action}; "
                "base-uri 'none'; frame-ancestors 'none'"
            ),
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        },
    )

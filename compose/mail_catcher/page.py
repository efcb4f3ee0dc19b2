"""The pages on which a person reads the mails. Nothing in a mail is believed: text is escaped, HTML shown as its source."""

import base64
import hashlib
from collections.abc import Sequence
from html import escape

from starlette.responses import HTMLResponse

from mail_catcher.box import Listed, Taken
from mail_catcher.reading import read

STYLE = """
:root { color-scheme: light dark; --ground: #eef1f5; --sheet: #fff; --ink: #17202b; --soft: #4c5866; --line: #c9d1db;
  --strong: #0b5c7d; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #10151b; --sheet: #1a222c; --ink: #e9eef4; --soft: #aab6c4; --line: #3a4654; --strong: #7cc7e8; }
}
* { box-sizing: border-box; }
body { margin: 0; padding: clamp(1rem, 4vw, 2.5rem); background: var(--ground); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; overflow-wrap: anywhere; }
main { max-width: 52rem; margin: 0 auto; padding: clamp(1rem, 4vw, 2rem); border: 1px solid var(--line);
  border-radius: 1rem; background: var(--sheet); }
.who, .soft, dt { color: var(--soft); font-size: .875rem; }
.who { margin: 0 0 .25rem; }
h1 { margin: 0 0 1rem; font-size: 1.4rem; line-height: 1.25; text-wrap: balance; }
ul { margin: 0; padding: 0; list-style: none; }
li { padding: .6rem 0; border-top: 1px solid var(--line); }
dl { display: grid; grid-template-columns: auto 1fr; gap: .25rem 1rem; margin: 0 0 1rem; }
dd { margin: 0; }
a { color: var(--strong); font-weight: 600; }
pre { margin: 0; padding: 1rem 0; border-top: 1px solid var(--line); font: .95rem/1.5 ui-monospace, monospace;
  white-space: pre-wrap; }
:focus-visible { outline: 3px solid var(--strong); outline-offset: 3px; }
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} – mail catcher</title>
<style>{style}</style>
</head>
<body>
<main>
<p class="who">Mail catcher: nothing here was delivered</p>
<h1>{title}</h1>
{body}
</main>
</body>
</html>
"""

_LINE = """<li><a href="/mails/{id}">{subject}</a><br>
<span class="soft">to {recipients} · <time datetime="{at}">{time}</time></span></li>"""

_MAIL = """<dl>
<dt>To</dt><dd>{recipients}</dd>
<dt>From</dt><dd>{sender}</dd>
<dt>Taken</dt><dd><time datetime="{at}">{time}</time></dd>
</dl>
<pre>{text}</pre>
<p><a href="/">All mails</a> · <a href="/api/mails/{id}/source">As it came</a></p>"""

NO_SUBJECT = "(no subject)"


def show_list(mails: Sequence[Listed], to: str | None) -> HTMLResponse:
    """The newest mails, all or those for one address."""
    title = "Mails" if to is None else f"Mails for {to}"
    if not mails:
        return _show(title, "<p>None so far.</p>")
    lines = (
        _LINE.format(id=mail.id, subject=escape(mail.subject or NO_SUBJECT), **_facts(mail))
        for mail in mails
    )
    return _show(title, "<ul>\n{}\n</ul>".format("\n".join(lines)))


def show_mail(mail: Taken) -> HTMLResponse:
    """One mail."""
    text = _MAIL.format(
        id=mail.id,
        sender=escape(mail.sender) or "nobody (a bounce)",
        text=escape(read(mail.content).text),
        **_facts(mail),
    )
    return _show(mail.subject or NO_SUBJECT, text)


def show_nothing_there() -> HTMLResponse:
    """For a number that no mail has, or has no longer."""
    body = '<p>It may be so old that it made room for newer ones. <a href="/">All mails</a></p>'
    return _show("There is no such mail", body, status=404)


def _facts(mail: Listed) -> dict[str, str]:
    return {
        "recipients": escape(", ".join(mail.recipients)),
        "at": mail.at,
        "time": mail.at[:19].replace("T", " ") + " UTC",
    }


def _show(title: str, body: str, status: int = 200) -> HTMLResponse:
    return HTMLResponse(
        _PAGE.format(title=escape(title), style=STYLE, body=body),
        status,
        {
            "Cache-Control": "no-store",
            "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; "
            "form-action 'none'; frame-ancestors 'none'",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        },
    )

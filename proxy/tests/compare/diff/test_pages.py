"""Pages: what a browser would show and send is compared, each difference once and at its place."""

import pytest

from stranglerfig.compare.diff.difference import Found
from stranglerfig.compare.diff.html.compare import diff_pages
from stranglerfig.compare.diff.html.page import read_page
from stranglerfig.compare.diff.path import concrete, template
from stranglerfig.compare.diff.reading import As, ListReading

TOKENS = ("a1B2" * 16, "Zz90" * 16)


def differences(control: str, candidate: str) -> list[Found]:
    return list(diff_pages(read_page(control), read_page(candidate)))


def found(control: str, candidate: str) -> list[tuple[str, str]]:
    return [(each.kind.value, template(each.steps)) for each in differences(control, candidate)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("<p>a b</p>", "<p>\n  a\n\tb </p>"),
        ("<ul><li>a</li><li>b</li></ul>", "<ul>\n <li>a</li>\n <li>b\n</ul>\n"),
        ("<p>a <b>x </b>y</p>", "<p>a <b>x</b> y</p>"),
        ("<div><p>a</p></div>", "<div> <p> a</p> </div>"),
        ("a<br>b", "a <br> b"),
        ("<form>a<input type=hidden name=x>\n <input type=hidden name=y></form>", "<form>a<input type=hidden name=x><input type=hidden name=y></form>"),
        ('<p class="a b" id=x>', '<p id="x" class="b  a b">'),
        ("<input checked>", '<input checked="checked">'),
        ("<p title='a &amp; b'>é", '<P title="a & b">&eacute;'),
        ("<p>a<!-- 12:01 -->", "<p>a<!-- 12:02 --></p>"),
        ("<form></form>", '<form method="GET" action=""></form>'),
        (
            "<form><select name=a><option>1</select>",
            "<form><select name=a><option selected>1</select>",
        ),
        ("<script>\n go()\n</script>", "<script>go()</script>"),
        ("<pre>\na</pre>", "<pre>a</pre>"),
        ("<!DOCTYPE html><p>a", "<!doctype HTML><html><head></head><body><p>a</p></body></html>"),
        ('<a rel="noopener nofollow" href="/">x</a>', '<a href="/" rel="nofollow noopener">x</a>'),
    ],
)  # fmt: skip
def test_what_a_browser_reads_alike_is_alike(one: str, other: str) -> None:
    assert found(one, other) == []
    assert found(other, one) == []


@pytest.mark.parametrize(
    ("control", "candidate", "expected"),
    [
        ("<h1>Lamps</h1>", "<h1>Lamp</h1>", [("value", "$.body.h1.#text")]),
        ("<p>a&nbsp;b</p>", "<p>a b</p>", [("value", "$.body.p.#text")]),
        ("<p>caf\u00e9</p>", "<p>cafe\u0301</p>", [("format", "$.body.p.#text")]),
        ("<p><b>a</b> <i>b</i></p>", "<p><b>a</b><i>b</i></p>", [("value", "$.body.p.i.#text")]),
        ("<pre>a  b</pre>", "<pre>a b</pre>", [("value", "$.body.pre.#text")]),
        ("<p><textarea>a  b</textarea>", "<p><textarea>a b</textarea>", [("value", "$.body.p.textarea.#text")]),
        ("<p>a</p>", "<p></p>", [("missing", "$.body.p.#text")]),
        ("<p class='a b'>", "<p class='a c'>", [("value", "$.body.p.@class")]),
        ("<p hidden>", "<p>", [("missing", "$.body.p.@hidden")]),
        ("<p>", "<p lang=de>", [("extra", "$.body.p.@lang")]),
        ("<p>a</p><h2>b</h2>", "<p>a</p>", [("missing", "$.body.h2")]),
        ("<p>a", "<p>a</p><aside>b</aside>", [("extra", "$.body.aside")]),
        ("<p>a</p><h2>b</h2>", "<h2>b</h2><p>a</p>", [("order", "$.body")]),
        ("<h1>a</h1>", "<h2>a</h2>", [("missing", "$.body.h1"), ("extra", "$.body.h2")]),
        ("<!doctype html><p>a", "<p>a", [("missing", "$.doctype")]),
        ("<html lang=en><p>a", "<html lang=de><p>a", [("value", "$.@lang")]),
        ("<style>a{}</style>", "<style>b{}</style>", [("value", "$.head.style.#text")]),
        ("<script>a()</script>", "<script>b()</script>", [("value", "$.head.script.#text")]),
        ("<div id=main><p>a</div>", "<div id=main><p>b</div>", [("value", "$.div#main.p.#text")]),
        ("<div id=row-7><p>a</div>", "<div id=row-7><p>b</div>", [("value", "$.body.div.p.#text")]),
        ("<li id=ann>a", "<li id=ann>b", [("value", "$.body.li.#text")]),
    ],
)  # fmt: skip
def test_each_kind_is_found_at_its_place(
    control: str, candidate: str, expected: list[tuple[str, str]]
) -> None:
    assert found(control, candidate) == expected


def rows(*texts: str) -> str:
    return "<table>" + "".join(f"<tr><td>{text}</td><td>1.50</td></tr>" for text in texts)


def test_an_inserted_row_is_one_difference() -> None:
    assert found(rows("a", "b", "c"), rows("new", "a", "b", "c")) == [("extra", "$.body.table.tr")]
    (gone,) = differences(rows("a", "b", "c"), rows("a", "c"))
    assert concrete(gone.steps, str) == "$.body.table.tr[1]"


def test_an_inserted_row_among_rows_that_all_changed_is_one_difference() -> None:
    names = [f"lamp {number}" for number in range(100)]
    changed = rows("new", *names).replace("1.50", "1.5")
    kinds = found(rows(*names), changed)
    assert kinds == [("value", "$.body.table.tr.td.#text")] * 100 + [("extra", "$.body.table.tr")]


def test_a_row_that_was_replaced_and_one_that_changed_are_held_apart() -> None:
    one = "<ul><li><a href=/a>Alpha</a> 1<li><a href=/b>Beta</a> 2<li><a href=/c>Ce</a> 3</ul>"
    other = "<ul><li><a href=/b>Beta</a> 9<li><a href=/c>Ce</a> 3<li><a href=/d>De</a> 4</ul>"
    assert found(one, other) == [
        ("missing", "$.body.ul.li"), ("value", "$.body.ul.li.#text"), ("extra", "$.body.ul.li"),
    ]  # fmt: skip


def test_elements_are_known_by_their_id_wherever_they_stand() -> None:
    one = "<div id=a><p>1</div><div id=b><p>2</div><div id=c><p>3</div>"
    other = "<div id=b><p>2</div><div id=c><p>9</div><div id=a><p>1</div>"
    assert found(one, other) == [("order", "$.body"), ("value", "$.div#c.p.#text")]


FORM = "<form id=login method=post action=/in/><p>Name</p>{}</form>"
FIELDS = (
    "<input type=hidden name=csrfmiddlewaretoken value={}><input name=email value=a@b.c>"
    "<select name=size><option value=s>Small<option value=m selected>Medium</select>"
    "<label><input type=checkbox name=news value=1 checked> News</label>"
    "<input type=radio name=pay value=card checked><input type=radio name=pay value=bill>"
    "<textarea name=note>x</textarea><button name=go value=1>Send</button><button>Plain</button>"
)


def form(fields: str = FIELDS, token: str = TOKENS[0]) -> str:
    return FORM.format(fields.replace("{}", token))


def test_a_fresh_token_is_no_difference_and_a_lost_one_is() -> None:
    assert found(form(), form(token=TOKENS[1])) == []
    field = "$.form#login.fields.csrfmiddlewaretoken"
    without = FIELDS.partition("><input name=email")[2]
    assert found(form(), form("<input name=email" + without)) == [("missing", field)]
    assert found(form(), form(token="short")) == [("value", f"{field}.@value")]
    assert found("<script nonce=a1b2c3d4>x()</script>", "<script>x()</script>") == [
        ("missing", "$.head.script.@nonce")
    ]
    assert found(f"<meta name=csrf-token content={TOKENS[0]}>", f"<meta name=csrf-token content={TOKENS[1]}>") == []  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "kind", "place"),
    [
        ("value=a@b.c", "value=z@b.c", "value", ".email.@value"),
        ("name=email", "name=email type=email", "extra", ".email.@type"),
        ("<input name=email value=a@b.c>", "", "missing", ".email"),
        ("<button>", "<input name=x><button>", "extra", ".x"),
        ("value=m selected", "value=m", "value", ".size.@selected"),
        (">Small", ">Tiny", "value", ".size.@options"),
        ("<option value=s>Small", "", "missing", ".size.@options"),
        ("<option value=s>Small", "<option value=s>Small<option value=l>Large", "extra", ".size.@options"),
        ("value=1 checked", "value=1", "missing", ".news.@checked"),
        ("value=card checked", "value=card", "missing", ".pay.@checked"),
        ("<input type=radio name=pay value=bill>", "", "missing", ".pay"),
        (">x<", ">y<", "value", ".note.@value"),
        ("<textarea name=note>x</textarea>", "<input name=note value=x>", "type", ".note"),
        (">Send<", ">Buy<", "value", ".go.@label"),
        ("name=email", "name=form-0-email", "missing", ".email"),
    ],
)  # fmt: skip
def test_the_fields_of_a_form_are_data(old: str, new: str, kind: str, place: str) -> None:
    assert FIELDS.count(old) == 1
    assert (kind, f"$.form#login.fields{place}") in found(form(), form(FIELDS.replace(old, new)))


def test_how_a_form_is_sent_is_data_and_where_its_fields_stand_is_not() -> None:
    assert found(form(), form().replace("method=post", "")) == [("value", "$.form#login.@method")]
    assert found(form(), form().replace("/in/", "/out/")) == [("value", "$.form#login.@action")]
    assert found(form("<p><input name=a></p><p></p>"), form("<p></p><p><input name=a></p>")) == []


def test_fields_in_another_order_and_repeated_ones_share_a_place() -> None:
    assert found(form("<input name=a><input name=b>"), form("<input name=b><input name=a>")) == [
        ("order", "$.form#login.@fields")
    ]
    one, other = (f"<input name=form-{3}-title value={value}>" for value in "xy")
    assert found(form(one), form(other)) == [("value", "$.form#login.fields.form-n-title.@value")]


NAV = "<ul><li><a href=/a>A</a><li><a href=/b>B</a><li><a href=/c>C</a></ul>"


def test_a_link_that_stands_elsewhere_is_no_difference_and_a_lost_one_is_said_once() -> None:
    moved = "<ul><li><a href=/c>C</a><li><a href=/a>A</a><li><a href=/b>B</a></ul>"
    assert found(NAV, moved) == []
    apart = "<div>{}<a href=/b>B</a></div><p>so {}</p>"
    link = "<a href=/a>A</a>"
    assert found(apart.format(link, ""), apart.format("", link)) == []
    elsewhere = "<ul>{}<li><a href=/b>B</a></ul><nav><ul><li>x{}</ul></nav>"
    item = "<li><a href=/a>A</a></li>"
    assert found(elsewhere.format(item, ""), elsewhere.format("", item)) == []
    assert found(NAV, NAV.replace("ul>", "ol>")) == [("missing", "$.body.ul"), ("extra", "$.body.ol")]  # fmt: skip
    twice = NAV.replace("<li><a href=/c>C</a>", "<li><a href=/c>C</a>" * 2)
    assert found(NAV, twice) == [("extra", "$.body.ul.li")]
    assert found(twice, NAV) == [("missing", "$.body.ul.li")]
    lost = NAV.replace("<li><a href=/c>C</a>", "")
    assert found(NAV + "<hr>" + NAV, lost + "<hr>" + lost) == [("missing", "$.body.ul.li")]
    assert found(lost + "<hr>" + lost, NAV + "<hr>" + NAV) == [("extra", "$.body.ul.li")]


def test_a_link_that_leads_elsewhere_is_said_once_and_exchanged_ones_are_found() -> None:
    other = NAV.replace("/c>C", "/x>C")
    assert found(NAV + NAV, other + other) == [("value", "$.body.ul.li.a.@href")]
    assert found("<a href=/edit>Edit</a><a href=/delete>Delete</a>", "<a href=/delete>Edit</a><a href=/edit>Delete</a>")  # fmt: skip


@pytest.mark.parametrize(
    "broken",
    [
        "", " ", "<", "<p", "</p>", "<!--", "<a b='", "<table><p><table>", "\x00", "<b><p></b></p>", "<p a=1 a=2>",
        "<select><p><select>", "<form><form></form>", "&#x110000;&;&bogus;", "<svg><p></svg>", "<plaintext><p>",
        "<?php ?>", "<![CDATA[x]]>", "<p \x00=1>", "<x:y z:w=1>", "<\u00e9>", "<title>", "<script>", "<textarea>",
    ],
)  # fmt: skip
def test_broken_pages_are_read_as_far_as_they_go(broken: str) -> None:
    assert differences(broken, broken) == []
    differences(broken, "<p>a</p>")
    differences("<p>a</p>", broken)
    assert ("value", "$.body.p.#text") in found(f"<p>a</p>{broken}", f"<p>b</p>{broken}")


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("app.3f2a9c.css", "app.77c01e.css", True),
        ("app-3f2a9c.min.js", "app-77c01e.min.js", True),
        ("index-BfX3kL2a.js", "index-Zz9_kQ1b.js", True),
        ("a.3f2a9c1d2e.js?v=1", "a.77c01e.js?v=1", True),
        ("app.3f2a9c.css", "app.css", False),
        ("app.3f2a9c.css", "other.3f2a9c.css", False),
        ("app.3f2a9c.css", "app.3f2a9c.js", False),
        ("photo-20240101.jpg", "photo-20240102.jpg", False),
        ("jquery-3.6.0.js", "jquery-3.7.0.js", False),
        ("app-settings.js", "app-defaults.js", False),
        ("a.js?v=3f2a9c", "a.js?v=77c01e", False),
    ],
)
def test_hashes_in_the_names_of_assets_are_equal_by_a_rule(
    one: str, other: str, is_same: bool
) -> None:
    pages = [f'<link rel="stylesheet" href="/static/{name}"><img src="/x.png">' for name in (one, other)]  # fmt: skip
    read = [read_page(page, are_assets_hashed=True) for page in pages]
    assert (list(diff_pages(*read)) == []) is is_same
    assert found(*pages) == [("value", "$.head.link.@href")]


def test_data_in_a_page_is_compared_as_data() -> None:
    one, other = (f'<script id="cart" type="application/json">{{"n": {n}, "a": 1}}</script>' for n in (1, 2))  # fmt: skip
    assert found(one, other) == [("value", "$.script#cart.n")]
    assert found(one, one.replace('"n": 1, "a": 1', '"a":1,"n":1')) == []
    lists = [f'<script id="cart" type="application/json">{items}</script>' for items in ("[1, 2]", "[2, 1]")]  # fmt: skip
    assert found(*lists) == [("order", "$.script#cart")]
    a_bag = {"$.script#cart": ListReading(As.BAG)}
    assert list(diff_pages(*map(read_page, lists), a_bag)) == []
    assert found(one, one.replace("}", "")) == [("value", "$.script#cart.#text")]

"""The comments that mean something, option by option."""

import pytest

from guidebook.pages import Directive, DirectiveError, read_directive


@pytest.mark.parametrize(
    ("comment", "directive"),
    [
        ("run: terminal=shop", Directive("run", terminal="shop")),
        ("run: stays", Directive("run", stays=True)),
        ("run: terminal=shop stays", Directive("run", terminal="shop", stays=True)),
        ("run: exit=0", Directive("run", exit=0)),
        ("run: exit=130", Directive("run", exit=130)),
        ("run: within=90s", Directive("run", within_s=90.0)),
        ("run: within=5min", Directive("run", within_s=300.0)),
        ("run: eventually=20s", Directive("run", eventually_s=20.0)),
        ('run: skip="opens a browser"', Directive("run", skip="opens a browser")),
        ("run:\n  terminal=shop\n  exit=1", Directive("run", terminal="shop", exit=1)),
        ("from: a/b.py::C.d", Directive("from", target="a/b.py::C.d")),
        ("mark: first-comparison", Directive("mark", target="first-comparison")),
        ("markdownlint-disable", None),
        ("a word for those who write: keep it short", None),
        ("note: for people", None),
        ("", None),
    ],
)
def test_a_comment_says(comment: str, directive: Directive | None) -> None:
    assert read_directive(comment) == directive


@pytest.mark.parametrize(
    ("comment", "message"),
    [
        ("runs: stays", "`runs:` is no word of the format"),
        ("Run: stays", "`Run:` is no word of the format"),
        ("form: a.py", "`form:` is no word of the format"),
        ("run:", "`run:` says nothing"),
        ("run: stay", "`run:` knows no 'stay'"),
        ("run: timeout=5s", "`run:` knows no 'timeout'"),
        ("run: stays stays", "'stays' is said twice"),
        ("run: exit=1 exit=2", "'exit' is said twice"),
        ("run: stays=1", "`stays` takes no value"),
        ("run: exit", "'exit' needs a value"),
        ("run: exit=-1", "'-1' is no exit code"),
        ("run: exit=256", "'256' is no exit code"),
        ("run: exit=one", "'one' is no exit code"),
        ("run: within=60", "`within=60` is no time that can be waited for"),
        ("run: within=0s", "`within=0s` is no time that can be waited for"),
        ("run: within=1h", "`within=1h` is no time that can be waited for"),
        ("run: within=901s", "`within=901s` is no time that can be waited for"),
        ("run: eventually=", "`eventually=` is no time that can be waited for"),
        ("run: terminal=", "the terminal '' has no proper name"),
        ("run: terminal=Two", "the terminal 'Two' has no proper name"),
        ('run: skip=""', "`skip` gives no reason"),
        ('run: skip="open', "`run:` can't be read: No closing quotation"),
        ('run: skip="why" exit=1', "a skipped block needs nothing but its reason"),
        ("run: stays exit=1", "`stays` and `exit` exclude each other"),
        ("run: stays eventually=1s", "`stays` and `eventually` exclude each other"),
        ("run: within=1s eventually=1s", "`within` and `eventually` exclude each other"),
        ("from:", "`from:` names nothing"),
        ("mark:", "`mark:` names nothing"),
        ("mark: First Comparison", "the mark 'First Comparison' is no name"),
    ],
)
def test_a_comment_that_says_nothing_is_refused(comment: str, message: str) -> None:
    with pytest.raises(DirectiveError) as caught:
        read_directive(comment)
    assert caught.value.message == message
    assert caught.value.mend

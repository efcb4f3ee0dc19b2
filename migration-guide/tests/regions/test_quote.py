"""Quotes in pages: equal to the file's, or written anew."""

from conftest import TinyGuide, told

from guidebook.regions import check_quotes

PAGE = """\
# Page

- In a list:

  <!-- from: shop.py::price -->
  ```python
  old
  ```

<!-- from: shop.py -->
```python
```

<!-- from: nowhere.py -->
```python
kept
```
"""


def test_sync_writes_what_the_files_say_and_nothing_else(guide: TinyGuide) -> None:
    page = guide.add(PAGE)
    guide.write("shop.py", "def price():\n\n    return 1\n")
    done = guide.command("sync")
    assert done.returncode == 1
    assert done.stdout == "written: migration-guide/page.md\n"
    assert "page.md:14: nowhere.py is no file of the repository" in done.stderr
    written = page.read_text()
    assert written == PAGE.replace("  old\n", "  def price():\n\n      return 1\n").replace(
        "shop.py -->\n```python\n", "shop.py -->\n```python\ndef price():\n\n    return 1\n"
    )
    assert guide.command("sync").stdout == ""
    assert page.read_text() == written


def test_the_check_says_which_quote_is_another_one(guide: TinyGuide) -> None:
    guide.add(PAGE)
    guide.write("shop.py", "def price():\n    return 1\n")
    page = guide.book().entries[0].page
    assert told(check_quotes(page, guide.repository)) == [
        "6: the code is not that of shop.py::price",
        "11: the code is not that of shop.py",
        "14: nowhere.py is no file of the repository",
    ]


def test_code_that_would_end_its_fence_is_not_written(guide: TinyGuide) -> None:
    text = "# Page\n\n<!-- from: a.md -->\n```text\n```\n"
    page = guide.add(text)
    guide.write("a.md", "```console\n$ true\n```\n")
    assert told(check_quotes(guide.book().entries[0].page, guide.repository)) == [
        "4: a.md would end the fence"
    ]
    guide.command("sync")
    assert page.read_text() == text

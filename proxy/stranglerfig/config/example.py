"""The annotated example: every key of fig.yaml with its default, kept true by a test."""

from importlib.resources import files


def example_text() -> str:
    """The text of the annotated example."""
    return files("stranglerfig.config").joinpath("example.fig.yaml").read_text("utf-8")

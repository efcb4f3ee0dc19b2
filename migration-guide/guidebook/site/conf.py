"""What Sphinx is told. Run by Sphinx itself, from ``guidebook.site.build``."""

project = "stranglerfig"
html_title = "Migration guide"
extensions = ["myst_parser", "sphinx_copybutton"]
root_doc = "index"
language = "en"

# GitHub's anchors, so that a link to a heading works there and here.
myst_heading_anchors = 4

html_theme = "furo"
html_static_path = ["static"]
html_css_files = ["guide.css"]
html_js_files = ["guide.js"]
html_show_copyright = False
html_show_sourcelink = False
html_copy_source = False

# Commands only: what a prompt stands before, without the prompt.
copybutton_prompt_text = r"\$ |> "
copybutton_prompt_is_regexp = True
copybutton_only_copy_prompt_lines = True
copybutton_remove_prompts = True

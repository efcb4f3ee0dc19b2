// What the theme leaves open for who can't use a mouse or can't see: names of the two side bars, and code and tables
// that are wider than the screen can be reached, and so be scrolled, by the keyboard.
document.addEventListener("DOMContentLoaded", () => {
  const names = { ".sidebar-drawer": "Pages", ".toc-drawer": "On this page" };
  for (const [bar, name] of Object.entries(names)) {
    document.querySelector(bar)?.setAttribute("aria-label", name);
  }
  for (const wide of document.querySelectorAll("pre, .table-wrapper")) {
    wide.tabIndex = 0;
  }
});

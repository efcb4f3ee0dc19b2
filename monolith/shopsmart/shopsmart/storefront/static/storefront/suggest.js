// Offers names while somebody types into a search box. Without it, or when the answer fails, the
// box is a plain search form. A datalist is used because browsers make it accessible themselves.
"use strict";

const PAUSE_MS = 150;
const SHORTEST = 2;

for (const box of document.querySelectorAll("input[data-suggest]")) {
  const offers = document.createElement("datalist");
  offers.id = `${box.id}-offers`;
  box.after(offers);
  box.setAttribute("list", offers.id);

  let pause;
  let asking = new AbortController();

  async function ask() {
    asking.abort();
    asking = new AbortController();
    const typed = box.value.trim();
    if (typed.length < SHORTEST) {
      offers.replaceChildren();
      return;
    }
    const address = `${box.dataset.suggest}?${new URLSearchParams({ q: typed })}`;
    try {
      const answer = await fetch(address, { signal: asking.signal });
      if (!answer.ok) return;
      const { categories, products } = await answer.json();
      offers.replaceChildren(
        ...[...categories, ...products].map(({ name }) => new Option(name, name)),
      );
    } catch {
      // Aborted by the next letter, or no answer: the search itself still works.
    }
  }

  box.addEventListener("input", () => {
    clearTimeout(pause);
    pause = setTimeout(ask, PAUSE_MS);
  });
}

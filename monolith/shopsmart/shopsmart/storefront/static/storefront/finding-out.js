// Looks again by itself while nobody knows whether an order was paid. Without it there is a link that does.
"use strict";

const FIRST_PAUSE_MS = 2000;
const LONGEST_PAUSE_MS = 30000;

const place = document.getElementById("finding-out");
let pause = FIRST_PAUSE_MS;

async function look() {
  try {
    // A redirect means that it is paid. It is not followed here: its page is for the reader.
    const answer = await fetch(location.href, { redirect: "manual" });
    if (answer.type === "opaqueredirect") return location.assign(place.dataset.order);
    if (answer.ok && !(await answer.text()).includes(place.id)) return location.reload();
  } catch {
    // No answer: the next look may get one.
  }
  pause = Math.min(pause * 1.5, LONGEST_PAUSE_MS);
  setTimeout(look, pause);
}

setTimeout(look, pause);

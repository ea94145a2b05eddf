"use strict";
// What the pages do better with a script: none of it is needed. No framework, no state.
(() => {
  // Buttons that copy what an element shows. Without a script they stay hidden.
  const ready = (root) => {
    for (const b of root.querySelectorAll("button[data-copy]")) {
      if (navigator.clipboard) b.hidden = false;
    }
    const faults = root.querySelector(".faults");
    if (faults) faults.focus();
    // A month that is wider than the window begins a few days before today.
    const today = root.querySelector(".month thead .today");
    if (today) today.closest(".scroll").scrollLeft = today.offsetLeft - today.parentElement.firstElementChild.offsetWidth - 4 * today.offsetWidth;
  };

  document.addEventListener("click", async (e) => {
    const b = e.target.closest("button[data-copy]");
    if (!b) return;
    const from = document.getElementById(b.dataset.copy);
    if (!from) return;
    let said = "Copied";
    try {
      await navigator.clipboard.writeText(from.textContent);
    } catch {
      said = "Select and copy it";
      getSelection().selectAllChildren(from);
    }
    b.textContent = said;
    b.setAttribute("aria-live", "polite");
    setTimeout(() => { b.textContent = "Copy"; }, 2500);
  });

  document.addEventListener("change", (e) => {
    const field = e.target;
    // Choosing a field of a list means that the list is wanted.
    if (field.name === "attribute" && field.checked) {
      const some = field.form.querySelector('input[name="shown"][value="some"]');
      if (some) some.checked = true;
    }
  });

  // After a page came without a reload, readers of the screen begin at its content.
  document.addEventListener("htmx:afterSettle", (e) => {
    if (!e.detail.boosted && !(e.detail.requestConfig && e.detail.requestConfig.boosted)) return;
    ready(document);
    const main = document.getElementById("main");
    if (main) main.focus({ preventScroll: true });
  });

  // Following waits while somebody reads a record: what was opened would be closed again.
  document.addEventListener("htmx:beforeRequest", (e) => {
    if (e.target.id === "trail" && e.target.querySelector("details[open]")) e.preventDefault();
  });

  // A form that makes something is sent once, however often its button is pressed.
  document.addEventListener("submit", (e) => {
    const form = e.target;
    if (e.defaultPrevented || form.method !== "post") return;
    if (form.dataset.sent) e.preventDefault();
    form.dataset.sent = "yes";
  });
  // What is shown once goes with the page: a browser may keep it whole for the way back.
  addEventListener("pagehide", () => {
    for (const e of document.querySelectorAll(".once code, .once ~ section code, #outcome")) e.replaceChildren();
    for (const e of document.querySelectorAll("input[type=password]")) e.value = "";
  });
  addEventListener("pageshow", () => {
    for (const form of document.forms) delete form.dataset.sent;
  });

  ready(document);
})();

/* What pages do beyond links and forms. Every page works without it, only less smoothly. */
(() => {
  "use strict";

  const search = () => document.getElementById("search");
  const dialog = () => document.getElementById("dialog");
  const typing = (element) => element.closest("input, textarea, select, [contenteditable]");

  // The key "/" brings the cursor to the search box.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (!search()) return;
    event.preventDefault();
    search().focus();
    search().select();
  });

  // A step before a destructive change arrives in the dialog, whose opening gives it the focus and keeps it there.
  document.addEventListener("htmx:after:swap", () => {
    const box = dialog();
    if (box && !box.open && box.childElementCount) {
      box.setAttribute("aria-labelledby", "dialog-title");
      box.showModal();
      (box.querySelector("input:not([type=hidden]), select, button") || box).focus();
    }
  });
  document.addEventListener("click", (event) => {
    const box = dialog();
    if (!box || !box.open) return;
    if (event.target.closest("[data-close]") || event.target === box) {
      event.preventDefault();
      box.close();
    }
  });
  document.addEventListener("close", (event) => {
    if (event.target === dialog()) dialog().replaceChildren();
  }, true);

  // Filters that narrow a list while somebody types show in the address, so that a link shows the same list again.
  document.addEventListener("htmx:after:swap", (event) => {
    const { sourceElement, response } = event.detail?.ctx || {};
    if (!sourceElement?.matches?.("form.c-filters") || !response?.raw?.ok) return;
    const url = new URL(response.raw.url);
    for (const [name, value] of [...url.searchParams]) if (!value) url.searchParams.delete(name);
    history.replaceState(history.state, "", url.pathname + url.search);
  });

  // A log that is read at its end stays there while lines come; one that is scrolled up stays where it is.
  const tails = () => document.querySelectorAll("[data-tail]");
  const toEnd = () => {
    for (const tail of tails()) if (tail.dataset.tail !== "up") tail.scrollTop = tail.scrollHeight;
  };
  document.addEventListener("scroll", (event) => {
    const tail = event.target;
    if (!tail.dataset || tail.dataset.tail === undefined) return;
    tail.dataset.tail = tail.scrollTop + tail.clientHeight < tail.scrollHeight - 8 ? "up" : "";
  }, true);
  document.addEventListener("htmx:after:swap", toEnd);

  // A form is sent once, however often the button is pressed.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post" || event.defaultPrevented) return;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "1";
    form.setAttribute("aria-busy", "true");
  });
  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) {
      delete form.dataset.sent;
      form.removeAttribute("aria-busy");
    }
  });

  // After a refused form the summary of errors gets the focus, so that it is read first.
  const start = () => {
    toEnd();
    document.querySelector("[data-focus]")?.focus();
    for (const button of document.querySelectorAll("[data-copy]")) {
      if (!navigator.clipboard) continue;
      button.hidden = false;
      button.addEventListener("click", async () => {
        await navigator.clipboard.writeText(button.previousElementSibling.textContent);
        button.firstElementChild.textContent = "Copied";
      });
    }
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();

  // What runs is looked at again while somebody is at the page: a forgotten tab neither asks nor keeps a session alive.
  let acted = Date.now();
  for (const kind of ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"]) {
    document.addEventListener(kind, () => { acted = Date.now(); }, { capture: true, passive: true });
  }
  setInterval(() => {
    if (document.hidden || Date.now() - acted > 15 * 60 * 1000) return;
    for (const element of document.querySelectorAll("[data-live]")) element.dispatchEvent(new CustomEvent("live"));
  }, 5000);

  // Elapsed time of a running operation goes on between two answers of the server.
  const begun = new WeakMap();
  setInterval(() => {
    for (const element of document.querySelectorAll("[data-elapsed]")) {
      const shown = element.dataset.elapsed;
      const known = begun.get(element);
      if (!known || known.shown !== shown) begun.set(element, { shown, at: performance.now() });
      const { at } = begun.get(element);
      const seconds = Math.floor(Number(shown) + (performance.now() - at) / 1000);
      element.textContent = seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
    }
  }, 1000);
})();

// Keys and comforts of the dashboard; every page works without this file.
(function () {
  "use strict";
  function isTyping(target) {
    return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
  }
  document.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    // By the place of the keys, which a Russian keyboard keeps.
    if (event.code === "Slash" || event.key === "/") {
      var find = document.getElementById("find");
      if (find) { event.preventDefault(); find.focus(); find.select(); }
    }
    if (event.code === "KeyC" || event.key === "c") {
      var way = document.querySelector('a[aria-keyshortcuts="c"]');
      if (way) { event.preventDefault(); way.click(); }
    }
  });
  // What was just done is said for a while, and not again after a reload.
  var toast = document.querySelector(".toast[role=status]");
  if (toast) setTimeout(function () { toast.hidden = true; }, 6000);
  var at = new URL(location.href);
  if (at.searchParams.has("done")) {
    at.searchParams.delete("done");
    history.replaceState(null, "", at);
  }
  var back = document.querySelector("a.back");
  if (back && history.length > 1) {
    back.addEventListener("click", function (event) { event.preventDefault(); history.back(); });
  }
  document.addEventListener("click", function (event) {
    var copy = event.target.closest("button[data-copy]");
    if (copy && navigator.clipboard) {
      navigator.clipboard.writeText(copy.dataset.copy).then(function () {
        copy.textContent = copy.dataset.copied;
      });
    }
    var menu = document.querySelector("details.me[open]");
    if (menu && !menu.contains(event.target)) menu.open = false;
  });
  // A form is sent once, however often its button is pressed.
  document.addEventListener("submit", function (event) {
    var form = event.target, button = form.querySelector("button:not([type=button])");
    if (form.method !== "post") return;
    if (form.dataset.sent) return event.preventDefault();
    form.dataset.sent = "1";
    if (button) button.setAttribute("aria-busy", "true");
  });
  window.addEventListener("pageshow", function (event) {
    if (!event.persisted) return;
    document.querySelectorAll("form[data-sent]").forEach(function (form) {
      delete form.dataset.sent;
      var button = form.querySelector("[aria-busy]");
      if (button) button.removeAttribute("aria-busy");
    });
  });
})();

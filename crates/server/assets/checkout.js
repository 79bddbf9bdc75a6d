// Looks every few seconds whether the payment has moved on, and shows the new page when it has.
// Gives up after half an hour: a forgotten tab must not ask for ever.
(function () {
  "use strict";
  var root = document.querySelector("[data-state-url]");
  if (!root) return;
  var url = root.dataset.stateUrl, shown = root.dataset.version;
  var asked = 0, started = Date.now(), HALF_AN_HOUR = 30 * 60 * 1000;
  function wait() { return asked < 20 ? 1500 : 5000; }
  function again() {
    if (Date.now() - started < HALF_AN_HOUR) setTimeout(look, wait());
  }
  function look() {
    if (document.hidden) return again();
    asked += 1;
    fetch(url, { cache: "no-store" })
      .then(function (reply) { return reply.ok ? reply.json() : null; })
      .then(function (state) {
        if (state && state.version !== shown) return location.reload();
        again();
      })
      .catch(again);
  }
  document.addEventListener("visibilitychange", function () {
    if (!document.hidden) { started = Date.now(); asked = 0; }
  });
  again();
})();

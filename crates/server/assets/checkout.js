// Shows the new page as soon as the payment has moved on: the server says so in a stream of events;
// where there is none, the page asks every few seconds. Without either it works, reloaded by hand or
// by the browser. A forgotten tab gives up after half an hour, until somebody looks at it again.
(function () {
  "use strict";
  var on = document.querySelector("[data-go-on]");
  if (on) return void setTimeout(function () { location.href = on.dataset.goOn; }, 3000);
  var root = document.querySelector("[data-watch]");
  if (!root) return;
  var base = root.dataset.watch, shown = root.dataset.version;
  var HALF_AN_HOUR = 30 * 60 * 1000, started, asked, timer, source;
  function stop() {
    clearTimeout(timer);
    if (source) source.close();
    source = null;
  }
  function show() {
    stop();
    location.reload();
  }
  function look() {
    return fetch(base + "/state", { cache: "no-store" })
      .then(function (reply) { return reply.ok ? reply.json() : null; })
      .then(function (state) { if (state && state.version !== shown) show(); })
      .catch(function () {});
  }
  function poll() {
    if (Date.now() - started > HALF_AN_HOUR) return;
    asked += 1;
    timer = setTimeout(function () { look().then(poll); }, asked < 20 ? 1500 : 5000);
  }
  function listen() {
    stop();
    started = Date.now();
    asked = 0;
    if (!window.EventSource) return poll();
    source = new EventSource(base + "/events?v=" + encodeURIComponent(shown));
    source.onmessage = show;
    source.onerror = function () {
      if (Date.now() - started > HALF_AN_HOUR) return stop();
      // Refused rather than cut: the browser will not ask again by itself.
      if (source && source.readyState === 2) { source = null; poll(); }
    };
  }
  document.addEventListener("visibilitychange", function () {
    if (document.hidden) stop(); else look().then(listen);
  });
  // Back from the bank by the browser's own button: an old page may come out of its memory.
  addEventListener("pageshow", function (event) { if (event.persisted) look().then(listen); });
  listen();
})();

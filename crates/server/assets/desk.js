// The clerk's page: sends the form, looks every second what became of the sale, and sounds when it
// is paid. Without it the page works by itself, reloaded by hand.
(function () {
  "use strict";
  var sound = null;
  function main() { return document.querySelector("main[data-state-url]"); }
  if (!main()) return;

  // Browsers let a page sound only after a touch: the clerk's own button is one.
  function wake() {
    var Sound = window.AudioContext || window.webkitAudioContext;
    if (!Sound) return;
    sound = sound || new Sound();
    if (sound.state === "suspended") sound.resume();
  }
  function tone(at, pitch) {
    var voice = sound.createOscillator(), volume = sound.createGain();
    voice.frequency.value = pitch;
    volume.gain.setValueAtTime(0.25, at);
    volume.gain.exponentialRampToValueAtTime(0.001, at + 0.35);
    voice.connect(volume).connect(sound.destination);
    voice.start(at);
    voice.stop(at + 0.4);
  }
  // The clerk's choice, kept by this browser; without a place to keep it, it sounds.
  function isMuted() {
    try { return localStorage.getItem("kopeck-mute") === "1"; } catch (error) { return false; }
  }
  function offer() {
    var place = document.querySelector("[data-sound]");
    if (!place) return;
    var button = place.querySelector("button");
    var draw = function () { button.setAttribute("aria-pressed", String(!isMuted())); };
    button.addEventListener("click", function () {
      try { localStorage.setItem("kopeck-mute", isMuted() ? "0" : "1"); } catch (error) { return; }
      draw();
      wake();
      if (!isMuted() && sound && sound.state === "running") tone(sound.currentTime, 880);
    });
    draw();
    place.hidden = false;
  }
  function ring() {
    if (isMuted()) return;
    document.documentElement.dataset.rang = String(Number(document.documentElement.dataset.rang || 0) + 1);
    if (navigator.vibrate) navigator.vibrate([120, 60, 120]);
    if (!sound || sound.state !== "running") return;
    tone(sound.currentTime, 880);
    tone(sound.currentTime + 0.18, 1320);
  }

  function show(html) {
    var old = main(), page = new DOMParser().parseFromString(html, "text/html");
    var fresh = page.querySelector("main[data-state-url]");
    if (!fresh) return location.reload();
    var was = old.dataset.status, sale = old.dataset.sale;
    old.replaceWith(fresh);
    document.title = page.title;
    var is_news = fresh.dataset.status === "paid" && was !== "paid" && fresh.dataset.sale === sale;
    if (is_news) ring();
  }
  function load() {
    return fetch(location.href, { cache: "no-store" })
      .then(function (reply) { return reply.text(); }).then(show);
  }
  function look() {
    var shown = main();
    var again = function () { setTimeout(look, document.hidden ? 5000 : 1000); };
    if (!shown) return;
    fetch(shown.dataset.stateUrl, { cache: "no-store" })
      .then(function (reply) { return reply.ok ? reply.json() : null; })
      .then(function (state) {
        // Typing a sum is not interrupted by what somebody else's sale does.
        if (state && state.version !== main().dataset.version) return load();
      })
      .then(again, again);
  }
  document.addEventListener("submit", function (event) {
    event.preventDefault();
    wake();
    var form = event.target, button = form.querySelector("button");
    var fields = new URLSearchParams(new FormData(form));
    button.disabled = true;
    fetch(form.action, { method: "POST", body: fields })
      .then(function (reply) { return reply.text(); })
      .then(show)
      .catch(function () { button.disabled = false; });
  });
  offer();
  setTimeout(look, 1000);
})();

// The last page of an installation: until the portal's own script says so, the portal shows neither
// the tab nor the button, and sends no events.
(function () {
  "use strict";
  if (!window.BX24) return;
  window.BX24.init(function () { window.BX24.installFinish(); });
})();

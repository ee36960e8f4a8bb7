// Leads on from a page that only says where to go on, so that it leaves no trace in the history.
"use strict";
(() => {
  const { to, back } = document.currentScript.dataset;
  if (to !== undefined) location.replace(to);
  else if (back !== undefined && history.length > 1) history.back();
  else if (back !== undefined) location.replace(back);
})();

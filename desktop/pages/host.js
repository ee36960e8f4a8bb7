// What the host's own pages need: they wait for the services, and go on when these stand otherwise.
"use strict";
(() => {
  const page = document.documentElement;
  const step = document.getElementById("step");
  const RETRY = 500;

  // Addresses are those of our own origin, whatever the page was told.
  const next = () => {
    const to = page.dataset.next || "/";
    return to.startsWith("/") && !to.startsWith("//") ? to : "/";
  };

  const show = (standing) => {
    const loading = "loading" in page.dataset;
    if (standing.state === "up" && (loading || page.dataset.state === "failed")) {
      if (!document.body.classList.contains("diagnostics")) return location.replace(standing.at || next());
    }
    if (standing.state === "failed" && loading) return location.replace("/__oriel/failure");
    if (standing.state === "starting" && step) step.textContent = standing.step;
    if (standing.state !== page.dataset.state && document.body.classList.contains("diagnostics")) return location.reload();
    wait(standing);
  };
  const wait = async (known) => {
    try {
      const query = new URLSearchParams({ seen: known.state, step: known.step || "", count: String(known.count ?? 0) });
      const answer = await fetch(`/__oriel/standing?${query}`, { cache: "no-store" });
      show(await answer.json());
    } catch {
      setTimeout(() => wait(known), RETRY);
    }
  };
  // The first question has the services begin, which is left until the page has been painted.
  requestAnimationFrame(() => setTimeout(() => wait({ state: "" })));

  addEventListener("submit", async (event) => {
    if (!("stays" in event.target.dataset)) return;
    event.preventDefault();
    if (step) step.textContent = "Trying again";
    await fetch(event.target.action, { method: "POST" });
    if (document.body.classList.contains("failure")) location.replace("/__oriel/loading");
  });
})();

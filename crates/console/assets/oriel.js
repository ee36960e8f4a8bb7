// What HTML and HTMX do not do by themselves: asking for news only while somebody looks, telling when
// the daemon is away, and the keyboard. Every page works without this file.
"use strict";
(() => {
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  const one = (selector) => document.querySelector(selector);

  // News. A page holds one request, `#live`, for as long as nothing happens. Of all tabs of a browser
  // that are seen, one leads: it holds the request, and tells the others to look. A browser without
  // locks has no leader, and each of its tabs asks for itself.
  const tabs = "BroadcastChannel" in window ? new BroadcastChannel("oriel-news") : null;
  const canLead = tabs && navigator.locks && window.isSecureContext;
  const RETRY_MIN = 500, RETRY_MAX = 4000;
  // `due` says that there may be something that this page has not asked for.
  const news = { leads: !canLead, due: true, wait: RETRY_MIN, timer: 0, release: null, over: false };

  const ask = () => {
    clearTimeout(news.timer);
    const live = one("#live");
    if (live && !document.hidden && !news.over) htmx.trigger(live, "oriel:again");
  };
  const stop = () => {
    const live = one("#live");
    if (live) htmx.trigger(live, "htmx:abort");
  };
  // Once it was answered the anchor is another element, and what is told of the request names a parent.
  const isLive = ({ detail }) => (detail.requestConfig ? detail.requestConfig.elt : detail.elt)?.id === "live";
  // A page whose news are not those that all pages share asks for itself, and for no other.
  const isOwn = () => one("#live")?.hasAttribute("data-own");
  const isMain = (event) => event.detail.target && event.detail.target.id === "main";

  const lead = () => {
    if (!canLead || news.release || document.hidden || isOwn()) return;
    news.release = () => {};
    navigator.locks.request("oriel-news", () => new Promise((release) => {
      if (document.hidden || isOwn()) { news.release = null; release(); return; }
      news.release = () => { news.leads = false; news.release = null; release(); };
      news.leads = true;
      ask();
    }));
  };

  const connection = (text) => {
    const place = one("#connection");
    if (!place) return;
    if (place.hidden !== !text) place.hidden = !text;
    if (place.textContent !== text) place.textContent = text;
    document.documentElement.dataset.connection = text ? "lost" : "ok";
  };

  // Nobody answers. Whatever was asked for, it is news that tells when somebody does again.
  const lost = () => {
    if (document.hidden) return;
    connection("The daemon does not answer. This page shows what it knew, and tries again.");
    clearTimeout(news.timer);
    news.due = true;
    news.timer = setTimeout(ask, news.wait);
    news.wait = Math.min(news.wait * 2, RETRY_MAX);
    // The others wait for this one, so they have to find out for themselves.
    if (news.leads && tabs) tabs.postMessage("lost");
  };

  addEventListener("htmx:beforeRequest", (event) => {
    const { elt } = event.detail;
    if (isLive(event)) {
      // A page that nobody sees asks for nothing; one that does not lead asks when it is told to.
      if (document.hidden || news.over || !(news.leads || news.due || isOwn())) event.preventDefault();
      else news.due = false;
      return;
    }
    if (document.hidden && /\bevery\b/.test(elt.getAttribute("hx-trigger") || "")) return event.preventDefault();
    // The page is about to be another one, which asks for itself.
    if (isMain(event)) {
      stop();
      news.due = true;
      news.over = false;
    }
  });
  addEventListener("htmx:configRequest", (event) => {
    const { elt, verb, formData } = event.detail;
    // Who does not lead is not to wait, nor who has to know whether anybody answers again.
    if (isLive(event) && (!(news.leads || isOwn()) || news.wait !== RETRY_MIN)) event.detail.parameters.now = "1";
    // An address says what was asked for, and not what was left open.
    if (verb === "get" && elt.tagName === "FORM") {
      for (const [name, value] of [...formData.entries()]) if (value === "") formData.delete(name);
    }
  });
  addEventListener("htmx:beforeSwap", (event) => {
    // What is wrong with news is said beside the page and not in its place.
    if (isLive(event) && 400 <= event.detail.xhr.status) event.detail.shouldSwap = false;
  });
  addEventListener("htmx:afterRequest", (event) => {
    if (!isLive(event) || !event.detail.successful) return;
    connection("");
    news.wait = RETRY_MIN;
    if (news.leads && tabs) tabs.postMessage("news");
  });
  for (const name of ["htmx:sendError", "htmx:timeout"]) addEventListener(name, lost);
  addEventListener("htmx:responseError", (event) => {
    if (!isLive(event)) return;
    if (500 <= event.detail.xhr.status) return lost();
    // It will be refused again: the session is over, or what the page shows is gone.
    news.over = true;
    connection("This page is no longer kept up to date. Load it again.");
  });
  if (tabs) tabs.addEventListener("message", () => {
    if (news.leads || isOwn()) return;
    news.due = true;
    ask();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      clearTimeout(news.timer);
      stop();
      if (news.release) news.release();
    } else {
      news.due = true;
      news.wait = RETRY_MIN;
      lead();
      ask();
    }
  });
  addEventListener("online", () => { news.due = true; ask(); });
  // Going back asks for the whole page again, and the one that goes must not hold on to its request.
  addEventListener("htmx:historyCacheMiss", () => { stop(); news.due = true; news.over = false; });

  // Lists that only grow at their beginning keep so many of their elements.
  const trim = () => all("[data-keeps]").forEach((list) => {
    while (Number(list.dataset.keeps) < list.children.length) list.lastElementChild.remove();
  });
  addEventListener("htmx:oobAfterSwap", trim);

  // Times grow older while one looks at them. The words are those of the server.
  const length = (seconds) => {
    const [minutes, hours] = [Math.floor(seconds / 60), Math.floor(seconds / 3600)];
    if (seconds < 60) return `${seconds} s`;
    if (seconds < 3600) return seconds % 60 ? `${minutes} min ${seconds % 60} s` : `${minutes} min`;
    if (hours < 24) return `${hours} h ${minutes % 60} min`;
    return `${Math.floor(hours / 24)} d ${hours % 24} h`;
  };
  const ago = (seconds) => {
    if (seconds < -1) return "soon";
    if (seconds < 2) return "now";
    if (seconds < 60) return `${seconds} s ago`;
    if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
    if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ago`;
    return `${Math.floor(seconds / 86400)} d ago`;
  };
  const age = () => {
    if (document.hidden) return;
    for (const time of all("time[data-ago], time[data-elapsed]")) {
      const past = Math.floor((Date.now() - Date.parse(time.dateTime)) / 1000);
      if (Number.isNaN(past)) continue;
      const text = "ago" in time.dataset ? ago(past) : length(Math.max(0, past));
      if (time.textContent !== text) time.textContent = text;
    }
  };
  setInterval(age, 1000);

  // Who reads the end of a conversation goes on to read it there.
  let isAtEnd = false;
  addEventListener("htmx:beforeSwap", (event) => {
    isAtEnd = isLive(event) && one("[data-follows]") !== null && document.documentElement.scrollHeight - innerHeight - scrollY < 120;
  });
  addEventListener("htmx:oobAfterSwap", () => {
    if (isAtEnd) scrollTo(scrollX, document.documentElement.scrollHeight);
  });

  // A page that came in place of another one is read from its beginning.
  addEventListener("htmx:afterSettle", (event) => {
    if (event.detail.target && event.detail.target.id === "main") {
      if (isOwn()) { if (news.release) news.release(); } else lead();
      const focused = document.activeElement;
      if (!focused || focused === document.body || !document.contains(focused)) one("#main").focus({ preventScroll: true });
    }
  });
  addEventListener("pageshow", (event) => {
    if (event.persisted) { news.due = true; ask(); }
  });

  // The keyboard.
  const isField = (element) => element && (element.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(element.tagName));
  const open = (id) => {
    const dialog = document.getElementById(id);
    if (!dialog || dialog.open) return;
    all("dialog[open]").forEach((other) => other.close());
    dialog.showModal();
    if (id === "palette") {
      const field = one("#palette-input");
      field.value = "";
      htmx.trigger(field, "oriel:open");
    }
  };

  // Going to anything: the field has the focus, and the arrows choose among what was found.
  const choices = () => all("#palette-list [role=option]");
  const choose = (choice) => {
    for (const other of choices()) other.setAttribute("aria-selected", String(other === choice));
    const field = one("#palette-input");
    if (choice) {
      field.setAttribute("aria-activedescendant", choice.id);
      choice.scrollIntoView({ block: "nearest" });
    } else {
      field.removeAttribute("aria-activedescendant");
    }
  };
  const chosen = () => choices().findIndex((choice) => choice.getAttribute("aria-selected") === "true");
  const inPalette = (event) => {
    const found = choices();
    const at = chosen();
    const to = { ArrowDown: (at + 1) % found.length, ArrowUp: (at < 1 ? found.length : at) - 1, Home: 0, End: found.length - 1 }[event.key];
    if (event.key === "Enter") {
      event.preventDefault();
      const does = found[Math.max(0, at)]?.querySelector("a, button");
      if (does) does.click();
    } else if (to !== undefined && found.length && !(event.target.value && ["Home", "End"].includes(event.key))) {
      event.preventDefault();
      choose(found[to]);
    }
  };
  addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target && event.detail.target.id === "palette-list") choose(choices()[0]);
  });
  const go = (key) => {
    const link = one(`[data-goes="${CSS.escape(key)}"]`);
    if (link) link.click();
  };
  const step = (by) => {
    const rows = all("main [data-row] a[href], main tbody tr a[href]:first-of-type").filter((row) => row.offsetParent);
    const here = rows.indexOf(document.activeElement);
    const next = rows[here < 0 ? (0 < by ? 0 : rows.length - 1) : here + by];
    if (next) next.focus();
  };
  let goes = 0;
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      open("palette");
      return;
    }
    if (event.target.id === "palette-input") return inPalette(event);
    if (event.ctrlKey || event.metaKey || event.altKey || one("dialog[open]")) return;
    if (isField(event.target)) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const after = event.timeStamp < goes;
    goes = 0;
    if (after) return go(event.key);
    switch (event.key) {
      case "g": goes = event.timeStamp + 1500; break;
      case "?": open("help"); break;
      case "j": step(1); break;
      case "k": step(-1); break;
      case "/": {
        const field = one("main input[type=search]");
        if (field) { event.preventDefault(); field.focus(); field.select(); }
        break;
      }
    }
  });
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-opens]");
    if (opener) open(opener.dataset.opens);
    const dialog = event.target.closest("dialog");
    if (dialog && (event.target === dialog || event.target.closest("dialog a[href]"))) dialog.close();
  });

  // What is to be put somewhere by hand can be copied, where the browser lets a page do so.
  if (navigator.clipboard) document.documentElement.dataset.copies = "";
  document.addEventListener("click", (event) => {
    const copier = event.target.closest("[data-copies]:not(html)");
    if (!copier) return;
    const from = copier.parentElement.querySelector("pre");
    navigator.clipboard.writeText(from.textContent).then(
      () => { copier.textContent = "Copied"; },
      () => { getSelection().selectAllChildren(from); });
  });

  // Inside the desktop a page may ask its host for the few things that only a host can do. In a browser
  // none of these buttons is there.
  const host = window.__TAURI_INTERNALS__;
  if (host) document.documentElement.dataset.host = "desktop";
  // Where the window has no title bar of the system's, the page's own does what that would.
  const frame = (does) => host.invoke("window_title_bar", { does }).catch(() => {});
  if (host) host.invoke("desktop_runtime_status").then(({ ownTitleBar }) => {
    if (ownTitleBar) document.documentElement.dataset.titlebar = "own";
  }, () => {});
  document.addEventListener("mousedown", (event) => {
    const bar = host && event.button === 0 && event.target.closest(".titlebar");
    if (bar && !event.target.closest("button")) frame(event.detail === 2 ? "maximise" : "drag");
  });
  document.addEventListener("click", (event) => {
    const button = host && event.target.closest("button[data-window]");
    if (button) frame(button.dataset.window);
  });
  const field = (name) => name && document.getElementById(name);
  const asks = {
    async preview_open({ field: id }) {
      return (await host.invoke("preview_open", { url: field(id).value })) === "preview" ? "Opened in the preview" : "Opened in the browser";
    },
    async preview_url({ field: id, kind }) {
      const shown = await host.invoke("preview_url");
      if (!shown) return "The preview shows no page";
      field(id).value = shown.url;
      if (field(kind)) field(kind).value = "url";
      return shown.title;
    },
    async pick_file({ field: id, folder, title }) {
      const path = await host.invoke("pick_file", { title, folder: folder === "true" });
      if (path) field(id).value = path;
      return path ? "" : "Nothing was chosen";
    },
    async notify_test() {
      await host.invoke("notify_test");
      return "Sent";
    },
  };
  document.addEventListener("click", async (event) => {
    const button = host && event.target.closest("button[data-native]");
    if (!button) return;
    const says = button.parentElement.querySelector("[role=status]");
    button.disabled = true;
    try {
      const said = await asks[button.dataset.native](button.dataset);
      if (says) says.textContent = said;
    } catch (problem) {
      if (says) says.textContent = String(problem.message || problem);
    } finally {
      button.disabled = false;
    }
  });

  // On a narrow screen the menu begins closed.
  const narrow = matchMedia("(max-width: 48rem)");
  const fold = () => all(".nav-menu").forEach((menu) => { menu.open = !narrow.matches; });
  fold();
  narrow.addEventListener("change", fold);
  addEventListener("htmx:oobAfterSwap", fold);
  lead();
})();

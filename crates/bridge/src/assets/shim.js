// Turns bodies that hold a Blob or a file into bytes before they leave the page: the engine cannot hand
// such a body over to a scheme of ours, and the host dies trying. And it tells where an answer came from
// that was led on natively, of which the engine knows nothing.
"use strict";
(() => {
  const DONE = Symbol.for("oriel.shim");
  if (globalThis[DONE]) return;
  Object.defineProperty(globalThis, DONE, { value: true });

  const AT = "X-Oriel-Answered-At";
  // By its tag, so that one of another frame is known as well.
  const tagOf = (value) => Object.prototype.toString.call(value).slice(8, -1);
  const isBlob = (value) => ["Blob", "File"].includes(tagOf(value)) || value instanceof Blob;
  const isForm = (value) => tagOf(value) === "FormData" || value instanceof FormData;
  const needsBytes = (body) => isBlob(body) || (isForm(body) && [...body.values()].some(isBlob));
  // A form in the way that engines write one. They do not give it to a page where it holds a file.
  const quote = (name) => name.replace(/\r\n?|\n/g, "%0D%0A").replace(/"/g, "%22");
  const write = (form, boundary) => {
    const parts = [];
    for (const [name, value] of form) {
      parts.push(`--${boundary}\r\nContent-Disposition: form-data; name="${quote(name)}"`);
      if (isBlob(value)) {
        const type = value.type || "application/octet-stream";
        parts.push(`; filename="${quote(value.name)}"\r\nContent-Type: ${type}\r\n\r\n`, value, "\r\n");
      } else {
        parts.push(`\r\n\r\n${value.replace(/\r\n?|\n/g, "\r\n")}\r\n`);
      }
    }
    return new Blob([...parts, `--${boundary}--\r\n`]);
  };
  // The bytes of a body and the type that belongs to it. Where the type was told already, its boundary
  // is the one to write with.
  const pack = async (body, told) => {
    if (isBlob(body)) return { bytes: await body.arrayBuffer(), type: body.type };
    const boundary = /boundary="?([^";]+)/i.exec(told)?.[1] ?? `oriel-${crypto.randomUUID()}`;
    const bytes = await write(body, boundary).arrayBuffer();
    return { bytes, type: `multipart/form-data; boundary=${boundary}` };
  };
  const hasNoBody = (method) => /^(get|head)$/i.test(method);

  const plainFetch = globalThis.fetch;
  const tell = (response) => {
    const at = response.headers.get(AT);
    if (at) {
      Object.defineProperty(response, "url", { value: new URL(at, location.href).href });
      Object.defineProperty(response, "redirected", { value: true });
    }
    return response;
  };
  // What a finished request holds cannot be seen any more, so it is remembered.
  const bodies = new WeakMap();
  const remember = (request, body) => {
    if (needsBytes(body)) bodies.set(request, body);
    return request;
  };
  globalThis.Request = new Proxy(Request, {
    construct(target, given, made) {
      return remember(Reflect.construct(target, given, made), given[1]?.body ?? bodies.get(given[0]));
    },
  });
  Request.prototype.constructor = Request;
  const { clone } = Request.prototype;
  Request.prototype.clone = function () {
    return remember(clone.call(this), bodies.get(this));
  };
  globalThis.fetch = async function fetch(input, init) {
    const body = init?.body ?? bodies.get(input);
    if (!needsBytes(body)) return tell(await plainFetch.apply(this, arguments));
    const headers = new Headers(init?.headers ?? (input instanceof Request ? input.headers : undefined));
    const { bytes, type } = await pack(body, headers.get("Content-Type"));
    if (type && !headers.has("Content-Type")) headers.set("Content-Type", type);
    return tell(await plainFetch.call(this, input, { ...init, headers, body: bytes }));
  };

  const { open, send, abort, setRequestHeader } = XMLHttpRequest.prototype;
  const { get: responseURL } = Object.getOwnPropertyDescriptor(XMLHttpRequest.prototype, "responseURL");
  // What is known of each request: how it was opened, and what it waits for.
  const known = new WeakMap();
  const of = (xhr) => known.get(xhr) ?? {};
  const refuse = () => { throw new DOMException("The request is being sent.", "InvalidStateError"); };
  const fire = (target, ...names) => {
    for (const name of names) target.dispatchEvent(new ProgressEvent(name));
  };
  const replaced = {
    open(method, url, isAsync = true) {
      const opened = open.apply(this, arguments);
      known.set(this, { method, isAsync: Boolean(isAsync), type: "" });
      return opened;
    },
    setRequestHeader(name, value) {
      if (of(this).waits) refuse();
      setRequestHeader.apply(this, arguments);
      if (String(name).toLowerCase() === "content-type") of(this).type = String(value);
    },
    send(body) {
      const call = of(this);
      if (call.waits) refuse();
      const isFirst = this.readyState === XMLHttpRequest.OPENED && !call.isSent;
      call.isSent = true;
      if (!needsBytes(body)) return send.apply(this, arguments);
      // In these cases the engine looks at no body: it refuses the second, and the first has none.
      if (!isFirst || hasNoBody(call.method)) return send.call(this, null);
      if (!call.isAsync) throw new DOMException("A file cannot be sent while the page stands still.", "NetworkError");
      call.waits = true;
      // Opened anew or given up, it is another call or none.
      const goesOn = () => of(this) === call && call.waits && !(call.waits = false);
      pack(body, call.type).then(({ bytes, type }) => {
        if (!goesOn()) return;
        if (type && !call.type) setRequestHeader.call(this, "Content-Type", type);
        send.call(this, bytes);
      }).catch(() => {
        if (!goesOn()) return;
        fire(this.upload, "error", "loadend");
        fire(this, "error", "loadend");
      });
    },
    abort() {
      const call = of(this);
      const waited = call.waits;
      call.waits = false;
      abort.call(this);
      if (!waited) return;
      fire(this.upload, "abort", "loadend");
      fire(this, "abort", "loadend");
    },
  };
  for (const [name, value] of Object.entries(replaced)) {
    Object.defineProperty(XMLHttpRequest.prototype, name, { value, writable: true, configurable: true, enumerable: true });
  }
  Object.defineProperty(XMLHttpRequest.prototype, "responseURL", {
    get() {
      const at = this.readyState < XMLHttpRequest.HEADERS_RECEIVED ? null : this.getResponseHeader(AT);
      return at ? new URL(at, location.href).href : responseURL.call(this);
    },
    configurable: true,
    enumerable: true,
  });

  // The engine makes a download of a link that says so, and nobody is told of it. As a plain link it comes
  // through the bridge, which saves what the service says is a file.
  addEventListener("click", (event) => {
    const link = event.target instanceof Element && event.target.closest("a[download]");
    if (link && link.protocol === location.protocol && link.host === location.host) link.removeAttribute("download");
  }, true);

  const beacon = navigator.sendBeacon;
  if (beacon) {
    navigator.sendBeacon = function sendBeacon(url, body) {
      if (!needsBytes(body)) return beacon.apply(navigator, arguments);
      // Who sends a beacon waits for no answer, and learns of no failure.
      globalThis.fetch(url, { method: "POST", body, credentials: "include" }).catch(() => {});
      return true;
    };
  }
})();

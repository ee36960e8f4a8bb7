// The worker that has the browser's own files open.

import "@oriel/fs-bindings/opfs-worker";

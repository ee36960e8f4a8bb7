// The workbench's entry: finds its host, then shows the page.

import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { connect } from "./host";
import { App } from "./shell/app";
import { Broken } from "./shell/broken";
import { Workbench } from "./workbench";
import "./styles/tokens.css";
import "./styles/workbench.css";

const place = document.getElementById("page");
if (place) {
  const root = createRoot(place);
  connect().then(
    (host) => {
      const workbench = new Workbench(host);
      void workbench.tree.load();
      window.addEventListener("beforeunload", (event) => {
        if (workbench.editor.hasUnsaved()) event.preventDefault();
      });
      root.render(
        <StrictMode>
          <App workbench={workbench} />
        </StrictMode>,
      );
    },
    (thrown) => root.render(<Broken reason={String(thrown?.message ?? thrown)} />),
  );
}

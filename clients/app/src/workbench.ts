// The parts of the workbench and what connects them.

import { Compute } from "./compute/compute";
import { Editor } from "./editor/editor";
import type { Host } from "./host";
import { Sql } from "./sql/sql";
import { createStore } from "./store";
import { Tree } from "./tree/tree";

export type PanelName = "output" | "problems" | "sql" | "history";

export class Workbench {
  readonly editor: Editor;
  readonly tree: Tree;
  readonly compute: Compute;
  readonly sql: Sql;
  readonly view = createStore({
    panel: "output" as PanelName,
    /** Which part a narrow page shows. */
    part: "files" as "files" | "editor" | "panels",
    notice: "",
  });

  constructor(readonly host: Host) {
    this.editor = new Editor(host.files);
    this.tree = new Tree(host, this.editor);
    this.compute = new Compute(host.compute);
    this.sql = new Sql(host.files, host.transport);
    void this.offerPage();
  }

  /** Scripts run in the page where RunMat's module was built; it is looked for beside all else. */
  private async offerPage(): Promise<void> {
    const port = await this.host.inPage?.().catch(() => undefined);
    if (port) this.compute.offer("page", port);
  }

  show(panel: PanelName): void {
    this.view.set({ panel, part: "panels" });
  }

  /** Runs the file in front: saved first, so that what runs is what is seen. */
  async run(): Promise<void> {
    const tab = this.editor.current();
    if (!tab) return;
    this.show("output");
    if (tab.path.toLowerCase().endsWith(".sql")) {
      this.show("sql");
      await this.sql.run(tab.workspace, this.editor.text(tab.key));
      return;
    }
    if (tab.isDirty && !(await this.editor.save(tab.key))) return;
    await this.compute.run(tab.workspace, { type: "file", path: tab.path });
  }

  /** Stops what runs, be it a script or a query. */
  stop(): void {
    this.sql.cancel();
    void this.compute.stop();
  }

  /** Opens a place that a problem names. */
  async jump(workspace: string, path: string, line: number, column: number): Promise<void> {
    await this.editor.open(workspace, path.replace(/^\//, ""));
    this.view.set({ part: "editor" });
    this.editor.jump(line, column);
  }
}

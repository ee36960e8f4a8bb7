// The workbench over a host in memory, to look at it without a desktop: `vite build --mode demo`.

import { Files, type Workspace } from "@oriel/fs-bindings";
import { MemoryHost } from "@oriel/fs-bindings/memory";
import type { Answer, Event, Request } from "@oriel/shared/compute";
import type { ComputePort } from "../compute/port";
import type { Host } from "../host";

const SCRIPT = `% Samples a wave and looks at its peaks.
n = 512;
t = linspace(0, 2, n);
y = sin(2 * pi * 3 * t) + 0.25 * randn(1, n);
peaks = find(y > 1);
printf("%d of %d samples are over one\\n", numel(peaks), n);
plot(t, y);
undefined_name(4)
`;

export async function demoHost(): Promise<Host> {
  const memory = new MemoryHost();
  memory.grant("runs", "runs");
  memory.grant("papers", "papers").isReadOnly = false;
  const files = new Files(memory.transport(true));
  const runs = files.workspace("runs");
  const put = (path: string, text: string) =>
    runs.replaceFile(path, new TextEncoder().encode(text));
  for (const folder of ["data", "notes", "scripts/old"]) {
    await runs.makeFolder(folder, { parents: true });
  }
  await put("wave.m", SCRIPT);
  await put(
    "query.sql",
    "select city, count(*) n, avg(value)\nfrom 'data/samples.csv'\ngroup by city\norder by n desc\n",
  );
  await put("notes/readme.md", "# Runs\n\nWhat was measured, and *how*.\n");
  await put("scripts/clean.py", "def clean(rows):\n    return [row for row in rows if row]\n");
  await put("settings.json", '{ "seed": 7, "samples": 512 }\n');
  await runs.replaceFile("data/picture.bin", new Uint8Array(5000));
  const cities = ["Lyon", "Graz", "Oslo", "Porto"];
  const line = (at: number) => `${at},${cities[(at * 7) % 4]},${((at * 37) % 1000) / 10}`;
  const lines = Array.from({ length: 20_000 }, (_, at) => line(at));
  await put("data/samples.csv", `id,city,value\n${lines.join("\n")}\n`);
  memory.trees.get("papers")!.workspace.access = "read";
  return {
    files,
    transport: "memory",
    grant: async () => (await files.workspaces())[0] as Workspace,
    openSettings: async () => {},
    compute: new DemoCompute(),
  };
}

/** A wave of which there are more points than pixels, and how often it has which height. */
function demoScene() {
  const x = Array.from({ length: 100_000 }, (_, at) => at / 50_000);
  const y = x.map((at, index) => Math.sin(6 * Math.PI * at) + ((index * 7919) % 97) / 400);
  const edges = Array.from({ length: 25 }, (_, at) => -1.2 + at * 0.1);
  const values = edges
    .slice(1)
    .map((edge) => y.filter((one) => edge - 0.1 <= one && one < edge).length);
  return {
    layout: { axesRows: 2, axesCols: 1 },
    metadata: {
      axesMetadata: [
        { title: "Wave", xLabel: "t in s", yLabel: "height" },
        { title: "", xLabel: "height", yLabel: "samples" },
      ],
    },
    plots: [
      { kind: "line", x, y, axes_index: 0, label: "measured" },
      {
        kind: "line",
        x,
        y: x.map((at) => Math.sin(6 * Math.PI * at)),
        axes_index: 0,
        label: "meant",
      },
      { kind: "bar", values, histogram_bin_edges: edges, axes_index: 1 },
    ],
  };
}

/** A session that says what a real one would. */
class DemoCompute implements ComputePort {
  private tell: (event: Event) => void = () => {};
  private run = 0;

  async start(_workspace: string, onEvent: (event: Event) => void): Promise<string> {
    this.tell = onEvent;
    this.tell({ type: "ready", protocol: 1, engine: "demo", limits: {}, isConfined: true });
    return "demo";
  }

  async ask(_session: string, request: Request): Promise<Answer> {
    if (request.type === "run") {
      this.run += 1;
      this.play(this.run);
      return { type: "started", run: this.run };
    }
    if (request.type === "figure") {
      return { type: "figure", figure: 1, scene: demoScene() };
    }
    return { type: "done" };
  }

  private play(run: number): void {
    this.tell({ type: "run_started", run, name: "wave.m" });
    const text = "71 of 512 samples are over one\n";
    this.tell({ type: "output", run, number: 1, stream: "stdout", text });
    const variable = (name: string, shape: number[], preview: string) => ({
      name,
      class: "double",
      shape,
      bytes: shape.reduce((all, one) => all * one, 8),
      preview,
      isKept: true,
    });
    const variables = [
      variable("n", [1, 1], "512"),
      variable("peaks", [1, 71], "22 23 24 …"),
      variable("t", [1, 512], "0 0.0039 0.0078 …"),
      variable("y", [1, 512], "0.12 0.31 0.05 …"),
    ];
    this.tell({ type: "variables", variables, more: 0 });
    this.tell({ type: "figures", figures: [{ figure: 1, title: "wave", plots: 3 }], changed: [1] });
    const problem = {
      severity: "error" as const,
      code: "undefined",
      message: "Undefined function or variable 'undefined_name'",
      file: "/wave.m",
      span: { startLine: 8, startColumn: 1, endLine: 8, endColumn: 15 },
      line: "undefined_name(4)",
      stack: ["wave.m:8"],
    };
    this.tell({ type: "run_ended", run, outcome: "failed", tookMs: 12, diagnostics: [problem] });
  }

  async interrupt(): Promise<void> {}
  async stop(): Promise<void> {}
}

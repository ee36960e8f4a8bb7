// Runs scripts in RunMat's module and says how long each took, how much memory it left the module with, and
// how many bytes were read and written: `node trial.mjs FOLDER`, where the folder has the module.
//
// Each workload has a process of its own, since the memory of a module never shrinks.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { host, wholeFiles } from "./host.mjs";

const MIB = 1024 * 1024;

const SUM = (name) => `
fid = fopen('${name}', 'r');
total = 0;
block = fread(fid, 1048576, 'double');
while ~isempty(block)
  total = total + sum(block);
  block = fread(fid, 1048576, 'double');
end
fclose(fid);
fprintf('%.0f\\n', total);
`;

// There is no fseek in this RunMat; reading with a gap leads to a place as well.
const CHANGE = (name, place) => `
fid = fopen('${name}', 'r+');
fread(fid, 1, 'uint8', ${place - 1});
fwrite(fid, 255, 'uint8');
fclose(fid);
disp('changed')
`;

const WRITE = (name, megabytes) => `
fid = fopen('${name}', 'w');
block = mod(0:131071, 1000);
for k = 1:${megabytes}
  fwrite(fid, block, 'double');
end
fclose(fid);
disp('written')
`;

const WORKLOADS = {
  semantics: { megabytes: 1, run: semantics },
  "semantics by messages": { megabytes: 1, run: semantics, direct: false },
  "sum 1 GiB": { megabytes: 1024, script: SUM("data.bin"), check: sum },
  "sum 1 GiB by messages": { megabytes: 1024, script: SUM("data.bin"), check: sum, direct: false },
  "change a byte of 256 MiB": { megabytes: 256, script: CHANGE("data.bin", 128 * MIB), check: changed },
  "change a byte of 1 GiB": { megabytes: 1024, script: CHANGE("data.bin", 128 * MIB), check: changed },
  "fileread 128 MiB": { megabytes: 128, script: "t = fileread('data.bin'); disp(numel(t) > 0)", check: printedOne },
  "write 256 MiB": { megabytes: 1, script: WRITE("new.bin", 256), check: written },
  "sum 256 MiB": { megabytes: 256, script: SUM("data.bin"), check: sum },
  "sum 256 MiB, RunMat's bindings": { megabytes: 256, script: SUM("data.bin"), check: sum, whole: true },
  "change a byte of 256 MiB, RunMat's bindings": {
    megabytes: 256, script: CHANGE("data.bin", 128 * MIB), check: changed, whole: true,
  },
  "write 256 MiB, RunMat's bindings": { megabytes: 1, script: WRITE("new.bin", 256), check: written, whole: true },
  "change a byte of 1 GiB, RunMat's bindings": {
    megabytes: 1024, script: CHANGE("data.bin", 128 * MIB), check: changed, whole: true,
  },
  "sum 1 GiB, RunMat's bindings": { megabytes: 1024, script: SUM("data.bin"), check: sum, whole: true },
};

const [module, workload, data] = process.argv.slice(2);
if (module === undefined) {
  console.error("name the folder of the module: node trial.mjs FOLDER");
  process.exit(2);
} else if (workload === undefined) {
  all();
} else {
  await one(WORKLOADS[workload]);
}

function all() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "oriel-runmat-"));
  let failures = 0;
  try {
    for (const [name, { megabytes, whole = false }] of Object.entries(WORKLOADS)) {
      const data = path.join(folder, "data");
      fs.mkdirSync(data);
      make(path.join(data, "data.bin"), megabytes);
      const node = spawnSync(process.execPath, [fileURLToPath(import.meta.url), module, name, data], {
        encoding: "utf8",
        maxBuffer: 64 * MIB,
      });
      fs.rmSync(data, { recursive: true });
      const line = node.stdout.trim().split("\n").at(-1);
      if (node.status === 0) {
        console.log(`${name}: ${line}`);
      } else {
        // The bindings that this does without may fail: that is what is shown.
        failures += whole ? 0 : 1;
        const words = node.stderr.split("\n").find((it) => /Error|memory|unreachable/.test(it));
        console.log(`${name}: FAILED (${node.signal ?? node.status}): ${words ?? node.stderr.slice(0, 300)}`);
      }
    }
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
  process.exit(failures === 0 ? 0 : 1);
}

/** Makes a file of doubles, each a whole number below 1000. */
function make(name, megabytes) {
  const block = new Float64Array(MIB / 8).map((_, at) => at % 1000);
  const file = fs.openSync(name, "w");
  for (let at = 0; at < megabytes; at += 1) fs.writeSync(file, block);
  fs.closeSync(file);
}

async function one({ megabytes, script, check, run, direct = true, whole = false }) {
  const runmat = await import(pathToFileURL(path.resolve(module, "runmat.js")).href);
  const bytes = fs.readFileSync(path.join(module, "runmat_bg.wasm"));
  const started = performance.now();
  const wasm = runmat.initSync({ module: bytes });
  const files = whole ? wholeFiles(data) : host(data, { direct });
  const session = await runmat.initRunMat({
    enableGpu: false, telemetryConsent: false, logLevel: "error", ...(whole && { fsProvider: files }),
  });
  runmat.takeCardAway();
  if (!whole) runmat.attachFiles(files, "trial");
  const ready = performance.now();
  const busy = process.cpuUsage();
  const text = async (source) => {
    const result = await session.executeRequest({ source: { kind: "text", name: "trial.m", text: source } });
    if (!whole) runmat.flushFiles();
    if (result.error) throw new Error(result.error.message);
    return result.stdout.map((entry) => entry.text).join("");
  };
  if (run) {
    await run(text, files, runmat);
  } else {
    check(await text(script), megabytes);
  }
  const took = performance.now() - ready;
  const cpu = process.cpuUsage(busy);
  const { calls, reads, readBytes, writes, writtenBytes } = files.counts;
  const memory = wasm.memory.buffer.byteLength;
  console.log(
    `${(took / 1000).toFixed(2)} s (${((cpu.user + cpu.system) / 1e6).toFixed(2)} of a core), ready after ${((ready - started) / 1000).toFixed(2)} s; ` +
      `${(memory / MIB).toFixed(0)} MiB of memory; ${readBytes} bytes read in ${reads} reads, ` +
      `${writtenBytes} written in ${writes} writes, ${calls} calls`,
  );
}

function sum(printed, megabytes) {
  let expected = 0;
  for (let at = 0; at < MIB / 8; at += 1) expected += at % 1000;
  assert.equal(printed.trim(), String(expected * megabytes));
}

function changed(printed) {
  assert.equal(printed.trim(), "changed");
  const file = fs.openSync(path.join(data, "data.bin"), "r");
  const bytes = Buffer.alloc(3);
  fs.readSync(file, bytes, 0, 3, 128 * MIB - 1);
  const before = Buffer.from(new Float64Array([((128 * MIB) / 8 - 1) % (MIB / 8) % 1000]).buffer);
  assert.equal(bytes[0], before[7]);
  assert.equal(bytes[1], 255);
}

function printedOne(printed) {
  assert.equal(printed.trim(), "1");
}

function written(printed) {
  assert.equal(printed.trim(), "written");
  const expected = Buffer.from(new Float64Array(MIB / 8).map((_, at) => at % 1000).buffer);
  const file = fs.openSync(path.join(data, "new.bin"), "r");
  assert.equal(fs.fstatSync(file).size, 256 * MIB);
  const block = Buffer.alloc(MIB);
  for (let at = 0; at < 256; at += 1) {
    fs.readSync(file, block, 0, MIB, at * MIB);
    assert(block.equals(expected), `mebibyte ${at} is another`);
  }
}

/** What a script may rely on, whichever way its bytes go. */
async function semantics(text, files, runmat) {
  const lines = async (source) => (await text(source)).trim();
  // Written, left open, and read back by the same run; on disk once the run is over.
  assert.equal(await lines(`
    out = fopen('a.txt', 'w');
    fprintf(out, 'one\\ntwo\\n');
    disp(strtrim(fileread('a.txt')));
  `), "one\ntwo");
  assert.equal(fs.readFileSync(path.join(data, "a.txt"), "utf8"), "one\ntwo\n");
  await text("fprintf(out, 'three\\n'); fclose(out);");
  assert.equal(fs.readFileSync(path.join(data, "a.txt"), "utf8"), "one\ntwo\nthree\n");
  // To the end.
  await text("f = fopen('a.txt', 'a'); fprintf(f, 'four\\n'); fclose(f);");
  assert.equal(fs.readFileSync(path.join(data, "a.txt"), "utf8"), "one\ntwo\nthree\nfour\n");
  // Line by line, up to the end.
  assert.equal(await lines(`
    f = fopen('a.txt'); n = 0;
    while ~feof(f)
      fgetl(f); n = n + 1;
    end
    fclose(f); disp(n)
  `), "4");
  // A file that is not there is told from one that is.
  assert.equal(await lines("f = fopen('none.txt'); disp(f)"), "-1");
  assert.equal(await lines("disp(exist('a.txt', 'file') > 0)"), "1");
  assert.equal(await lines("disp(exist('none.txt', 'file'))"), "0");
  // Folders, and names in them: more than one page of a list. A pattern would find nothing in any page.
  await text("mkdir('sub'); movefile('a.txt', 'sub/b.txt');");
  assert.equal(fs.readFileSync(path.join(data, "sub/b.txt"), "utf8").length, 19);
  for (const name of ["p.txt", "q.txt", "r.txt", "s.txt", "t.txt"]) fs.writeFileSync(path.join(data, name), name);
  assert.equal(await lines("d = dir('.'); disp(numel(d))"), "9");
  await text("delete('p.txt');");
  assert.equal(fs.existsSync(path.join(data, "p.txt")), false);
  // What does not fit is refused, and the session goes on.
  fs.truncateSync(path.join(data, "q.txt"), 129 * MIB);
  await assert.rejects(text("fileread('q.txt');"), /in pieces with fread/);
  fs.writeFileSync(path.join(data, "q.txt"), "q.txt");
  // A place above the workspace is the workspace.
  assert.equal(await lines("disp(fileread('../../q.txt'))"), "q.txt");
  // A script that fails says where.
  await assert.rejects(text("x = nothing_of_that_name(1);"));
  assert.equal(files.openFiles(), 0, "every file is closed again");
  runmat.detachFiles();
  await assert.rejects(text("fileread('q.txt')"), /no workspace/);
}

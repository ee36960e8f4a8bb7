// A command is one native command with what the wire wants, and its refusal keeps its code.

import type { ResolveConflict, SyncEvent } from "@oriel/shared/sync";
import { expect, test } from "vitest";
import { type Listen, SYNC_EVENT, Sync, SyncError } from "./sync";

const nobody: Listen = async () => () => {};

test("every command says what was meant, and says null where there was nothing", async () => {
  const said: [string, unknown][] = [];
  const sync = new Sync(async (name, body) => {
    said.push([name, body]);
    return { sessionId: "s1" };
  }, nobody);
  const resolve: ResolveConflict = {
    sessionId: "s1",
    path: "a",
    resolution: "merged",
    content: "",
    expectLocal: null,
    expectRemote: "ab",
  };
  await sync.start({ sessionId: "s1", localDir: "/home/me" });
  await sync.stop({ sessionId: "s1", forget: true });
  expect(await sync.status("s1")).toEqual({ sessionId: "s1" });
  await sync.confirm({ sessionId: "s1", reason: "mass_delete", restore: true });
  await sync.resolve(resolve);
  await sync.versions({ sessionId: "s1", path: "a" });
  expect(said).toEqual([
    ["start_sync", { sessionId: "s1", localDir: "/home/me" }],
    ["stop_sync", { sessionId: "s1", forget: true }],
    ["sync_status", { sessionId: "s1" }],
    ["confirm_sync", { sessionId: "s1", reason: "mass_delete", restore: true }],
    ["resolve_conflict", resolve],
    ["conflict_versions", { sessionId: "s1", path: "a" }],
  ]);
});

test.each([
  [{ code: "folder_not_empty", message: "there is something in it" }, "folder_not_empty"],
  ["start_sync not allowed", "system"],
  [new Error("gone"), "system"],
  [null, "system"],
])("a refusal is an error with its code: %j", async (thrown, code) => {
  const sync = new Sync(() => Promise.reject(thrown), nobody);
  const failed = await sync.start({ sessionId: "s1", localDir: "/" }).catch((error) => error);
  expect(failed).toBeInstanceOf(SyncError);
  expect(failed.code).toBe(code);
  expect(failed.message).not.toBe("");
});

test("events are heard until that is ended, and unknown ones are passed over", async () => {
  const heard: SyncEvent[] = [];
  let tell: (event: { payload: unknown }) => void = () => {};
  const listen: Listen = async (name, onEvent) => {
    expect(name).toBe(SYNC_EVENT);
    tell = onEvent;
    return () => {
      tell = () => {};
    };
  };
  const end = await new Sync(async () => undefined, listen).onEvent((event) => heard.push(event));
  const event = { type: "resolved", sessionId: "s1", id: 3, path: "a" };
  for (const payload of [event, { type: "of another version" }, null, "x"]) tell({ payload });
  expect(heard).toEqual([event]);
  end();
  tell({ payload: event });
  expect(heard.length).toBe(1);
});

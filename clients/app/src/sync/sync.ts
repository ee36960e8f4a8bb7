// Sync by the desktop's native commands, and what the desktop tells of it.

import type { Invoke } from "@oriel/fs-bindings";
import type {
  ConfirmSync,
  ConflictTexts,
  ConflictVersions,
  ResolveConflict,
  StartSync,
  StopSync,
  SyncEvent,
  SyncFailed,
  SyncStatus,
} from "@oriel/shared/sync";
import { listen as tauriListen } from "@tauri-apps/api/event";

/** What is listened for. */
export const SYNC_EVENT = "sync-event";

/** Hears events of a name, until what it returns is called. */
export type Listen = (
  name: string,
  onEvent: (event: { payload: unknown }) => void,
) => Promise<() => void>;

/** A command was not done. */
export class SyncError extends Error {
  constructor(
    readonly code: SyncFailed["code"],
    message: string,
  ) {
    super(message);
    this.name = "SyncError";
  }
}

/** Keeps a session's workspace and a local folder equal. Every command fails with a `SyncError`. */
export class Sync {
  constructor(
    private readonly invoke: Invoke,
    private readonly listen: Listen = tauriListen,
  ) {}

  /** Begins. A folder with something in it wants `confirmNonEmpty`. */
  start(command: StartSync): Promise<SyncStatus> {
    return this.ask("start_sync", command);
  }

  /** Ends. No file of the folder is removed. */
  stop(command: StopSync): Promise<SyncStatus> {
    return this.ask("stop_sync", command);
  }

  status(sessionId: string): Promise<SyncStatus> {
    return this.ask("sync_status", { sessionId });
  }

  /** Goes on after a pause, or puts back what would be removed. */
  confirm(command: ConfirmSync): Promise<SyncStatus> {
    return this.ask("confirm_sync", command);
  }

  /** Ends a conflict, where both versions are still those that were seen. */
  resolve(command: ResolveConflict): Promise<SyncStatus> {
    return this.ask("resolve_conflict", command);
  }

  versions(asked: ConflictVersions): Promise<ConflictTexts> {
    return this.ask("conflict_versions", asked);
  }

  /** Hears what happens to every sync, until what it returns is called. */
  onEvent(hear: (event: SyncEvent) => void): Promise<() => void> {
    return this.listen(SYNC_EVENT, ({ payload }) => {
      if (isEvent(payload)) hear(payload);
    });
  }

  private async ask<T>(name: string, command: object): Promise<T> {
    try {
      return (await this.invoke(name, command)) as T;
    } catch (thrown) {
      throw asSyncError(thrown);
    }
  }
}

/** Returns what was thrown as an error of sync. The host itself refuses in plain words. */
export function asSyncError(thrown: unknown): SyncError {
  if (thrown instanceof SyncError) return thrown;
  if (typeof thrown === "object" && thrown !== null && "code" in thrown && "message" in thrown) {
    const failed = thrown as SyncFailed;
    return new SyncError(failed.code, String(failed.message));
  }
  return new SyncError("system", thrown instanceof Error ? thrown.message : String(thrown));
}

/** What a newer desktop tells besides is passed over. */
function isEvent(payload: unknown): payload is SyncEvent {
  const known = ["status", "conflict", "resolved", "notice"];
  return (
    typeof payload === "object" &&
    payload !== null &&
    "type" in payload &&
    known.includes(String(payload.type))
  );
}

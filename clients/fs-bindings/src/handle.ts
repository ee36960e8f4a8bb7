// An open file, as a page holds it.

import type { Mode, Stat } from "./generated/hostfs";
import type { HandleNumber } from "./message";

export class FileHandle implements HandleNumber {
  /** Whether this process reads and writes it by a descriptor of its own. */
  direct: boolean;
  closed = false;

  constructor(
    readonly hi: number,
    readonly lo: number,
    readonly workspace: string,
    readonly path: string,
    readonly mode: Mode,
    /** What was known of the file when it was opened. */
    readonly stat: Stat,
    direct: boolean,
  ) {
    this.direct = direct;
  }
}

// What the types of used packages take for granted and do not bring.

/** The engine's module, as far as it is used. */
interface EmscriptenModule {
  HEAPU8: Uint8Array;
  HEAPF64: Float64Array;
  _malloc(bytes: number): number;
}

declare namespace Emscripten {
  type JSType = "number" | "string" | "array" | "boolean";
}

declare function stackSave(): number;
declare function stackAlloc(bytes: number): number;
declare function stackRestore(at: number): void;
declare function ccall(
  name: string,
  returns: Emscripten.JSType | null,
  types: Emscripten.JSType[],
  values: unknown[],
): unknown;

/** Only workers have it. */
declare class FileReaderSync {
  readAsArrayBuffer(blob: Blob): ArrayBuffer;
}

/** Whether RunMat's module lies in `public/runmat` of this build. */
declare const __RUNMAT_BUILT__: boolean;

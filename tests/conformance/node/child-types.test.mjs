// The declarations of the client for handlers: what they allow compiles, and what they forbid does not.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const HANDLERS = fileURLToPath(new URL("child-handlers.mts", import.meta.url));

test("handlers in TypeScript are checked", () => {
  const program = ts.createProgram([HANDLERS], {
    noEmit: true,
    strict: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    lib: ["lib.es2022.d.ts", "lib.dom.d.ts"],
    types: [],
  });

  const found = ts.getPreEmitDiagnostics(program);

  assert.deepEqual(found.map((one) => ts.flattenDiagnosticMessageText(one.messageText, "\n")), []);
});

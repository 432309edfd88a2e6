// A client that generators make from the OpenAPI document: it has to compile, and to work.
import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import openapiTS, { astToString } from "openapi-typescript";
import ts from "typescript";
import { unique, useServer } from "./support.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const server = useServer();
let directory;
let problems;
let client;

/** Compiles a copy of jobs-client.ts beside the types made from the document. */
function compile(types) {
  const source = join(directory, "jobs-client.ts");
  copyFileSync(join(here, "jobs-client.ts"), source);
  writeFileSync(join(directory, "jobs-api.ts"), types);
  writeFileSync(join(directory, "package.json"), '{"type":"module"}');
  symlinkSync(join(here, "node_modules"), join(directory, "node_modules"));
  const program = ts.createProgram([source], {
    strict: true,
    skipLibCheck: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    outDir: directory,
  });
  const { diagnostics } = program.emit();
  return [...ts.getPreEmitDiagnostics(program), ...diagnostics].map((each) =>
    ts.flattenDiagnosticMessageText(each.messageText, "\n"),
  );
}

/** Once, when the server is there: hooks of one file do not wait for each other. */
async function make() {
  if (client) return;
  directory = mkdtempSync(join(tmpdir(), "tranter-openapi-"));
  const document = await (await fetch(`${server.admin}/v1/openapi.json`)).json();
  problems = compile(astToString(await openapiTS(document)));
  client = await import(pathToFileURL(join(directory, "jobs-client.js")));
}
after(() => directory && rmSync(directory, { recursive: true }));

test("the types fit what a user writes", async () => {
  await make();

  assert.deepEqual(problems, []);
});

test("the client does a job from its enqueue to its result", async () => {
  await make();

  const job = await client.sendMail(server.admin, unique());

  assert.equal(job.state, "completed");
  assert.deepEqual(job.result, { attempt: 1 });
  assert.deepEqual(job.payload, { to: "a@b" });
  assert.equal(job.retry.max_attempts, 3);
});

test("errors are typed problems", async () => {
  await make();

  assert.equal(await client.refusal(server.admin, unique()), "invalid_argument");
});

// Runs inside a release's own program: milliseconds from nothing to a verdict on its native files, as a launcher's
// cold path does it. Arguments: the release, then its native files.
import { createJudge } from "../../dist/compat/judge.js";
import { withNativeFile } from "../../dist/host/file-source.js";
import { readHost } from "../../dist/host/host.js";
import { readRuntime } from "../../dist/host/runtime.js";

const [release = "", ...files] = process.argv.slice(2);
const begun = performance.now();
const host = readHost({ env: {}, arch: process.arch });
const runtime = readRuntime(`${release}/lib/brain`, process.versions);
const { judge } = createJudge(host, runtime);
const verdicts = files.map((path) => withNativeFile(path, (file) => judge({ path, file }).verdict));
const milliseconds = performance.now() - begun;
if (verdicts.some((verdict) => verdict !== "ok"))
  throw new Error(`unexpected verdicts: ${verdicts.join(" ")}`);
console.log(milliseconds.toFixed(2));

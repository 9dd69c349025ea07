/** What an image has to add for a release's libraries. */
import { describe, expect, it } from "vitest";
import { renderImage } from "../../../../src/build/docker/render.ts";
import { chooseBases, type Strategy } from "../../../../src/build/docker/strategy.ts";
import type { Manifest } from "../../../../src/release/manifest.ts";
import { brokenRules, parseDockerfile } from "../../../support/build/dockerfile-rules.ts";
import { ownNodeManifest } from "../../../support/build/manifests.ts";

function dockerfile(strategy: Strategy, manifest: Manifest): string {
  const bases = chooseBases(strategy, manifest, undefined);
  const release = "releases/notes-v1.2.3-linux-x64";
  return renderImage({ strategy, manifest, bases, release, compose: "without compose" })["Dockerfile"] ?? "";
}

/** Of the final stage. */
function copies(text: string): string[] {
  const all = parseDockerfile(text);
  const last = all.filter(({ name, stage }) => name === "COPY" && stage === all.at(-1)?.stage);
  return last.map((one) => one.text);
}

describe("a release that needs a library which slim images do not have", () => {
  const by = ["node"];
  const requires = {
    arch: "x64",
    libc: "glibc",
    abi: [],
    libraries: ["libatomic.so.1", "libstdc++.so.6", "libgcc_s.so.1"].map((value) => ({ value, by })),
  } as const;
  const needy = {
    ...ownNodeManifest,
    requires: { ...requires, abi: [], libraries: [...requires.libraries] },
  };
  const FILE = "/usr/lib/x86_64-linux-gnu/libatomic.so.1";

  it.each(["multi-stage", "vendored", "runtime", "lazy", "static-base"] as const)(
    "adds it from Debian in %s, where it is missing",
    (strategy) => {
      const text = dockerfile(strategy, needy);
      expect(brokenRules(text)).toEqual([]);
      const added = parseDockerfile(text).filter((one) => one.text.includes("apt-get install"));
      expect(added).toHaveLength(1);
      expect(added[0]?.text).toContain(`! { [ -e ${FILE} ]; }`);
      expect(added[0]?.text).toContain(" --no-install-recommends libatomic1 && ");
    },
  );

  it("copies it to a base without a shell", () => {
    const [first] = copies(dockerfile("static-base", needy));
    expect(first).toBe("--from=modules /layers/libraries/ /");
    expect(dockerfile("static-base", needy)).toContain(`cp -L --parents ${FILE} /layers/libraries/`);
    expect(dockerfile("multi-stage", needy)).not.toContain("/layers/libraries");
  });

  it("is looked for where the release's machine has it", () => {
    const arm = dockerfile("multi-stage", { ...needy, target: "linux-arm64-gnu" });
    expect(arm).toContain("[ -e /usr/lib/aarch64-linux-gnu/libatomic.so.1 ]");
  });

  it("adds nothing for what every slim image has, or what no package is known for", () => {
    for (const value of ["libstdc++.so.6", "libown.so.1", "libatomic.so.1 $(id)"]) {
      const text = dockerfile("multi-stage", {
        ...needy,
        requires: { ...needy.requires, libraries: [{ value, by }] },
      });
      expect(text).not.toContain("apt-get");
    }
  });
});

describe("a release whose app calls programs of the host", () => {
  const programs = ["git", "pdftotext"];

  it.each(["multi-stage", "vendored", "runtime", "lazy"] as const)(
    "gets them from Debian in %s",
    (strategy) => {
      const text = dockerfile(strategy, { ...ownNodeManifest, programs });
      expect(brokenRules(text)).toEqual([]);
      const added = parseDockerfile(text).filter((one) => one.text.includes("apt-get install"));
      expect(added).toHaveLength(1);
      // The stage that installs them is the image itself, or the base that the image begins with.
      const stages = text.match(/^FROM .*$/gm) ?? [];
      expect([stages[0], "FROM base"]).toContain(stages.at(-1));
      expect(added[0]?.text).toContain("! { command -v git >/dev/null && command -v pdftotext >/dev/null; }");
      expect(added[0]?.text).toContain(" --no-install-recommends git poppler-utils && ");
    },
  );

  it("gets them from Alpine", () => {
    const text = dockerfile("runtime", { ...ownNodeManifest, target: "linux-x64-musl", programs });
    expect(text).toContain("apk add --no-cache libgcc libstdc++ git poppler-utils;");
  });
});

/**
 * The names that Bun's compiler replaces by a value. Without a definition of its own, Bun 1.3.7 and 1.4.5 put
 * `process.env.NODE_ENV` of the builder's shell into the binary ("development" when it is unset), and compile JSX for
 * development unless that value is "production". Every other variable stays a lookup at run time.
 */
import type { BuildSettings } from "../app/index.ts";

const NODE_ENV = "process.env.NODE_ENV";

/** The definitions of a release. Those of `gantry.build.defines` come before gantry's own. */
export function releaseDefines({ defines }: BuildSettings): Readonly<Record<string, string>> {
  return { [NODE_ENV]: JSON.stringify("production"), ...defines };
}

/** The expression that replaces `process.env.NODE_ENV`, as the build's table prints it. */
export function nodeEnvOf(settings: BuildSettings): string {
  return releaseDefines(settings)[NODE_ENV] ?? "";
}

/**
 * Says whether JSX is compiled for development. A value that only the host knows means no: in production, React's
 * development runtime of JSX has no functions.
 */
export function isDevelopment(defines: Readonly<Record<string, string>>): boolean {
  return /^(["'`])development\1$/.test(defines[NODE_ENV] ?? "");
}

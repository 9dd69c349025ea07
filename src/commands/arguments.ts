/** Arguments that several commands share. */
export const app = {
  type: "positional",
  required: false,
  default: ".",
  description: "the app's directory",
} as const;

export const target = {
  type: "string",
  valueHint: "T,…",
  description: "platform of the release; may be given more than once",
} as const;

export const bun = {
  type: "string",
  valueHint: "PATH",
  description: "the Bun to use instead of the app's own",
} as const;

export const json = { type: "boolean", description: "for programs" } as const;

export const release = {
  type: "positional",
  required: true,
  description: "a release's directory, or a file",
} as const;

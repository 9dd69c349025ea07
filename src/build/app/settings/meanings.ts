/**
 * Describes keys for people. docs/settings.md is generated from these texts and from the schemas. A key without a text
 * is an error of types.
 */
export type Meanings<Key extends string> = Readonly<Record<Key, string>>;

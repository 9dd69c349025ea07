/**
 * The door of build/sign: minisign keys, signatures and their verification. Secret keys are made or read, and never
 * copied.
 */
export { keygen, needsPassword, readPublicKey } from "./keys.ts";
export { openRelease, signFile, signRelease } from "./sign.ts";
export { verifyFile, verifyRelease } from "./verify-signature.ts";
export { revokeKey, succeedKey } from "./statement.ts";

/** The door of the release room: what others may use of it. */
/** Bun's text lockfile as data. */
export {
  type BunLock,
  type LockEntry,
  type LockInfo,
  lockKey,
  parseBunLock,
  platformList,
  type RegistryEntry,
  resolveKey,
  splitKey,
} from "./bun-lock.ts";
/** What a bundle says of itself. */
export {
  BUNDLE_HEAD_BYTES,
  type BundleIdentity,
  type Compression,
  parseBundleHead,
  readCompression,
  withBundleHead,
} from "./bundle.ts";
/** What the launcher keeps of its caller's environment. */
export {
  DIRECTORY_VARIABLE,
  isKept,
  KEPT_PATHS,
  KEPT_VARIABLES,
  LAUNCHER_RUNTIME,
  LIBRARY_PATH_VARIABLE,
} from "./caller.ts";
/** Every path of a release, in one place. */
export {
  bundleName,
  isSignature,
  isVendoredBundle,
  NAMES,
  programPath,
  releaseBase,
  type ReleaseLayout,
  releaseLayout,
  releaseName,
  signatureOf,
  vendoredBundle,
} from "./layout.ts";
/** lib/release.json, the one thing both sides share. */
export {
  availableExternals,
  bundleCompression,
  type ExternalModule,
  filesOfTree,
  formatManifest,
  type Manifest,
  manifestTarget,
  nativeByModule,
  parseManifest,
  type ReleaseBundle,
  releaseId,
  type ReleaseRequires,
  type ReleaseRuntime,
  runsOnSystem,
  runtimeName,
  SCHEMA,
  treeDigest,
  type TreeModule,
  wantedModules,
} from "./manifest.ts";
/** The load probe's protocol. */
export { MODULES_VARIABLE, parseProbeOutput, PROBE_VARIABLE, type ProbeRequest } from "./probe.ts";
/** What a release says of itself as a systemd service, and the one description of every value in it. */
export {
  ACTIVATE_TIMEOUT,
  ActivateSchema,
  ActivateTimeout,
  DirectoryPath,
  Exposure,
  HealthPath,
  HealthSettle,
  HealthWindow,
  Line,
  Memory,
  Port,
  type Service,
  ServiceType,
  Tasks,
  UserName,
} from "./service.ts";
/** Which keys may sign the releases of a service, and how that changes. */
export {
  applyStatements,
  formatStatement,
  isStatementPath,
  isStatementSigned,
  keyIdOf,
  type Keyring,
  type KeyStatement,
  knowsSigner,
  parseStatement,
  pinnedKeys,
  requireSigner,
  type SignedStatement,
  trustedKeys,
} from "./signing/keyring.ts";
/** Checking the signature of a file of any size, without holding it in memory. */
export { readPrehash, verifySignedFile } from "./signing/minisign-file.ts";
/** minisign's secret keys. */
export {
  createSecretKey,
  formatSecretKey,
  holdsSecretKey,
  parseSecretKey,
  type SecretKey,
  type SecretKeyFile,
  unlockSecretKey,
} from "./signing/minisign-secret.ts";
/** Writing minisign signatures. */
export { formatSignature } from "./signing/minisign-sign.ts";
/** Verification of minisign signatures. */
export {
  createPrehash,
  encodePublicKey,
  formatKeyId,
  parsePublicKey,
  parseSignature,
  type PublicKey,
  type Signature,
  UNTRUSTED_PREFIX,
  type VerifiedSignature,
  verifyMinisign,
  verifySignature,
} from "./signing/minisign.ts";
/** The stamp says "this tree was proven on this host". */
export { absentName, hostId, LIBC_MARKS, NOTE, noteLine, noteName, stampName, systemName } from "./stamp.ts";
/** Where prepared trees lie that cannot lie beside their release. */
export {
  type Candidate,
  parseCandidates,
  STORE_NAME,
  STORE_STATUS,
  STORE_USED,
  STORE_VARIABLES,
  storeLabel,
  storeTreeName,
  type StoreVariable,
  temporaryAbove,
} from "./store.ts";
/** A release compared with its SHA256SUMS, in both directions. */
export {
  bundlesOf,
  compareListed,
  compareWithSums,
  parseSums,
  SIGNATURE_NAME,
  sumMismatch,
  type Sums,
} from "./sums.ts";
/** The platforms that a release can be made for, and what each means to Bun, to npm and to a POSIX shell. */
export {
  acceptsTarget,
  cpuFlagOfBun,
  type Libc,
  parseTarget,
  runsOn,
  type Target,
  targetOfHost,
  TARGETS,
  targetSuffix,
} from "./targets.ts";
/** A directory tree as a sorted list of its files with size, SHA-256 and mode. */
export {
  digestOfFiles,
  type EntryHash,
  type FileEntry,
  normalMode,
  readFileEntry,
  readTreeEntry,
  readTreeFiles,
  sha256,
  startEntry,
  topOf,
  type TreeFile,
} from "./tree.ts";
/** What lies in a release and is not listed. */
export { groupUnlisted, parentsOf } from "./unlisted.ts";

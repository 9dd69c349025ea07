/**
 * The door of the release room: the formats that build side and host side share. Everything that other rooms may use;
 * preludes and stubs import single files, so that little code is compiled into every app.
 */
/** `parseBunLock` parses bun.lock: the build reads an app's, the launcher a release's. */
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
  withInfo,
} from "./bun-lock.ts";
/** These write and parse the head of a bundle, which names its release. */
export {
  BUNDLE_HEAD_BYTES,
  type BundleIdentity,
  type Compression,
  parseBundleHead,
  readCompression,
  withBundleHead,
} from "./bundle-head.ts";
/** The variables that the launcher keeps from its caller's environment, and those that pass facts to it. */
export {
  DIRECTORY_VARIABLE,
  isKept,
  KEPT_PATHS,
  KEPT_VARIABLES,
  LAUNCHER_RUNTIME,
  LIBRARY_PATH_VARIABLE,
} from "./start/caller.ts";
/** `releaseLayout` has every path of a release; `NAMES` has the names in it. */
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
/** These write, parse and query lib/release.json, the manifest. */
export {
  availableExternals,
  onlyBundled,
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
  runtimeAbi,
  runtimeName,
  SCHEMA,
  treeDigest,
  type TreeModule,
  wantedModules,
  ProgramName,
} from "./manifest.ts";
/** The protocol of the load probe between launcher and app. */
export {
  MODULES_VARIABLE,
  parseProbeOutput,
  PROBE_VARIABLE,
  type ProbeRequest,
} from "./start/probe-protocol.ts";
/** Schemas of the service's settings, for the manifest and for the app's package.json. */
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
  CpuQuota,
  OpenFiles,
  ServiceEnvironment,
  UserName,
  WorkingDirectory,
} from "./service-schema.ts";
/** Statements by which a key names its successor or is revoked, and what they make of a keyring. */
export {
  applyStatements,
  formatStatement,
  isStatementPath,
  isStatementSigned,
  type KeyStatement,
  parseStatement,
  type SignedStatement,
} from "./signing/key-succession.ts";
/** A keyring has the keys that may sign releases; statements change it. */
export {
  keyIdOf,
  type Keyring,
  knowsSigner,
  pinnedKeys,
  requireSigner,
  trustedKeys,
} from "./signing/keyring.ts";
/** These hash and verify a signed file of any size. */
export { readPrehash, verifySignedFile } from "./signing/minisign-file.ts";
/** These make, write and read minisign's secret keys; only the build side uses them. */
export {
  createSecretKey,
  formatSecretKey,
  holdsSecretKey,
  parseSecretKey,
  type SecretKey,
  type SecretKeyFile,
  unlockSecretKey,
} from "./signing/minisign-secret.ts";
/** `formatSignature` writes a minisign signature. */
export { formatSignature } from "./signing/minisign-sign.ts";
/** These parse public keys and signatures, and verify signatures. */
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
/** Names of the stamp and of the files beside it, for stub and launcher. */
export {
  absentName,
  hostId,
  LIBC_MARKS,
  NOTE,
  NOTE_STORE,
  notePath,
  NOTES,
  stampName,
  systemName,
} from "./start/stamp.ts";
/** These find the stores of an environment, for trees that cannot lie beside their release. */
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
/** These parse SHA256SUMS and compare a release with it. */
export {
  bundlesOf,
  compareListed,
  compareWithSums,
  parseSums,
  SIGNATURE_NAME,
  sumMismatch,
  type Sums,
} from "./sums.ts";
/** The platforms that a release can be made for. */
export {
  acceptsTarget,
  abiOfBun,
  cpuFlagOfBun,
  type Libc,
  parseTarget,
  runsOn,
  type Target,
  targetOfHost,
  TARGETS,
  targetSuffix,
} from "./targets.ts";
/** These list and hash the files of a directory tree. */
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
export { groupUnlisted, parentsOf } from "./group-unlisted.ts";

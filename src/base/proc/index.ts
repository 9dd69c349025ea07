/** The door of the base/proc room: processes and their listening sockets, as /proc shows them, for all other rooms. */
/** These parse what the kernel writes. */
export {
  type Address,
  canonicalIPv6,
  formatAddress,
  hasOthers,
  type Listener,
  parseListeners,
  parseUnixListeners,
} from "./listeners.ts";
/** These read it. */
export {
  readFact,
  readListeners,
  readNetwork,
  readProcesses,
  readSockets,
  readUnixListeners,
} from "./sockets.ts";

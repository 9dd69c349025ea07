/** The door of the base/proc room: processes and their listening sockets, as /proc shows them, for all other rooms. */
export {
  type Address,
  canonicalIPv6,
  formatAddress,
  hasOthers,
  type Listener,
  parseListeners,
} from "./listeners.ts";
export { readFact, readListeners, readNetwork, readSockets } from "./sockets.ts";

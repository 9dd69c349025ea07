/** Listening unix sockets, from a table as Linux 6 wrote it. */
import { expect, it } from "vitest";
import { parseUnixListeners } from "../../../../src/base/proc/index.ts";

const UNIX = `Num       RefCount Protocol Flags    Type St Inode Path
00000000afe36eb4: 00000002 00000000 00010000 0001 01 18012 /run/app/a b.sock
000000009ac2f0d3: 00000002 00000000 00010000 0001 01 18013 @abstract
00000000af6fb9e1: 00000003 00000000 00000000 0001 03 18014 /run/app/connected.sock
00000000af6fb9e2: 00000002 00000000 00010000 0001 01 18015
`;

it("names the listening unix sockets that have a name", () => {
  expect(parseUnixListeners(UNIX)).toEqual([
    { path: "/run/app/a b.sock", inode: "18012" },
    { path: "@abstract", inode: "18013" },
  ]);
});

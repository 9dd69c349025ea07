/**
 * A stand-in for Home Assistant's add-on base: an image whose /init does with a command what s6-overlay 3 says it does (its
 * README, "Customizing s6-overlay behaviour", and MOVING-TO-V3). It is a shell script: s6-overlay itself is only had as a
 * download.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { must, type Containers } from "./containers.ts";

const INIT = `#!/bin/sh
# Process 1 or nothing, as root.
if [ $$ -ne 1 ]; then echo "init: can only run as process 1" >&2; exit 100; fi
if [ "$(id -u)" -ne 0 ]; then echo "init: not root" >&2; exit 111; fi
keep=\${S6_KEEP_ENV:-0} divert=\${S6_CMD_RECEIVE_SIGNALS:-0} grace=\${S6_KILL_GRACETIME:-3000}

# The command sees the container's variables only when init is told so; else it gets a PATH.
if [ "$keep" -gt 0 ]; then "$@" &
else env -i PATH="/command:/usr/bin:/bin" "$@" &
fi
command=$!

# By default a signal stops the container: everything is told to end, and killed when its time is over. Diverted, it is
# the command's alone, and the container goes when the command has gone.
stop() {
  stopped=1
  kill -s TERM -- -1
  (sleep "$((grace / 1000))"; kill -s KILL "$command") 2>/dev/null &
}
stopped=0
if [ "$divert" -gt 0 ]; then trap 'kill -s TERM "$command"' TERM
else trap stop TERM
fi
while kill -0 "$command" 2>/dev/null; do
  wait "$command"
  status=$?
done
# The command's own status is the container's, unless the container was stopped from outside.
[ "$stopped" -eq 0 ] || status=0
exit "$status"
`;

/** Makes such a base of an image that is there. */
export function buildAddonBase(containers: Containers, from: string, name: string): void {
  const context = mkdtempSync(join(tmpdir(), "gantry-addon-base-"));
  try {
    writeFileSync(join(context, "init"), INIT, { mode: 0o755 });
    writeFileSync(join(context, "Dockerfile"), `FROM ${from}\nCOPY init /init\nENTRYPOINT ["/init"]\n`);
    must(containers.build(context, { tag: name, network: "none" }));
  } finally {
    rmSync(context, { recursive: true, force: true });
  }
}

// Runs in a host's network namespace: takes connections on a unix socket, whose path the whole machine sees, and
// passes each on to a port of that namespace. Arguments: SOCKET PORT. Prints a line when it listens.
import { connect, createServer } from "node:net";

const [socket, port] = process.argv.slice(2);
const server = createServer((outside) => {
  const inside = connect(Number(port), "127.0.0.1");
  // An app that is down is seen from outside as a connection that ends without an answer.
  for (const side of [outside, inside]) {
    side.on("error", () => {
      outside.destroy();
      inside.destroy();
    });
  }
  outside.pipe(inside).pipe(outside);
});
server.listen(socket, () => console.log("listening"));

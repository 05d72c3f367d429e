/** Listens and answers every connection with its source address. Prints its port when it listens. */
const [address = "0.0.0.0", port = "0"] = process.argv.slice(2);

const server = Bun.listen({
  hostname: address,
  port: Number(port),
  socket: {
    open(socket) {
      socket.end(socket.remoteAddress);
    },
    data() {},
  },
});
console.log(server.port);
// Ends with its parent, also if that is killed.
for await (const _ of Bun.stdin.stream());
process.exit(0);

export {};

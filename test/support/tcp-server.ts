/** Listens and answers every connection with the address it came from. Prints its port when it can be reached. */
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
// Ends with whoever started it, even when that is killed.
for await (const _ of Bun.stdin.stream());
process.exit(0);

export {};

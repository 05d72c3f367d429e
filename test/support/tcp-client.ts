/** Connects and prints the server's answer: the client's address. Fails with a word if it cannot. */
const [address = "", port = "", limitMs = "2000"] = process.argv.slice(2);

const limit = setTimeout(() => fail("timeout"), Number(limitMs));

function fail(word: string): never {
  console.error(word);
  process.exit(1);
}

let answer = "";
Bun.connect({
  hostname: address,
  port: Number(port),
  socket: {
    data(_, bytes) {
      answer += bytes.toString();
    },
    close() {
      clearTimeout(limit);
      console.log(answer);
      process.exit(0);
    },
    connectError: (_, error) => fail((error as NodeJS.ErrnoException).code ?? error.message),
  },
}).catch((error) => fail(error.code ?? error.message));

export {};

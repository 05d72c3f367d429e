/** The system's message bus (D-Bus), one call at a time. */
import { code, Fault } from "../../conf/fault.ts";
import { errno, isKernelError } from "../../sys/errors.ts";
import { closeFile, readFile, writeFile } from "../../sys/libc.ts";
import { isShared, mayBlock } from "../../sys/sharedProcess.ts";
import { connectUnix } from "../../sys/sysRare.ts";
import { type Call, decodeMessage, encodeCall, messageLength, type Received } from "./message.ts";

/** firewalld rewrites all its rules for some calls, which takes long with many rules. */
const timeoutMs = 30_000;
/** For a process that has other calls to serve: the bus itself answers at once. */
const sharedTimeoutMs = 100;
const answerBytesMax = 1024 * 1024;
const defaultAddress = "unix:path=/var/run/dbus/system_bus_socket";

const dbus = {
  destination: "org.freedesktop.DBus",
  path: "/org/freedesktop/DBus",
  interface: "org.freedesktop.DBus",
} as const;

/** A refusal in the callee's words: `ZONE_CONFLICT: '10.0.0.2/32' already bound to a zone`. */
export class BusError extends Error {}

export class Bus implements Disposable {
  readonly #socket: number;
  #received = new Uint8Array(0);
  #serial = 0;

  private constructor(socket: number) {
    this.#socket = socket;
  }

  /** Undefined if there is no bus. DBUS_SYSTEM_BUS_ADDRESS overrides its address. */
  static connect(): Bus | undefined {
    const socket = connected(process.env["DBUS_SYSTEM_BUS_ADDRESS"] || defaultAddress);
    if (socket === undefined) return undefined;
    const bus = new Bus(socket);
    try {
      bus.#authenticate();
      bus.call({ ...dbus, member: "Hello", texts: [] });
      return bus;
    } catch (error) {
      bus[Symbol.dispose]();
      throw error;
    }
  }

  /** Whether the bus name has an owner. Starts no service. */
  has(name: string): boolean {
    return this.call({ ...dbus, member: "NameHasOwner", texts: [name] }) === true;
  }

  /** Throws BusError for a refusal, Fault (code 11) if no answer comes. */
  call(call: Call): string | boolean | undefined {
    if (call.destination !== dbus.destination) mayBlock(`wait for ${call.destination}`);
    const serial = ++this.#serial;
    this.#send(encodeCall(call, serial));
    for (;;) {
      const { type, answers, errorName = "", value } = this.#receive();
      if (answers !== serial || type === "other") continue; // a signal
      if (type === "error") throw new BusError(String(value ?? errorName));
      return value;
    }
  }

  /** "Authentication Protocol" of the specification: EXTERNAL means that the bus asks the kernel for our user. */
  #authenticate(): void {
    const user = Buffer.from(String(process.geteuid?.() ?? 0)).toString("hex");
    this.#send(new TextEncoder().encode(`\0AUTH EXTERNAL ${user}\r\n`));
    let line = "";
    while (!line.endsWith("\r\n")) {
      line += String.fromCharCode(...this.#read());
      if (line.length > answerBytesMax) throw silent();
    }
    if (!line.startsWith("OK ")) throw new BusError(`the message bus does not accept this process: ${line.trim()}`);
    this.#send(new TextEncoder().encode("BEGIN\r\n"));
  }

  #send(bytes: Uint8Array): void {
    waiting(() => {
      for (let rest = bytes; rest.length > 0; ) rest = rest.subarray(writeFile(this.#socket, rest));
    });
  }

  #receive(): Received {
    for (;;) {
      const length = messageLength(this.#received) ?? Infinity;
      if (length <= this.#received.length) {
        const message = this.#received.slice(0, length);
        this.#received = this.#received.slice(length);
        return decodeMessage(message);
      }
      if (length !== Infinity && length > answerBytesMax) throw silent();
      const more = this.#read();
      const joined = new Uint8Array(this.#received.length + more.length);
      joined.set(this.#received);
      joined.set(more, this.#received.length);
      this.#received = joined;
    }
  }

  #read(): Uint8Array {
    const buffer = new Uint8Array(4096);
    const length = waiting(() => readFile(this.#socket, buffer));
    if (length === 0) throw silent();
    return buffer.subarray(0, length);
  }

  [Symbol.dispose](): void {
    closeFile(this.#socket);
  }
}

/** The first of several addresses that accepts a connection. "Server Addresses" of the specification. */
function connected(addresses: string): number | undefined {
  for (const address of addresses.split(";")) {
    const [, kind, value = ""] = /^unix:(?:.*,)?(path|abstract)=([^,]*)/.exec(address) ?? [];
    if (kind === undefined) continue;
    const name = value.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
    try {
      return connectUnix(kind === "abstract" ? `\0${name}` : name, isShared() ? sharedTimeoutMs : timeoutMs);
    } catch (error) {
      if (!isKernelError(error, errno.ENOENT, errno.ECONNREFUSED)) throw error;
    }
  }
  return undefined;
}

function waiting<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (isKernelError(error, errno.EAGAIN, errno.EPIPE, errno.ECONNRESET)) throw silent();
    throw error;
  }
}

function silent(): Fault {
  mayBlock("wait for the system's message bus");
  return new Fault(
    code.tryAgain,
    `The system's message bus did not answer in ${timeoutMs} ms, or closed the connection`,
    "Run 'systemctl status dbus firewalld' to see why, then call again",
  );
}

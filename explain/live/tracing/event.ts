/**
 * An event of the kernel, as trace_pipe prints it. The kernel writes names where it has numbers: of a drop reason, and of
 * the function that dropped a packet.
 */

export interface KernelEvent {
  /** `kfree_skb`, `net_dev_start_xmit` … */
  readonly name: string;
  /** The process that ran, by its number in the first PID namespace: an interrupt may have used its time. */
  readonly pid: number;
  readonly isInterrupt: boolean;
  readonly timeUs: number;
  /** A name of the packet buffer, as long as that exists. */
  readonly buffer: string;
  /** The interface; empty where the event has none. */
  readonly device: string;
  /** Bytes; 0 where the event has none. */
  readonly lengthBytes: number;
  /** ETH_P_*; 0 where the event has none. */
  readonly protocol: number;
  /** `NETFILTER_DROP`; empty where the event has none. */
  readonly reason: string;
  /** The function that dropped it. */
  readonly place: string;
  /** The fields as the kernel printed them. */
  readonly words: string;
}

/** `ping-42  [001] ..s1.  12.345678: netif_receive_skb: dev=eth0 skbaddr=00000000f2 len=84`; the name of a process may have spaces. */
const line = /^.*-(\d+)\s+(?:\([^)]*\)\s+)?\[\d+\]\s+(\S+)\s+([\d.]+): (\w+): (.*)$/;

/** The event of a line; the number of events that were lost; or undefined for anything else. */
export function eventIn(text: string): KernelEvent | number | undefined {
  const lost = /^CPU:\d+ \[LOST (\d+) EVENTS\]/.exec(text);
  if (lost) return Number(lost[1]);
  const [, pid, state, seconds, name, words] = line.exec(text) ?? [];
  if (words === undefined) return undefined;
  const fields = new Map([...words.matchAll(/(\w+)=(\S+)/g)].map(([, key, value]) => [key!, value!]));
  return {
    name: name!,
    pid: Number(pid),
    // The letters s and h, both at once (H), or a non-maskable interrupt (z, Z).
    isInterrupt: /[shHzZ]/.test(state!.slice(2)),
    timeUs: Math.round(Number(seconds) * 1e6),
    buffer: fields.get("skbaddr") ?? "",
    device: fields.get("dev") ?? "",
    lengthBytes: Number(fields.get("len") ?? 0),
    protocol: Number(fields.get("protocol") ?? 0),
    reason: /\breason: (\w+)/.exec(words)?.[1] ?? "",
    place: (fields.get("location") ?? "").replace(/\+0x.*$/, ""),
    words,
  };
}

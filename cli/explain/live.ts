/** Settles an answer by a probe: a ping, a connection, or a datagram, and what the kernel says about its packets. */
import { Traced } from "../../explain/live/traced.ts";
import type { Answer } from "../../explain/path/answer.ts";
import type { Site } from "../../explain/path/site/site.ts";
import type { Question } from "../../explain/path/world.ts";
import { protocolNumber } from "../../explain/rules/packet.ts";
import { familyText, placeText } from "../../explain/rules/words.ts";
import { addressFromBytes } from "../../ip/bytes.ts";
import { type Outcome, probe } from "../../lab/tests/probe.ts";
import type { Machine } from "./machine.ts";

/** An unusual length of IP packets, by which the trace knows the probe. */
const pingBytes = 777;
const patienceMs = 1500;

/** Sends one probe. An answer to it is reachable; silence is blocked where a rule is known to drop, else stays unsure. */
export async function settled(found: Answer, machine: Machine, question: Question): Promise<Answer> {
  const [source, destination] = found.addresses;
  const sender = question.from.is === "site" || question.from.is === "address" ? question.from.site : undefined;
  if (sender === undefined || source === undefined || destination === undefined) return found;
  const { protocol, port = 0, version } = question;
  const isPing = protocol === "icmp";
  const number = isPing ? (version === 4 ? protocolNumber.icmp : protocolNumber.icmp6) : protocolNumber[protocol];
  const sites = machine.sites;
  const shape = { protocol: number, lengthBytes: isPing ? pingBytes : undefined };
  const traces: { readonly site: Site; readonly trace: Traced }[] = [];
  try {
    for (const site of sites) traces.push({ site, trace: new Traced(site.netns, shape) });
    const address = addressFromBytes(destination);
    const to = isPing ? ({ kind: "ping", name: "" } as const) : ({ kind: protocol, name: "", port } as const);
    const outcome = await probe({
      from: sender.netns,
      to,
      address,
      length: isPing ? pingBytes : undefined,
      patienceMs,
    });
    const drops = traces.flatMap(({ site, trace }) =>
      trace.drops([source, destination]).map((drop) => ({ site, drop })),
    );
    return combined(found, outcome, drops[0], question);
  } finally {
    for (const { trace } of traces) trace.close();
  }
}

type Dropped = { readonly site: Site; readonly drop: Parameters<typeof placeText>[0] };

function combined(found: Answer, outcome: Outcome, dropped: Dropped | undefined, question: Question): Answer {
  const where = question.from.is === "site" ? question.from.site.where : "host";
  const note = (says: string, verdict: "pass" | "drop" | "unknown", at = where) => [
    ...found.hops,
    { where: at, what: "probe", says, verdict, isBack: false },
  ];
  if (outcome.reached) return { ...found, verdict: "reachable", cause: null, hops: note("got an answer", "pass") };
  if (dropped !== undefined) {
    const { site, drop } = dropped;
    const isRule = drop.handle !== undefined;
    const what = `${placeText(drop)}: the kernel reports that ${isRule ? "the rule" : "the policy"} dropped the probe`;
    const cure = isRule
      ? `${site.prefix}nft delete rule ${familyText(drop.family)} ${drop.table} ${drop.chain} handle ${drop.handle}`
      : "";
    const isReceiver = question.to.is === "site" && question.to.site === site && !site.isHost;
    const code = isReceiver ? "dropped-inside" : isRule ? "dropped-by-rule" : "dropped-by-policy";
    const known = found.verdict === "blocked" ? found.cause : ({ code, where: site.where, what, cure } as const);
    return { ...found, verdict: "blocked", cause: known, hops: note(what, "drop", site.where) };
  }
  if (found.verdict === "blocked") return { ...found, hops: note(`no answer (${outcome.how})`, "drop") };
  const what = `the probe got no answer (${outcome.how}), and no rule of nf_tables dropped it; drop reasons of the kernel (tracefs) are not read`;
  const cause = { code: "undecided", where, what, cure: "" } as const;
  return { ...found, verdict: "unsure", cause, hops: note(`no answer (${outcome.how})`, "unknown") };
}

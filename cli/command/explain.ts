/** `ns-net explain <from> <to>` */
import { type Answer, answer } from "../../explain/path/answer.ts";
import { writeOut } from "../../plugin/stdio.ts";
import { exitNow } from "../../sys/libc.ts";
import { command, UsageError } from "../command.ts";
import defer * as live from "../explain/live.ts";
import { pictureOf } from "../explain/picture.ts";
import { machineFor, questionOf } from "../explain/question.ts";
import { withTypedCure } from "../labs/cures.ts";
import { labOption, networkOptions } from "./options.ts";

const exitCodes = { reachable: 0, blocked: 1, unsure: 3 } as const;

export default command({
  about:
    "Explain why one place reaches another or not: routes, neighbours, bridges, every rule of nf_tables, NAT, the\nlistener, and the way back; with the command that repairs it. Nothing is sent without --live.",
  usage: "<from> <to>[:PORT[/udp]] [options]",
  operands: [2, 2],
  options: {
    ipv6: { type: "boolean", short: "6", about: "ask about IPv6 where a name has addresses of both families" },
    live: { type: "boolean", about: "send one probe, and ask the kernel which way it goes, and what drops it" },
    json: { type: "boolean", about: "print JSON" },
    "data-dir": networkOptions["data-dir"],
    ...labOption,
  },
  more: `
FROM and TO: an attached namespace, NAMESPACE/POD, a path, pid:N, container:NAME, host,
outside (where the default route leads to), or an address. TO may have a port, or be a URL.

  ns-net explain web db:5432
  ns-net explain web 10.1.0.3:53/udp
  ns-net explain web outside
  ns-net explain outside host:8080
  ns-net explain web http://host:8080

Exit code: 0 reachable, 1 blocked, 3 unsure.`,

  async run({ options, operands }) {
    let found = await ask(operands, options);
    for (let again = 1; again < attemptsMax && !found.isOfOneMoment; again++) found = await ask(operands, options);
    const said = withTypedCure(found.answer);
    writeOut(options.json ? `${JSON.stringify(jsonOf(said), null, 2)}\n` : pictureOf(said));
    // A connection that gets no answer would keep the process for minutes.
    if (options.live) exitNow(exitCodes[said.verdict]);
    return exitCodes[said.verdict];
  },
});

/** A program may change rules while they are read. */
const attemptsMax = 5;

interface Asking {
  readonly ipv6?: boolean;
  readonly live?: boolean;
  readonly "data-dir"?: string;
}

interface Found {
  readonly answer: Answer;
  /** No rule changed meanwhile. */
  readonly isOfOneMoment: boolean;
}

async function ask(operands: readonly string[], options: Asking): Promise<Found> {
  using machine = machineFor(operands, options["data-dir"]);
  const question = questionOf(machine, operands, options.ipv6);
  if (options.live && question.from.is === "outside")
    throw new UsageError(
      "--live sends from this machine, and outside is elsewhere: ask without --live, or use ns-net trace",
    );
  const found = answer(machine, question);
  if (!machine.isUnchanged) return { answer: found, isOfOneMoment: false };
  return { answer: options.live ? await live.settled(found, machine, question) : found, isOfOneMoment: true };
}

function jsonOf({ from, to, verdict, cause, hops }: Answer) {
  const shown = hops.map(({ where, what, says, verdict: one, isBack, crossing }) => ({
    ...{ where, what, says: isBack ? `back: ${says}` : says, verdict: one, crossing },
  }));
  return { from, to, verdict, cause, hops: shown };
}

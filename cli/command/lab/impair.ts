/** `ns-net lab impair AT` */
import { type Quantity, quantities, quantityNames } from "../../../lab/file/impair.ts";
import { type Impairing, impairDirections } from "../../../lab/file/labFile.ts";
import { impair } from "../../../lab/supervisor/client.ts";
import { command, UsageError } from "../../command.ts";
import { chosen, labOptions } from "../../labs/options.ts";

const about: Readonly<Record<Quantity, string>> = {
  rate: "the highest rate",
  delay: "each packet is later",
  jitter: "the delay varies by as much",
  loss: "the share of packets that is lost",
  duplicate: "the share that comes twice",
  reorder: "the share that is not delayed",
  corrupt: "the share with a wrong bit",
};

const option = (name: Quantity) => ({ type: "string", value: quantities[name].example, about: about[name] }) as const;

export default command({
  about: "Impair what a pod receives and sends: at a pod, at one of its interfaces, at a link, or at a host.",
  usage: "<at> [options]",
  operands: [1, 1],
  options: {
    ...labOptions,
    ...{ rate: option("rate"), delay: option("delay"), jitter: option("jitter"), loss: option("loss") },
    ...{ duplicate: option("duplicate"), reorder: option("reorder"), corrupt: option("corrupt") },
    down: { type: "boolean", about: "nothing passes" },
    up: { type: "boolean", about: "undo --down" },
    direction: { type: "string", value: "in|out|both", about: "what the pod receives, sends, or both (default)" },
    clear: { type: "boolean", about: "remove all impairments of this place" },
  },
  more: `
A setting that is not named keeps its value. A kernel without netem knows rate, loss and down.

  ns-net lab impair web --delay 50ms --jitter 5ms
  ns-net lab impair db@back --loss 1% --direction in
  ns-net lab impair r1@r2 --down
  ns-net lab impair web --clear`,

  async run({ options, operands: [at = ""] }) {
    const { direction = "both", clear = false, down, up } = options;
    const known = impairDirections.find((one) => one === direction);
    if (known === undefined) throw new UsageError(`--direction ${direction}: give in, out or both`);
    if (down && up) throw new UsageError("give --down or --up");
    const values: Impairing = {
      ...Object.fromEntries(
        quantityNames.flatMap((name) => (options[name] ? [[name, read(name, options[name])]] : [])),
      ),
      ...(down || up ? { down: down === true } : {}),
    };
    const isEmpty = Object.keys(values).length === 0;
    if (clear !== isEmpty) throw new UsageError(clear ? "--clear goes alone" : "name a setting, such as --loss 1%");
    await impair(chosen(options), { at, direction: known, values, clear });
    return 0;
  },
});

function read(name: Quantity, text: string): number {
  const value = quantities[name].read(text);
  if (value !== undefined) return value;
  throw new UsageError(`--${name} ${text}: write it as ${quantities[name].example}`);
}

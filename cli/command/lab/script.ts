/** `ns-net lab script [FILE]` */
import { sourceOf } from "../../../lab/file/readLabFile.ts";
import { labOf } from "../../../lab/model/resolve.ts";
import { removalScriptOf, scriptOf } from "../../../lab/script/script.ts";
import { writeOut } from "../../../plugin/stdio.ts";
import { command } from "../../command.ts";
import { reportingMistakes } from "../../labs/mistakes.ts";
import { jsonOption } from "../../labs/options.ts";

export default command({
  about: "Print a lab as a shell script of ip, bridge, tc, nft and sysctl, which makes its networks without ns-net.",
  usage: "[FILE] [options]",
  operands: [0, 1],
  options: { down: { type: "boolean", about: "the script that removes what the other one made" }, ...jsonOption },
  more: `
FILE is lab.yaml by default. Each pod, each host and outside is a named namespace, such as shop-web. A comment says why each
command is there; servers and commands of pods are comments. Printing needs no root, the script does.

  ns-net lab script shop.yaml > up.sh
  ns-net lab script shop.yaml --down > down.sh`,

  run: ({ options, operands: [file = "lab.yaml"] }) =>
    reportingMistakes(async () => {
      const lab = labOf(sourceOf(file));
      const script = options.down ? removalScriptOf(lab, file) : scriptOf(lab, file);
      writeOut(options.json ? `${JSON.stringify({ lab: lab.name, script }, null, 2)}\n` : script);
      return 0;
    }),
});

/** The versions of the executable, of what is installed, and of what runs. */
import { type Check, type Finding, orOk, warn } from "../finding.ts";

export const versions: Check = {
  id: "versions",
  async run(patient) {
    const { own, binDir, installed, launcher, agent } = await patient.versions();
    const found: Finding[] = [];
    if (launcher !== undefined && agent !== undefined && agent !== launcher)
      found.push(
        warn(
          `the launcher in ${binDir} is of version ${launcher} and the agent of ${agent}: the agent declines all calls`,
          "systemctl restart ns-net-agent",
        ),
      );
    else if (launcher === undefined && installed !== undefined && agent !== undefined && agent !== installed)
      found.push(
        warn(
          `version ${installed} is installed in ${binDir}, and the agent is of ${agent}`,
          "systemctl restart ns-net-agent",
        ),
      );
    if (installed !== undefined && installed !== own)
      found.push(
        warn(
          `version ${installed} is installed in ${binDir}, and this is ${own}`,
          // Without the option it would write a configuration over the one of the first install.
          `ns-net install --no-conf --bin-dir ${binDir}`,
        ),
      );
    const what =
      installed === undefined ? `nothing is installed in ${binDir}` : `version ${installed} is installed in ${binDir}`;
    return orOk(
      found,
      `${what}${agent === undefined ? ", no agent runs" : `, the agent is of ${agent}`}, this is ${own}`,
    );
  },
};

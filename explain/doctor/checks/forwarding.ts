/** A host that does not forward cuts off each network that has it as its gateway. */
import { type Check, type Finding, fail, ok } from "../finding.ts";
import { routedNetworks } from "../routed.ts";

const settings = { 4: "net/ipv4/ip_forward", 6: "net/ipv6/conf/all/forwarding" } as const;

export const forwarding: Check = {
  id: "forwarding",
  run(patient) {
    const routed = routedNetworks(patient);
    return ([4, 6] as const).flatMap((family): Finding[] => {
      const own = routed.filter(({ families }) => families.includes(family));
      const path = settings[family];
      if (own.length === 0) return family === 4 ? [ok("no network here has this host as its IPv4 gateway")] : [];
      if (patient.host.number(path) !== 0) return [ok(`IPv${family} packets are forwarded for ${namesOf(own)}`)];
      const used = own.filter(({ link }) => link !== undefined);
      if (used.length === 0)
        return [ok(`IPv${family} forwarding is off; the first ADD to ${namesOf(own)} turns it on`)];
      const says = `IPv${family} forwarding is off, and this host is the gateway of ${namesOf(used)}: containers reach no other network`;
      return [fail(says, `sysctl -w ${path.replaceAll("/", ".")}=1`)];
    });
  },
};

const namesOf = (all: readonly { readonly network: { readonly name: string } }[]) =>
  all.map(({ network }) => network.name).join(", ");

/**
 * The tables of the store's file. A person can read them:
 *
 *   sqlite3 /var/lib/ns-net/ns-net.sqlite 'SELECT container, ifname, state, addresses FROM attachment'
 */

import { applicationId, schemaVersion } from "./version.ts";

/**
 * Bytes of a database page. A transaction of ADD writes some five pages into the log, whatever their size. So with small
 * pages the log, which is read when the store is opened, grows four times slower.
 */
const pageBytes = 1024;

/** Added by schema 2. The trigger forgets an answer with its attachment. */
export const answerTable = `
CREATE TABLE answer (            -- the result of an ADD that was handed over, until its caller has it
  call_id TEXT PRIMARY KEY,
  network TEXT NOT NULL,
  container TEXT NOT NULL,
  ifname TEXT NOT NULL,
  result TEXT NOT NULL           -- JSON
) STRICT, WITHOUT ROWID;
CREATE TRIGGER answer_gone AFTER DELETE ON attachment BEGIN
  DELETE FROM answer WHERE network = old.network AND container = old.container AND ifname = old.ifname;
END;
`;

/**
 * Unsigned numbers of 64 bits (namespace, start time) are text, because SQLite's integers are signed; '0' is unknown.
 * `address_key` sorts numerically: the family and the address in hexadecimal, of one length in a family. The trigger frees
 * addresses even if a person deletes a row.
 */
export const tables = `
CREATE TABLE attachment (
  id INTEGER PRIMARY KEY,
  network TEXT NOT NULL,
  container TEXT NOT NULL,
  ifname TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('adding', 'attached', 'deleting')),
  created_ms INTEGER NOT NULL,
  addresses TEXT NOT NULL,       -- JSON: [{"address": "10.1.0.2/24", "gateway": "10.1.0.1"}]
  mac TEXT,
  netns_path TEXT NOT NULL,
  netns_device TEXT NOT NULL,
  netns_inode TEXT NOT NULL,
  netns_cookie TEXT NOT NULL,    -- SO_NETNS_COOKIE: the kernel reuses inode numbers, but no cookie
  boot_id TEXT NOT NULL,
  pid INTEGER NOT NULL,
  pid_start TEXT NOT NULL,
  pid_namespace TEXT NOT NULL,   -- the PID namespace of pid
  call_id TEXT NOT NULL DEFAULT '', -- the call at work, if it was handed over
  bridge TEXT NOT NULL,
  host_link TEXT NOT NULL,
  ipam_type TEXT NOT NULL,
  pod_namespace TEXT,
  pod_name TEXT,
  aliases TEXT,                  -- JSON: ["web"], further names of the container
  steps TEXT,                    -- JSON: what was committed to the kernel, for check and repair
  delegated TEXT,                -- JSON: {"routes": [], "dns": {}}, what a delegate answered
  gone_ms INTEGER,               -- since boot: when its namespace and link were first found to be gone
  UNIQUE (network, container, ifname)
) STRICT;
CREATE TABLE lease (
  network TEXT NOT NULL,
  address_key TEXT NOT NULL,     -- 40a010002 for 10.1.0.2
  address TEXT NOT NULL,
  attachment_id INTEGER NOT NULL,
  PRIMARY KEY (network, address_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX lease_by_attachment ON lease (attachment_id);
CREATE TABLE port (              -- of the host, published; attachments of one container may ask for the same
  protocol TEXT NOT NULL,        -- tcp, udp, sctp
  first_port INTEGER NOT NULL,
  last_port INTEGER NOT NULL,
  host TEXT NOT NULL,            -- an address of the host, 0.0.0.0, ::, or * for both
  network TEXT NOT NULL,
  container TEXT NOT NULL,
  ifname TEXT NOT NULL,
  plugin TEXT NOT NULL,          -- ns-net, or portmap as a chained plugin
  created_ms INTEGER NOT NULL,
  netns_path TEXT NOT NULL,
  netns_device TEXT NOT NULL,
  netns_inode TEXT NOT NULL,
  netns_cookie TEXT NOT NULL,
  boot_id TEXT NOT NULL,
  PRIMARY KEY (protocol, first_port, host, network, container, ifname, plugin)
) STRICT, WITHOUT ROWID;
CREATE INDEX port_by_attachment ON port (network, container, ifname);
CREATE TABLE chained (           -- what portmap, firewall, bandwidth and tuning did after another plugin, in the order of their ADDs
  id INTEGER PRIMARY KEY,
  network TEXT NOT NULL,
  container TEXT NOT NULL,
  ifname TEXT NOT NULL,
  plugin TEXT NOT NULL,
  config TEXT NOT NULL,          -- a hash of its configuration; empty where an attachment has one of that type
  netns_path TEXT NOT NULL,
  netns_device TEXT NOT NULL,
  netns_inode TEXT NOT NULL,
  netns_cookie TEXT NOT NULL,
  boot_id TEXT NOT NULL,
  steps TEXT NOT NULL,           -- JSON
  UNIQUE (network, container, ifname, plugin, config)
) STRICT;
CREATE TRIGGER attachment_gone AFTER DELETE ON attachment BEGIN
  DELETE FROM lease WHERE attachment_id = old.id;
  DELETE FROM port WHERE network = old.network AND container = old.container AND ifname = old.ifname AND plugin = 'ns-net';
END;
CREATE TABLE network (
  name TEXT PRIMARY KEY,
  chosen TEXT,                   -- CIDR, when the network came without ranges
  subnets TEXT NOT NULL,         -- JSON: ["10.1.0.0/24"]
  cursors TEXT NOT NULL,         -- JSON: {"0": "10.1.0.2"}, the address given last by each range set
  adopted_from TEXT              -- folder of host-local whose leases were taken over; '': there was none; NULL: before the first look
) STRICT, WITHOUT ROWID;
${answerTable}
PRAGMA application_id = ${applicationId};
PRAGMA user_version = ${schemaVersion};
`;

/** For a new file. */
export const schema = `
PRAGMA synchronous = OFF;        -- one fsync when it is whole
PRAGMA page_size = ${pageBytes};
PRAGMA journal_mode = WAL;
BEGIN IMMEDIATE;
${tables}
COMMIT;
`;

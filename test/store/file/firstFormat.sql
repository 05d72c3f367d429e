-- A store as the last ns-net wrote it whose files had no application_id: two attachments, one with a published port.
-- Recorded with: sqlite3 /var/lib/ns-net/ns-net.sqlite .dump
PRAGMA page_size = 1024;
PRAGMA journal_mode = WAL;
BEGIN IMMEDIATE;
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
  boot_id TEXT NOT NULL,
  pid INTEGER NOT NULL,
  pid_start TEXT NOT NULL,
  bridge TEXT NOT NULL,
  host_link TEXT NOT NULL,
  ipam_type TEXT NOT NULL,
  pod_namespace TEXT,
  pod_name TEXT,
  aliases TEXT,                  -- JSON: ["web"], further names of the container
  steps TEXT,                    -- JSON: what was committed to the kernel, for check and repair
  delegated TEXT,                -- JSON: {"routes": [], "dns": {}}, what a delegate answered
  gone_ms INTEGER, netns_cookie TEXT NOT NULL DEFAULT '0', pid_namespace TEXT NOT NULL DEFAULT '0',               -- since boot: when its namespace and link were first seen to be gone
  UNIQUE (network, container, ifname)
) STRICT;
INSERT INTO attachment VALUES(1,'podnet','c1','eth0','attached',1795858622658,'[{"address":"10.7.0.2/24","gateway":"10.7.0.1"}]','0a:58:0a:07:00:02','/run/netns/pod-1','4','4026533303','ac27398f-1d68-407b-bb3a-4f497ff9712a',19482,'2222911','br0','nsvc564d7c96e8f','ns-net',NULL,NULL,NULL,'[{"kind":"sysctl","where":"host","path":"net/ipv4/ip_forward","value":"1","netns":"/run/netns/pod-1"},{"kind":"bridge","name":"br0","mac":"0a:58:0a:07:00:01","mtu":1500,"group":1957435524,"promiscuous":false},{"kind":"sysctl","where":"host","path":"net/ipv6/conf/br0/accept_ra","value":"0","netns":"/run/netns/pod-1","ifThere":true},{"kind":"address","where":"host","link":"br0","address":"10.7.0.1/24","detectDuplicates":false,"netns":"/run/netns/pod-1","replaces":[]},{"kind":"veth","host":"nsvc564d7c96e8f","hostMac":"0a:59:ee:89:57:52","ifname":"eth0","mac":"0a:58:0a:07:00:02","mtu":1500,"bridge":"br0","group":1798252966,"netns":"/run/netns/pod-1"},{"kind":"noLinkLocal","where":"host","link":"nsvc564d7c96e8f","netns":"/run/netns/pod-1"},{"kind":"bridgePort","link":"nsvc564d7c96e8f","hairpin":true,"isolated":false},{"kind":"up","where":"host","link":"nsvc564d7c96e8f","netns":"/run/netns/pod-1","alias":"ns-net podnet c1 eth0 /tmp/ns-net-test-g5XVJq/data"},{"kind":"up","where":"container","link":"lo","netns":"/run/netns/pod-1"},{"kind":"noLinkLocal","where":"container","link":"eth0","netns":"/run/netns/pod-1"},{"kind":"address","where":"container","link":"eth0","address":"10.7.0.2/24","detectDuplicates":false,"netns":"/run/netns/pod-1","replaces":[]},{"kind":"up","where":"container","link":"eth0","netns":"/run/netns/pod-1"},{"kind":"route","dst":"0.0.0.0/0","gw":"10.7.0.1","link":"eth0","netns":"/run/netns/pod-1"},{"kind":"awaitForwarding","link":"nsvc564d7c96e8f"},{"kind":"masquerade","network":"podnet","subnets":["10.7.0.0/24"]},{"kind":"ports","attachment":{"network":"podnet","container":"c1","ifname":"eth0"},"mappings":[{"protocol":"tcp","hostPort":8080,"containerPort":80,"target":"10.7.0.2"}],"hairpin":"br0"},{"kind":"closedLoopback","link":"nsvc564d7c96e8f"},{"kind":"routeLocalnet","link":"br0","but":["nsvc564d7c96e8f"]}]',NULL,NULL,'262953','4026531836');
INSERT INTO attachment VALUES(2,'podnet','c2','eth0','attached',1795858622919,'[{"address":"10.7.0.3/24","gateway":"10.7.0.1"}]','0a:58:0a:07:00:03','/run/netns/pod-2','4','4026533020','ac27398f-1d68-407b-bb3a-4f497ff9712a',19510,'2222951','br0','nsv9f8dbe8e2483','ns-net',NULL,NULL,NULL,'[{"kind":"sysctl","where":"host","path":"net/ipv4/ip_forward","value":"1","netns":"/run/netns/pod-2"},{"kind":"bridge","name":"br0","mac":"0a:58:0a:07:00:01","mtu":1500,"group":1957435524,"promiscuous":false},{"kind":"address","where":"host","link":"br0","address":"10.7.0.1/24","detectDuplicates":false,"netns":"/run/netns/pod-2","replaces":[]},{"kind":"masquerade","network":"podnet","subnets":["10.7.0.0/24"]},{"kind":"veth","host":"nsv9f8dbe8e2483","hostMac":"0a:59:af:df:3e:5f","ifname":"eth0","mac":"0a:58:0a:07:00:03","mtu":1500,"bridge":"br0","group":1798252966,"netns":"/run/netns/pod-2"},{"kind":"closedLoopback","link":"nsv9f8dbe8e2483"},{"kind":"noLinkLocal","where":"host","link":"nsv9f8dbe8e2483","netns":"/run/netns/pod-2"},{"kind":"bridgePort","link":"nsv9f8dbe8e2483","hairpin":true,"isolated":false},{"kind":"up","where":"host","link":"nsv9f8dbe8e2483","netns":"/run/netns/pod-2","alias":"ns-net podnet c2 eth0 /tmp/ns-net-test-g5XVJq/data"},{"kind":"up","where":"container","link":"lo","netns":"/run/netns/pod-2"},{"kind":"noLinkLocal","where":"container","link":"eth0","netns":"/run/netns/pod-2"},{"kind":"address","where":"container","link":"eth0","address":"10.7.0.3/24","detectDuplicates":false,"netns":"/run/netns/pod-2","replaces":[]},{"kind":"up","where":"container","link":"eth0","netns":"/run/netns/pod-2"},{"kind":"route","dst":"0.0.0.0/0","gw":"10.7.0.1","link":"eth0","netns":"/run/netns/pod-2"},{"kind":"awaitForwarding","link":"nsv9f8dbe8e2483"}]',NULL,NULL,'262955','4026531836');
CREATE TABLE lease (
  network TEXT NOT NULL,
  address_key TEXT NOT NULL,     -- 40a010002 for 10.1.0.2
  address TEXT NOT NULL,
  attachment_id INTEGER NOT NULL,
  PRIMARY KEY (network, address_key)
) STRICT, WITHOUT ROWID;
INSERT INTO lease VALUES('podnet','40a070002','10.7.0.2',1);
INSERT INTO lease VALUES('podnet','40a070003','10.7.0.3',2);
CREATE TABLE port (              -- of the host, published; attachments of one container may ask for the same
  protocol TEXT NOT NULL,        -- tcp, udp, sctp
  first_port INTEGER NOT NULL,
  last_port INTEGER NOT NULL,
  host TEXT NOT NULL,            -- an address of the host, 0.0.0.0, ::, or * for both
  network TEXT NOT NULL,
  container TEXT NOT NULL,
  ifname TEXT NOT NULL,
  plugin TEXT NOT NULL,          -- ns-net, or portmap when it comes after another plugin
  created_ms INTEGER NOT NULL,
  netns_path TEXT NOT NULL,
  netns_device TEXT NOT NULL,
  netns_inode TEXT NOT NULL,
  boot_id TEXT NOT NULL, netns_cookie TEXT NOT NULL DEFAULT '0',
  PRIMARY KEY (protocol, first_port, host, network, container, ifname, plugin)
) STRICT, WITHOUT ROWID;
INSERT INTO port VALUES('tcp',8080,8080,'0.0.0.0','podnet','c1','eth0','ns-net',1795858622658,'/run/netns/pod-1','4','4026533303','ac27398f-1d68-407b-bb3a-4f497ff9712a','262953');
CREATE TABLE chained ( -- what portmap, firewall, bandwidth and tuning did after another plugin
  id INTEGER PRIMARY KEY,
  network TEXT NOT NULL,
  container TEXT NOT NULL,
  ifname TEXT NOT NULL,
  plugin TEXT NOT NULL,
  config TEXT NOT NULL,          -- a hash of its configuration; empty where an attachment has one of that type
  netns_path TEXT NOT NULL,
  netns_device TEXT NOT NULL,
  netns_inode TEXT NOT NULL,
  boot_id TEXT NOT NULL,
  steps TEXT NOT NULL, netns_cookie TEXT NOT NULL DEFAULT '0',           -- JSON
  UNIQUE (network, container, ifname, plugin, config)
) STRICT;
CREATE TABLE network (
  name TEXT PRIMARY KEY,
  chosen TEXT,                   -- CIDR, when the network came without ranges
  subnets TEXT NOT NULL,         -- JSON: ["10.1.0.0/24"]
  cursors TEXT NOT NULL,         -- JSON: {"0": "10.1.0.2"}, the address given last by each range set
  adopted_from TEXT              -- folder of host-local's whose leases were taken over; '': there was none; NULL: not looked yet
) STRICT, WITHOUT ROWID;
INSERT INTO network VALUES('podnet',NULL,'["10.7.0.0/24"]','{"0":"10.7.0.3"}','');
CREATE INDEX lease_by_attachment ON lease (attachment_id);
CREATE INDEX port_by_attachment ON port (network, container, ifname);
CREATE TRIGGER attachment_gone AFTER DELETE ON attachment BEGIN
  DELETE FROM lease WHERE attachment_id = old.id;
  DELETE FROM port WHERE network = old.network AND container = old.container AND ifname = old.ifname AND plugin = 'ns-net';
END;
PRAGMA user_version = 7;
COMMIT;

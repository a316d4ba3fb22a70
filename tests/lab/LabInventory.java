package lab;

import java.util.stream.Collectors;

/** The lab's inventory.yaml: the practice fleet as every procedure sees a fleet. */
final class LabInventory {
    private LabInventory() {}

    /** Writes inventory.yaml and known_hosts; what is there and the same stays as it is. */
    static void write(Place place, Stock stock) {
        Folders.write(place.knownHosts(), knownHosts(place));
        Folders.write(place.inventory(), yaml(stock));
    }

    private static String knownHosts(Place place) {
        return Layout.HOSTS.stream().map(host -> host.fqdn() + " " + Keys.hostKey(place, host) + "\n").collect(Collectors.joining());
    }

    static String yaml(Stock stock) {
        return """
                # The practice fleet, written by `lab up`; `lab down` removes it.
                domain: %s
                resolve: inventory
                ssh: {user: root, port: 22, identity: id_ed25519, known_hosts: known_hosts, connect_timeout: 5s}
                nodes:
                %simages:
                  registry: %s
                  username: %s
                  backend: %s
                  worker: %s
                  db: %s
                  prometheus: %s
                  grafana: %s
                  jaeger: %s
                database: {name: ktrdr, data: /home/postgres/pgdata/data}
                secrets: {provider: file, file: %s}
                storage: {server: core, export: %s, mount: %s, folders: [%s]}
                backup: {directory: %s/db-backups, keep: 30}
                services: {backend: {port: 8000}, grafana: {port: 3000}, prometheus: {port: 9090}, jaeger: {port: 16686, otlp: 4317}, db: {port: 5432}}
                tracing: {service: ktrdr-api}
                sample: {operation: dummy}
                """.formatted(Layout.DOMAIN, nodes(), Layout.REGISTRY, Layout.REGISTRY_USER, Stock.backend(), Stock.backend(), stock.db(), stock.prometheus(),
                stock.grafana(), stock.jaeger(), LabSecrets.FILE, Layout.EXPORT, Layout.MOUNT, String.join(", ", Layout.FOLDERS), Layout.EXPORT);
    }

    private static String nodes() {
        return Layout.HOSTS.stream().map(host -> "  %s: {id: %s, role: %s, host: %s, address: %s, memory: 1GB, disk_free: 2GB, directory: /opt/ktrdr-%s, %s}\n"
                .formatted(host.name(), host.id(), host.role(), host.host(), host.address(), host.name(),
                        host.core() ? "aliases: [" + String.join(", ", host.aliases()) + "]" : "scale: 2")).collect(Collectors.joining());
    }
}

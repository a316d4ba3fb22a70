package ktrdr;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import ktrdr.inventory.AlertSettings;
import ktrdr.inventory.Inventory;

/** Reads each value of an inventory by its location (VALUE). Node values are those of the second node. */
final class InventoryValues {
    private InventoryValues() {}

    static Map<String, Function<Inventory, String>> all() {
        var values = new LinkedHashMap<String, Function<Inventory, String>>();
        addNodes(values);
        addAccess(values);
        addSettings(values);
        addMail(values);
        return values;
    }

    private static void addNodes(Map<String, Function<Inventory, String>> values) {
        values.put("domain: VALUE", Inventory::domain);
        values.put("nodes: {core: {role: core, host: h}, VALUE: {role: workers, id: X, host: w}}",
                inventory -> inventory.nodes().get(1).name());
        values.put("nodes: {core: {role: core, host: h}, w: {role: workers, id: VALUE}}",
                inventory -> inventory.nodes().get(1).id());
        values.put("nodes: {core: {role: core, host: h}, w: {role: workers, host: VALUE}}",
                inventory -> inventory.nodes().get(1).host());
        values.put("nodes: {core: {role: core, host: h}, w: {role: workers, address: VALUE}}",
                inventory -> inventory.nodes().get(1).address().orElseThrow());
        values.put("nodes: {core: {role: core, host: h}, w: {role: workers, aliases: [VALUE]}}",
                inventory -> inventory.nodes().get(1).aliases().get(0));
        values.put("nodes: {core: {role: core, host: h}, w: {role: workers, directory: VALUE}}",
                inventory -> inventory.nodes().get(1).directory());
        values.put("nodes: {core: {role: core, host: h}, w: {role: workers, storage: {options: VALUE}}}",
                inventory -> inventory.nodes().get(1).share().options().orElseThrow());
    }

    /** Access to nodes and images. */
    private static void addAccess(Map<String, Function<Inventory, String>> values) {
        values.put("ssh: {user: VALUE}", inventory -> inventory.ssh().user().orElseThrow());
        values.put("ssh: {jump: VALUE}", inventory -> inventory.ssh().jump().orElseThrow());
        values.put("ssh: {identity: VALUE}", inventory -> inventory.ssh().identity().orElseThrow().toString());
        values.put("ssh: {known_hosts: VALUE}", inventory -> inventory.ssh().knownHosts().orElseThrow().toString());
        values.put("images: {backend: VALUE}", inventory -> inventory.images().backend());
        values.put("images: {backend: b, registry: VALUE}", inventory -> inventory.images().registry());
        values.put("images: {backend: b, username: VALUE}", inventory -> inventory.images().username());
        values.put("images: {backend: b, db: VALUE}", inventory -> inventory.images().db());
        values.put("database: {name: VALUE}", inventory -> inventory.database().name());
        values.put("database: {data: VALUE}", inventory -> inventory.database().data());
    }

    private static void addSettings(Map<String, Function<Inventory, String>> values) {
        values.put("secrets: {vault: VALUE}", inventory -> inventory.secrets().vault());
        values.put("secrets: {item: VALUE}", inventory -> inventory.secrets().item());
        values.put("secrets: {prefix: VALUE}", inventory -> inventory.secrets().prefix());
        values.put("secrets: {provider: file, file: VALUE}",
                inventory -> inventory.secrets().file().orElseThrow().toString());
        values.put("secrets: {provider: command, command: [VALUE]}", inventory -> inventory.secrets().command().get(0));
        values.put("secrets: {fields: {db_password: VALUE}}",
                inventory -> inventory.secrets().fields().get("db_password"));
        values.put("storage: {server: VALUE}", inventory -> inventory.storage().server());
        values.put("storage: {export: VALUE}", inventory -> inventory.storage().export());
        values.put("storage: {mount: VALUE}", inventory -> inventory.storage().mount());
        values.put("storage: {folders: [VALUE]}", inventory -> inventory.storage().folders().get(0));
        values.put("storage: {options: VALUE}", inventory -> inventory.storage().options());
        values.put("storage: {clients: VALUE}", inventory -> inventory.storage().clients());
        values.put("backup: {directory: VALUE}", inventory -> inventory.backup().directory());
        values.put("tracing: {service: VALUE}", inventory -> inventory.tracing().service());
        values.put("sample: {body: {symbol: VALUE}}", inventory -> inventory.sample().body().get("symbol"));
        values.put("templates: VALUE", inventory -> inventory.templates().orElseThrow().toString());
        values.put("alerts: {webhook: {url: VALUE}}",
                inventory -> inventory.alerts().orElseThrow().webhook().orElseThrow().url().orElseThrow());
    }

    private static void addMail(Map<String, Function<Inventory, String>> values) {
        for (var key : List.of("to", "from", "smarthost", "user")) {
            var mail = new LinkedHashMap<>(Map.of("to", "a@b", "from", "a@b", "smarthost", "m:25"));
            mail.put(key, "VALUE");
            values.put("alerts: {mail: {"
                    + mail.entrySet().stream()
                            .map(entry -> entry.getKey() + ": " + (entry.getValue().equals("VALUE") ? "VALUE"
                                    : "'" + entry.getValue() + "'")).collect(Collectors.joining(", ")) + "}}",
                    inventory -> mail(inventory.alerts().orElseThrow().mail().orElseThrow(), key));
        }
    }

    private static String mail(AlertSettings.Mail mail, String key) {
        return switch (key) {
            case "to" -> mail.to();
            case "from" -> mail.from();
            case "smarthost" -> mail.smarthost();
            default -> mail.user().orElseThrow();
        };
    }
}

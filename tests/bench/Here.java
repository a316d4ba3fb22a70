package bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import ktrdr.LocalCommand;
import ktrdr.Table;
import ktrdr.Units;

/** The machine that runs the benchmarks. The hosts of a practice fleet run on it too, and share its processors. */
public final class Here {
    private Here() {}

    /** Its properties by name, and its load before the measurement. */
    public static Map<String, String> facts() {
        var facts = new LinkedHashMap<String, String>();
        facts.put("processors", Runtime.getRuntime().availableProcessors()
                + first("/proc/cpuinfo", "model name\\s*:\\s*(.+)").map(model -> ", " + model).orElse(""));
        first("/proc/meminfo", "MemTotal:\\s*(\\d+) kB")
                .ifPresent(kib -> facts.put("memory", Units.size(Long.parseLong(kib) << 10)));
        facts.put("system", first("/etc/os-release", "PRETTY_NAME=\"(.+)\"").map(name -> name + ", ").orElse("")
                + System.getProperty("os.name") + " " + System.getProperty("os.version"));
        facts.put("JDK", System.getProperty("java.vm.version"));
        first("/proc/loadavg", "([\\d.]+)").ifPresent(load -> facts.put("load", load));
        var ansible = Pattern.compile("ansible \\[core (.+)]")
                .matcher(LocalCommand.command("sh", "-c", "ansible --version 2>/dev/null || :").run().out());
        if (ansible.find()) facts.put("Ansible", ansible.group(1));
        return facts;
    }

    private static Optional<String> first(String file, String pattern) {
        try {
            return Pattern.compile("(?m)^" + pattern).matcher(Files.readString(Path.of(file))).results().findFirst()
                    .map(found -> found.group(1));
        } catch (IOException e) {
            // not Linux
            return Optional.empty();
        }
    }

    /** The facts as a table. */
    public static Table table(Map<String, String> facts) {
        var table = Table.of("machine", "");
        facts.forEach(table::row);
        return table;
    }
}

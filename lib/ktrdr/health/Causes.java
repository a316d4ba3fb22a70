package ktrdr.health;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import ktrdr.Problem;
import ktrdr.inventory.Inventory;
import ktrdr.report.Check;
import ktrdr.report.Repeated;

/** Which failing check explains which others, by their ids, so that a person is told of one thing and not of five. Pure. */
public final class Causes {
    /** What a check whose id is the first takes with it, $1 and $2 being its groups. */
    private static final List<Rule> RULES = List.of(
            rule("(.+)\\.(?:ssh|host)", "$1\\..*", "target\\.$1\\..*"),
            rule("$CORE\\.(?:ssh|host)", "[a-z]+\\.health", "workers\\..*", "db\\.query", ".*\\.db", "targets?(\\..*)?", "grafana\\..*", "prometheus\\..*", "sample\\..*", ".*\\.registered"),
            rule("(.+)\\.stack", "$1\\.(?!host$).*"),
            // what asks a node that keeps it out gets no answer
            rule("(.+)\\.firewall", "$1\\..*-worker-.*\\.(registered|gpu|health)", "target\\.$1\\..*-worker-.*"),
            rule("$CORE\\.firewall", ".*\\.db", ".*\\.registered"),
            rule("(.+)\\.((?:backtest|training)-worker-(?:\\d|gpu))\\.container", "$1\\.$2\\.(registered|gpu)", "target\\.$1\\.$2", "$1\\.release"),
            rule("(.+)\\.(.+-worker-gpu)\\.registered", "$1\\.$2\\.gpu"),
            rule("(?:.+\\.)?backend\\.(?:container|health)", "backend\\.health", "workers\\..*", ".*\\.registered", "target\\.backend", "prometheus\\.metrics", "sample\\..*", "$CORE\\.release"),
            rule("(?:.+\\.)?db\\.container", "db\\.query", ".*\\.db", "$CORE\\.release"),
            rule("(?:.+\\.)?prometheus\\.(?:container|health)", "prometheus\\..*", "targets?(\\..*)?", "grafana\\.query", "$CORE\\.release"),
            rule("(?:.+\\.)?grafana\\.(?:container|health)", "grafana\\..*", "$CORE\\.release"),
            rule("(?:.+\\.)?jaeger\\.(?:container|health)", "jaeger\\.health", "sample\\.trace", "$CORE\\.release"),
            rule("(?:.+\\.)?alertmanager\\.(?:container|health)", "alertmanager\\.health", "$CORE\\.release"),
            rule("target\\.backend", "prometheus\\.metrics"),
            rule("grafana\\.datasource\\.prometheus", "grafana\\.query"),
            rule(".+\\.share", "sample\\.result"),
            rule("db\\.schema", "sample\\..*"),
            rule("sample\\.operation", "sample\\..*"));

    private record Rule(String cause, List<String> effects) {
        boolean explains(String cause, String effect, String core) {
            var matcher = Pattern.compile(this.cause.replace("$CORE", Pattern.quote(core))).matcher(cause);
            return !cause.equals(effect) && matcher.matches() && effects.stream().anyMatch(one -> effect.matches(filled(one, matcher, core)));
        }

        private static String filled(String effect, Matcher groups, String core) {
            var filled = effect.replace("$CORE", Pattern.quote(core));
            for (int i = 1; i <= groups.groupCount(); i++) filled = filled.replace("$" + i, Pattern.quote(groups.group(i)));
            return filled;
        }
    }

    private Causes() {}

    private static Rule rule(String cause, String... effects) {
        return new Rule(cause, List.of(effects));
    }

    /** Of the checks that do not hold, each that is explained by another one, to the one that explains it and is itself explained by none. */
    public static Map<String, String> of(Inventory inventory, List<Check> checks) {
        var core = inventory.core().name();
        var failing = checks.stream().filter(check -> !check.ok()).map(Check::id).toList();
        var causes = new LinkedHashMap<String, String>();
        for (var effect : failing)
            failing.stream().filter(cause -> RULES.stream().anyMatch(rule -> rule.explains(cause, effect, core))).findFirst().ifPresent(cause -> causes.put(effect, cause));
        causes.replaceAll((effect, cause) -> root(causes, cause));
        return causes;
    }

    private static String root(Map<String, String> causes, String check) {
        return causes.containsKey(check) ? root(causes, causes.get(check)) : check;
    }

    /** A problem for each cause, with the ids of what it explains. */
    public static List<Problem> problems(Inventory inventory, List<Check> checks) {
        var causes = of(inventory, checks);
        var problems = new ArrayList<Problem>();
        for (var check : checks) {
            if (check.ok() || causes.containsKey(check.id())) continue;
            var effects = causes.entrySet().stream().filter(one -> one.getValue().equals(check.id())).map(Map.Entry::getKey).collect(Collectors.joining(", "));
            problems.add(check.problem(check.id() + " does not hold").with("as well", effects));
        }
        return Repeated.once(inventory.nodes(), problems);
    }
}

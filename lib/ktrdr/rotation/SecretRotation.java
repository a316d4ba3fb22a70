package ktrdr.rotation;

import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import ktrdr.Console;
import ktrdr.DidYouMean;
import ktrdr.Facts;
import ktrdr.Problem;
import ktrdr.Threads;
import ktrdr.deploy.NodePlan;
import ktrdr.deploy.RolloutExchange;
import ktrdr.fleet.Fleet;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Inventory.Node;
import ktrdr.inventory.Secrets;
import ktrdr.inventory.Secrets.Field;
import ktrdr.node.Docker;
import ktrdr.node.Registry;
import ktrdr.release.FileChanges;
import ktrdr.release.NodeLocks;
import ktrdr.release.Revision;
import ktrdr.release.Stack;
import ktrdr.release.Templates;
import ktrdr.ssh.Ssh;

/**
 * Brings one changed secret from the provider to everything that uses it: to the service that keeps it itself, and to
 * the containers that have the previous value in their environment, at the running release. The other secrets stay as
 * those containers have them, whatever the provider has.
 *
 * The previous values are read from the containers' environment and kept in memory, for a rollback. In the end either
 * everything has the new value, or everything the previous one; a killed run is finished by the next.
 */
public final class SecretRotation implements RolloutExchange {
    /**
     * Names in the environment of the containers of a stack, and the values, in base64; never in an argument list. A
     * container that was created and never ran has nothing to go back to.
     */
    private static final String ENVIRONMENT = """
            ids=$(%1$s)
            [ -z "$ids" ] || docker inspect --format '{{$service := index .Config.Labels "%2$s"}}{{if ne \
            .State.Status "created"}}{{range .Config.Env}}{{$service}} {{println .}}{{end}}{{end}}' $ids | while IFS= \
            read -r line; do
              service=${line%%%% *}
              line=${line#* }
              case $line in
                %3$s) say "env $service ${line%%%%=*}" "$(printf %%s "${line#*=}" | base64 | tr -d '\\n')" ;;
              esac
            done
            say end yes
            """;
    private final Fleet fleet;
    private final Console console;
    private final Field field;
    /** It by each variable of the Compose files that has it. */
    private final List<Field> variables;
    private final String value;
    private final Node core;
    private final Optional<PasswordStore> keeper;
    private final Map<Node, Map<Field, String>> former = new ConcurrentHashMap<>();
    private boolean begun;

    /** Fetches the new value. A missing value, or one of several lines, is a {@link Problem}. */
    public SecretRotation(Fleet fleet, NodeLocks locks, Console console, Field field, Map<String, String> environment) {
        this.fleet = fleet;
        this.console = console;
        this.field = field;
        this.core = fleet.inventory().core();
        this.value = Secrets.fetch(fleet.inventory(), Set.of(field), environment, console).get(field);
        boolean role = field.equals(Field.DB_PASSWORD) || SecretCarriers.database(fleet.inventory(), field);
        this.keeper = role ? Optional.of(new PostgresPassword(fleet, locks))
                : field.equals(Field.GRAFANA_PASSWORD) ? Optional.of(new GrafanaPassword(fleet, locks, console))
                : Optional.empty();
        this.variables = fleet.inventory().secrets().all().stream()
                .filter(known -> known.name().equals(field.name())).toList();
        // what cannot be kept is refused before anything is asked
        if (role) ScramVerifier.of(value);
    }

    /** The field of a name, the toolkit's or one of {@code secrets.variables}; an unknown one is a {@link Problem}. */
    public static Field field(Inventory inventory, String name) {
        var names = inventory.secrets().all().stream().map(Field::name).distinct().toList();
        return inventory.secrets().all().stream().filter(field -> field.name().equals(name)).findFirst()
                .orElseThrow(() -> Problem.usage("there is no secret " + name).expected(String.join(", ", names))
                        .found(name + DidYouMean.ask(name, names)));
    }

    /** The nodes whose containers may have it. A field of one's own that no Compose file names is a {@link Problem}. */
    public static List<Node> nodes(Inventory inventory, Field field) {
        if (field.equals(Field.DB_PASSWORD)) return inventory.nodes();
        if (Field.KNOWN.contains(field)) return List.of(inventory.core());
        var nodes = SecretCarriers.nodes(inventory, field);
        if (nodes.isEmpty()) throw Problem.usage("no service has " + field).expected(field.variable()
                + " as a value under `environment` of a service").fix("rotate-secret replaces what containers have in "
                + "their environment");
        return nodes;
    }

    /**
     * The plan of a node, in three round trips: the services that have another value than the new one, at the running
     * release.
     */
    public NodePlan plan(Stack stack, Ssh ssh) {
        var inventory = fleet.inventory();
        var facts = FileChanges.gather(inventory, stack, ssh, Optional.empty(), List.of());
        var revision = Revision.running(stack, facts, new Templates(inventory).render(stack.node(), ""),
                "given another secret");
        var environment = environment(ssh.must(script(stack)), SecretCarriers.of(stack));
        // the toolkit's alone; what ran once has done its work with the previous one
        environment.keySet().removeIf(service -> !revision.images().containsKey(service) || stack.once(service));
        // containers that a killed run created and did not start are to be started, with the new value
        var left = facts.containers().stream()
                .filter(container -> container.status().equals("created") && !stack.once(container.service()))
                .map(Docker.Container::service).toList();
        var services = revision.images().keySet().stream().filter(service -> {
            var has = environment.getOrDefault(service, Map.of());
            return left.contains(service)
                    || variables.stream().anyMatch(one -> has.containsKey(one) && !has.get(one).equals(value));
        }).toList();
        if (left.isEmpty() && environment.values().stream()
                .noneMatch(has -> variables.stream().anyMatch(has::containsKey)))
            throw Problem.failed(stack.node().name() + ": no container there has " + field)
                    .expected(variables.stream().map(Field::variable).collect(Collectors.joining(" or "))
                            + " in the environment of one").fix(stack.deploy());
        former.put(stack.node(), merged(environment, services));
        var plan = NodePlan.plan(stack, revision, services,
                FileChanges.gather(stack, ssh, revision.files(), NodePlan.asked(revision, services)));
        plan.rereads().stream().findFirst().ifPresent(service -> {
            throw Problem.failed(stack.node().name() + ": a configuration of " + service
                    + " is staged that it has not read yet").expected("nothing but " + field + " to change")
                    .fix("jbang deploy@ktrdr " + stack.words() + " " + service);
        });
        return plan;
    }

    static String script(Stack stack) {
        var names = SecretCarriers.of(stack).names().stream().map(name -> name + "=?*").toList();
        return Facts.SAY + ENVIRONMENT.formatted(Docker.idsOf(stack.project()), Docker.SERVICE,
                String.join(" | ", names));
    }

    /** The answer of {@link #script}: service to the secrets in its container's environment. */
    static Map<String, Map<Field, String>> environment(String answer, SecretCarriers carriers) {
        var environment = new LinkedHashMap<String, Map<Field, String>>();
        Facts.parse(answer).under("env").forEach((name, encoded) -> {
            var words = name.split(" ");
            carriers.field(words[0], words[1]).ifPresent(field -> environment.computeIfAbsent(words[0],
                    none -> new TreeMap<>()).put(field, new String(Facts.bytes(encoded), StandardCharsets.UTF_8)));
        });
        return environment;
    }

    /** The secrets that a node's containers have; of two values for one secret that of a service to be replaced. */
    static Map<Field, String> merged(Map<String, Map<Field, String>> environment, List<String> replaced) {
        var merged = new TreeMap<Field, String>();
        environment.values().forEach(merged::putAll);
        replaced.forEach(service -> merged.putAll(environment.getOrDefault(service, Map.of())));
        return merged;
    }

    @Override
    public Secrets given(Secrets fetched) {
        var others = new TreeMap<Field, String>();
        fleet.nodes().forEach(node -> former.getOrDefault(node, Map.of()).forEach(others::putIfAbsent));
        others.putAll(former.getOrDefault(core, Map.of()));
        variables.forEach(one -> others.put(one, value));
        return fetched.with(others, console);
    }

    @Override
    public Secrets former(Node node, Secrets given) {
        return given.with(former.getOrDefault(node, Map.of()), console);
    }

    /**
     * Whether the service that keeps it itself, if any, still has another value; then it has to be changed even if no
     * container is replaced.
     */
    public boolean behind() {
        return !begun && keeper.filter(passwordStore -> !passwordStore.has(value)).isPresent();
    }

    /** What changes in addition to containers, as " in PostgreSQL's role"; empty if nothing does. */
    public String alsoIn() {
        return keeper.map(passwordStore -> " in " + passwordStore.name()).orElse("");
    }

    @Override
    public void begin() {
        begun = true;
        if (keeper.isEmpty()) return;
        try (var step = console.step(core.name(), "secret")) {
            keeper.get().ready();
            if (keeper.get().has(value)) step.done(keeper.get().name() + " has it already");
            else {
                var proven = keeper.get().set(value,
                        Optional.ofNullable(former.getOrDefault(core, Map.of()).get(field)));
                step.done(keeper.get().name() + proven);
            }
        } catch (RuntimeException e) {
            // the exchange may be incomplete; an interrupt must not end the way back
            Threads.uninterrupted(this::back);
            throw e;
        }
    }

    @Override
    public void back() {
        if (keeper.isPresent() && keeper.get().back())
            console.note(core.name(), "secret", keeper.get().name() + " has the previous one again");
    }

    @Override
    public boolean together() {
        return true;
    }

    /** Proves on core that the registry accepts the token, which is kept nowhere: every pull logs in again. */
    public static void proveToken(Inventory inventory, Ssh core, Map<String, String> environment, Console console) {
        var name = inventory.core().name();
        var registry = Registry.of(inventory);
        var secrets = Secrets.fetch(inventory, Set.of(Field.GHCR_TOKEN), environment, console);
        var result = core.run(secrets.registry() + registry.login());
        if (!result.ok()) throw registry.failure(name, result)
                .orElseGet(() -> Problem.failed(name + ": the registry " + registry.host() + " could not be asked")
                        .found(result));
    }
}

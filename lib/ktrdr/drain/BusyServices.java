package ktrdr.drain;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import ktrdr.Console;
import ktrdr.Facts;
import ktrdr.ScriptExit;
import ktrdr.Sh;
import ktrdr.release.ComposeService;
import ktrdr.release.Stack;
import ktrdr.ssh.Ssh;

/**
 * The services of a stack that say by a command whether they are at work ({@code x-ktrdr.busy}). They are waited for,
 * and then stopped as Compose stops them: what a worker of KTRDR needs is in {@link WorkerStops}.
 */
final class BusyServices {
    /** Stands for the operation that a worker has. */
    private static final String AT_WORK = "at work";
    private final Stack stack;
    private final UnaryOperator<String> container;
    /** Those that are not waited for any longer. */
    private final Set<String> settled = new LinkedHashSet<>();

    /** @param container the name of a service's container now */
    BusyServices(Stack stack, UnaryOperator<String> container) {
        this.stack = stack;
        this.container = container;
    }

    private Stream<ComposeService> asked(Collection<String> services) {
        return services.stream().filter(service -> !settled.contains(service)).map(stack.file()::service)
                .flatMap(Optional::stream).filter(service -> service.busy().isPresent());
    }

    /** Those of these services that are at work. One whose command does not end, or fails, is not. */
    Map<String, String> busy(Collection<String> services, Ssh ssh) {
        var busy = new TreeMap<String, String>();
        var script = asked(services).map(service -> "if " + test(service) + "; then say "
                + Sh.quote("busy " + service.name()) + " yes; fi\n").collect(Collectors.joining());
        if (script.isEmpty()) return busy;
        Facts.parse(ssh.must(Facts.SAY + script + "say end yes\n")).under("busy").keySet()
                .forEach(service -> busy.put(service, AT_WORK));
        return busy;
    }

    /** Shell lines that end a script with {@link ScriptExit#AT_WORK} if one of them is at work by now. */
    String unlessAtWork(Collection<String> services) {
        return asked(services).map(service -> "if " + test(service) + "; then exit " + ScriptExit.AT_WORK.code
                + "; fi\n").collect(Collectors.joining());
    }

    private String test(ComposeService service) {
        var asked = service.busy().orElseThrow();
        var command = asked.inside(container.apply(service.name())) + " 2>/dev/null";
        return asked.expected().map(text -> "said=$(" + command + ") && [ \"$said\" = " + Sh.quote(text) + " ]")
                .orElse(command + " >/dev/null");
    }

    /** Those of the busy ones that are none of these; they are stopped while at work. */
    Map<String, String> others(Map<String, String> busy, Console console) {
        var others = new LinkedHashMap<>(busy);
        var stopped = asked(busy.keySet()).map(ComposeService::name).toList();
        others.keySet().removeAll(stopped);
        settled.addAll(stopped);
        stopped.forEach(service -> console.note(stack.node().name(), "stop", service + " is stopped while at work"));
        return others;
    }
}

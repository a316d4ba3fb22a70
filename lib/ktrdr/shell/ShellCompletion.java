package ktrdr.shell;

import com.samskivert.mustache.Mustache;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import ktrdr.BuiltIn;
import ktrdr.Console;
import ktrdr.release.ComposeFile;
import ktrdr.release.Templates.NodeFile;
import picocli.CommandLine;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/**
 * What a shell has to know to complete the procedures' command lines: a table of commands, options and arguments, in a
 * script for bash or zsh that finds candidates with it and with the names in the inventory, read at that moment. The
 * files of it are in templates/completion.
 *
 * The label of an argument, as the help shows it, says what it takes, a part for each bar: NODE, WORKERS-NODE, ROLE,
 * SERVICE, FILE and TEST are what they say, a word in small letters is itself, any other is not known beforehand.
 * Candidates and types that picocli knows come first.
 */
public final class ShellCompletion {
    /** The shells that have completion of this kind. */
    public enum Shell { bash, zsh }

    private static final Map<String, String> KINDS = Map.of("NODE", "@node", "WORKERS-NODE", "@worker", "SERVICE",
            "@service", "ROLE", "@role", "FILE", "@file", "TEST", "@test");
    private static final int MEANING = 80;
    private final List<String> lines = new ArrayList<>();

    private ShellCompletion() {}

    /**
     * The script to be read by a shell.
     *
     * @param commands each with its name, subcommands among them; in the order to be shown
     */
    public static String script(Shell shell, List<CommandLine> commands) {
        // the program is in single quotes; its comments, which may contain one, are left out
        var program = BuiltIn.text("completion/candidates.awk").lines()
                .filter(line -> !line.isBlank() && !line.strip().startsWith("#")).collect(Collectors.joining("\n"));
        var values = Map.of("program", program, "table", table(commands));
        var candidates = fill("completion/candidates.sh", values);
        return fill("completion/completion." + shell, Map.of("candidates", candidates));
    }

    private static String fill(String template, Map<String, String> values) {
        return Mustache.compiler().escapeHTML(false).compile(BuiltIn.text(template)).execute(values);
    }

    /** Lines of words with tabs between, as templates/completion/candidates.awk reads them. */
    static String table(List<CommandLine> commands) {
        var table = new ShellCompletion();
        table.line("services", String.join(" ", services()));
        commands.forEach(command -> table.command("", command.getCommandSpec()));
        return String.join("\n", table.lines);
    }

    /** The services of core as they come with the toolkit. */
    private static List<String> services() {
        var file = "docker-compose.core.yml";
        return ComposeFile.read(List.of(new NodeFile(file, BuiltIn.text("core/" + file), "644")), "", "/").active();
    }

    private void line(String... words) {
        lines.add(Arrays.stream(words).map(word -> word.replaceAll("[\t\n]", " ")).collect(Collectors.joining("\t")));
    }

    private void command(String above, CommandSpec spec) {
        var path = (above + " " + spec.name()).strip();
        line("command", path, meaning(spec.usageMessage().header(), ""));
        for (var option : spec.options()) if (!option.hidden()) option(path, spec, option);
        for (var positional : spec.positionalParameters()) {
            var index = positional.index();
            boolean last = index.isVariable() || positional.isMultiValue() && positional.arity().isVariable()
                    || index.max() == Integer.MAX_VALUE;
            line("positional", path, String.valueOf(index.min()), last ? "*" : String.valueOf(index.max()),
                    kinds(positional));
        }
        spec.subcommands().values().forEach(sub -> command(path, sub.getCommandSpec()));
    }

    private void option(String path, CommandSpec spec, OptionSpec option) {
        var names = new ArrayList<>(Arrays.asList(option.names()));
        if (option.negatable())
            names.add(spec.commandLine().getNegatableOptionTransformer().makeNegative(option.longestName(), spec));
        boolean flag = option.arity().max() == 0;
        var kinds = flag ? "-" : kinds(option).isEmpty() ? "@any" : kinds(option);
        line("option", path, String.join(" ", names), kinds, option.isMultiValue() ? "often" : "once",
                meaning(option.description(), words(option)));
    }

    /** What an argument takes: {@code @node} and so on, and words that stand for themselves. */
    private static String kinds(ArgSpec argument) {
        if (argument.completionCandidates() != null) return words(argument).replace(",", "");
        if (Path.class.isAssignableFrom(argument.type())) return "@file";
        var kinds = new LinkedHashSet<String>();
        for (var part : argument.paramLabel().replaceAll("[<>]", "").split("\\|"))
            if (KINDS.containsKey(part)) kinds.add(KINDS.get(part));
            else if (part.matches("[a-z0-9-]+")) kinds.add(part);
        return String.join(" ", kinds);
    }

    private static String words(ArgSpec argument) {
        if (argument.completionCandidates() == null) return "";
        var words = new ArrayList<String>();
        argument.completionCandidates().forEach(words::add);
        return String.join(", ", words);
    }

    /** The first part of a description, at most as long as the line has room for next to the word. */
    private static String meaning(String[] description, String words) {
        var text = String.join(" ", description).replace("${COMPLETION-CANDIDATES}", words)
                .replaceAll(" \\([^)]*\\)?.*|[.;].*", "");
        return Console.brief(text.strip(), MEANING);
    }
}
